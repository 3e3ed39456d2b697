// SPDX-License-Identifier: GPL-2.0
/* GPAs that were never populated. */
#include "tdp_test.h"

/* Not a power of two, so that the slot ends inside a page table. */
#define NPAGES	600

FIXTURE(absent) {
	struct tdp_vm t;
};

TDP_MEM_VARIANTS(absent);

FIXTURE_SETUP(absent)
{
	TDP_SETUP_SLOT(&self->t, &variant->mem, VM_MEM_SRC_ANONYMOUS, TDP_GPA,
		       NPAGES);
}

FIXTURE_TEARDOWN(absent)
{
	tdp_vm_free(&self->t);
}

/* Rules: walk.no-root */
TEST_F(absent, no_root)
{
	struct tdp_vm *t = &self->t;

	EXPECT_EQ(tdp_roots(t->vcpu).roots, 0);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, t->npages);
	EXPECT_TDP_ABSENT(t->vcpu, 0, 1);
}

TDP_HARNESS_MAIN
