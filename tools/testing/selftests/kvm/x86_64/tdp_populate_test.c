// SPDX-License-Identifier: GPL-2.0
/* Pages that the guest's access or KVM_PRE_FAULT_MEMORY populated. */
#include "tdp_test.h"

#define NPAGES	64

FIXTURE(populate) {
	struct tdp_vm t;
};

TDP_MEM_VARIANTS(populate);

FIXTURE_SETUP(populate)
{
	TDP_SETUP_SLOT(&self->t, &variant->mem, VM_MEM_SRC_ANONYMOUS, TDP_GPA,
		       NPAGES);
	tdp_vm_touch(&self->t);
}

FIXTURE_TEARDOWN(populate)
{
	tdp_vm_free(&self->t);
}

/* Rules: map.access walk.level walk.base-pfn walk.no-child */
TEST_F(populate, guest_write)
{
	struct tdp_vm *t = &self->t;
	u64 gpa = t->gpa + 7 * PAGE_SIZE;

	guest_write(t->vcpu, gpa, 1);
	EXPECT_TDP_MAPPED(t, gpa, 1, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, 7);
	EXPECT_TDP_ABSENT(t->vcpu, gpa + PAGE_SIZE, NPAGES - 8);
}

/* Rules: map.prefault */
TEST_F(populate, prefault)
{
	struct tdp_vm *t = &self->t;

	tdp_prefault(t->vcpu, t->gpa, t->npages * PAGE_SIZE);
	EXPECT_TDP_MAPPED(t, t->gpa, t->npages, PG_LEVEL_4K);
}

TDP_HARNESS_MAIN
