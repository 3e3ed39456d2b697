// SPDX-License-Identifier: GPL-2.0
/* TDs with more than one vCPU, which need a host with more than one CPU. */
#include "tdx/td_test.h"
#include "tdx/tdcall.h"

FIXTURE(vcpus) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
};

FIXTURE_SETUP(vcpus)
{
}

FIXTURE_TEARDOWN(vcpus)
{
	kvm_vm_free(self->vm);
}

static void guest_who(u64 arg)
{
	struct tdg_vp_info info;

	GUEST_ASSERT_EQ(tdg_vp_info(&info), TDX_SUCCESS);
	GUEST_SYNC3(arg, info.nr_vcpus, info.vcpu_index);
	GUEST_DONE();
}

#define REQUIRE_TWO_VCPUS(vm)						\
	TDP_REQUIRE(vm_check_cap(vm, KVM_CAP_MAX_VCPUS) > 1,		\
		    "this host has one CPU, hence TDs have one vCPU")

/*
 * Each vCPU starts on a stack and with an argument of its own.
 *
 * Rules: tdx.init-params tdx.run
 */
TEST_F(vcpus, two_vcpus)
{
	struct kvm_vcpu *vcpus[2];
	struct ucall uc;
	int i;

	self->vm = td_create(2);
	REQUIRE_TWO_VCPUS(self->vm);
	for (i = 0; i < 2; i++)
		vcpus[i] = td_vcpu_add(self->vm, i, guest_who, 0x200 + i);
	td_finalize(self->vm);

	for (i = 1; i >= 0; i--) {
		vcpu_run(vcpus[i]);
		ASSERT_EQ(get_ucall(vcpus[i], &uc), UCALL_SYNC);
		EXPECT_EQ(uc.args[0], 0x200 + i);
		EXPECT_EQ(uc.args[1], 2);
		EXPECT_EQ(uc.args[2], i);
	}
	for (i = 0; i < 2; i++) {
		vcpu_run(vcpus[i]);
		EXPECT_EQ(get_ucall(vcpus[i], &uc), UCALL_DONE);
	}
}

/* Rules: tdx.order */
TEST_F(vcpus, vcpu_after_final)
{
	struct kvm_vcpu *late;

	self->vm = td_create_idle(&self->vcpu);
	REQUIRE_TWO_VCPUS(self->vm);

	tdx_finalize_vm(self->vm);
	EXPECT_EQ(__td_try_vcpu(self->vm, 1), -EIO);
	kvm_vm_free(self->vm);

	self->vm = td_create_idle(&self->vcpu);
	late = td_vcpu_add_bare(self->vm, 1);
	tdx_finalize_vm(self->vm);
	EXPECT_EQ(__tdx_init_vcpu(late, 0), -EINVAL);
}

/* Rules: tdx.max-vcpus */
TEST_F(vcpus, too_many_vcpus)
{
	int max;
	u32 id;

	self->vm = td_create_idle(&self->vcpu);
	max = vm_check_cap(self->vm, KVM_CAP_MAX_VCPUS);

	EXPECT_LE(max, sysconf(_SC_NPROCESSORS_CONF));
	ASSERT_GE(max, 1);
	for (id = 1; (int)id < max; id++)
		EXPECT_EQ(__td_try_vcpu(self->vm, id), 0);
	EXPECT_EQ(__td_try_vcpu(self->vm, max), -EINVAL);
}

TD_HARNESS_MAIN
