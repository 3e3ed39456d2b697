// SPDX-License-Identifier: GPL-2.0
/* The life of a TD, from its creation to its end. */
#include <ucall_common.h>

#include "tdp_test.h"

#include "tdx/td.h"

FIXTURE(lifecycle) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
};

FIXTURE_SETUP(lifecycle)
{
	TDP_REQUIRE_NOT(td_host_lacks());
}

FIXTURE_TEARDOWN(lifecycle)
{
	kvm_vm_free(self->vm);
}

static void guest_sync(void)
{
	GUEST_SYNC(0x7d);
	GUEST_DONE();
}

/* Rules: tdx.run */
TEST_F(lifecycle, run)
{
	struct ucall uc;

	self->vm = td_create_with_one_vcpu(&self->vcpu, guest_sync);

	vcpu_run(self->vcpu);
	ASSERT_EQ(get_ucall(self->vcpu, &uc), UCALL_SYNC);
	EXPECT_EQ(uc.args[1], 0x7d);

	vcpu_run(self->vcpu);
	EXPECT_EQ(get_ucall(self->vcpu, &uc), UCALL_DONE);
}

TDP_HARNESS_MAIN
