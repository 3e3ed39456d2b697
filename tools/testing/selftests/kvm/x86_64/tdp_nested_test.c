// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU that runs a guest of its own (L2), with nested paging of its own: KVM
 * then has two sets of tables for it.  A walk is about the VM's GPAs, so it
 * takes the root that the VM has without L2, not the one that L2 runs on.
 *
 * Needs: void tdp_identity_map_default_memslots(
 */
#include "tdp_program.h"
#include "tdp_test.h"

/* Not self-contained. */
#include <svm_util.h>
#include <vmx.h>

#define NPAGES		16
#define L1_GPA		TDP_GPA
#define L2_GPA		(TDP_GPA + 5 * PAGE_SIZE)

FIXTURE(nested) {
	struct tdp_vm t;
};

static void l2_code(void)
{
	WRITE_ONCE(*(u64 *)L2_GPA, 2);
	GUEST_UCALL_NONE();
	vmcall();
}

static void run_l2(void *nested)
{
	struct svm_test_data *svm = nested;

	if (this_cpu_has(X86_FEATURE_VMX)) {
		GUEST_ASSERT(prepare_for_vmx_operation(nested));
		GUEST_ASSERT(load_vmcs(nested));
		prepare_vmcs(nested, l2_code);
		GUEST_ASSERT(!vmlaunch());
	} else {
		generic_svm_setup(svm, l2_code);
		run_guest(svm->vmcb, svm->vmcb_gpa);
	}
}

static void l1_code(void *nested)
{
	WRITE_ONCE(*(u64 *)L1_GPA, 1);
	GUEST_UCALL_NONE();
	run_l2(nested);
	GUEST_UCALL_NONE();
	WRITE_ONCE(*(u64 *)L2_GPA, 1);
	GUEST_UCALL_NONE();
}

static void prepare_l1(struct tdp_vm *t)
{
	struct kvm_regs regs;
	gva_t nested;

	if (kvm_cpu_has(X86_FEATURE_VMX))
		vcpu_alloc_vmx(t->vm, &nested);
	else
		vcpu_alloc_svm(t->vm, &nested);

	vcpu_regs_get(t->vcpu, &regs);
	regs.rip = (unsigned long)l1_code;
	vcpu_regs_set(t->vcpu, &regs);
	vcpu_args_set(t->vcpu, 1, nested);
}

FIXTURE_SETUP(nested)
{
	const struct tdp_mem mem = TDP_MEM_DEFAULT;
	struct tdp_vm *t = &self->t;

	TDP_REQUIRE(kvm_cpu_has_tdp(), "KVM does not offer nested paging to guests");
	TDP_SETUP_SLOT(t, &mem, VM_MEM_SRC_ANONYMOUS, TDP_GPA, NPAGES);
	tdp_vm_touch(t);
	ASSERT_EQ(guest_gva(t->vm, TDP_GPA), TDP_GPA);

	vm_enable_tdp(t->vm);
	prepare_l1(t);
	tdp_map(t->vm, t->gpa, t->gpa, t->npages * PAGE_SIZE);
	tdp_map(t->vm, TDP_PROGRAM_GPA, TDP_PROGRAM_GPA, TDP_PROGRAM_SIZE);
	tdp_identity_map_default_memslots(t->vm);
}

FIXTURE_TEARDOWN(nested)
{
	tdp_vm_free(&self->t);
}

/* Rules: walk.nested */
TEST_F(nested, in_l2)
{
	struct kvm_pre_fault_memory range = { .gpa = TDP_GPA, .size = PAGE_SIZE };
	struct tdp_vm *t = &self->t;

	ASSERT_EQ(__guest_resume(t->vcpu), 0);
	EXPECT_TDP_MAPPED(t, L1_GPA, 1, PG_LEVEL_4K);

	/* In L2, on tables of its own: api.rst says so of the pre-fault. */
	ASSERT_EQ(__guest_resume(t->vcpu), 0);
	ASSERT_EQ(READ_ONCE(*(u64 *)(t->hva + L2_GPA - t->gpa)), 2);
	ASSERT_EQ(__tdp_prefault(t->vcpu, &range), -EOPNOTSUPP);
	EXPECT_EQ(tdp_roots(t->vcpu).roots,
		  KVM_TDP_ROOT_DIRECT | KVM_TDP_ROOT_TDP_MMU);
	EXPECT_TDP_MAPPED(t, L1_GPA, 1, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(t->vcpu, L1_GPA + PAGE_SIZE, NPAGES - 1);

	/* Back in L1. */
	ASSERT_EQ(__guest_resume(t->vcpu), 0);
	EXPECT_TDP_MAPPED(t, L1_GPA, 1, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(t->vcpu, L1_GPA + PAGE_SIZE, NPAGES - 1);

	ASSERT_EQ(__guest_resume(t->vcpu), 0);
	EXPECT_TDP_MAPPED(t, L2_GPA, 1, PG_LEVEL_4K);
}

TDP_HARNESS_MAIN
