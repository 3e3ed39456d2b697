// SPDX-License-Identifier: GPL-2.0
#include "tdx/td_vm.h"

static const struct tdp_vm td_vm = {
	.mem = {
		.vm_type = KVM_X86_TDX_VM,
		.gmem = true,
		.is_private = true,
	},
	.gmem_fd = -1,
};

void td_vm_create(struct tdp_vm *t, void *guest_code)
{
	*t = td_vm;
	t->vm = td_create(1);
	t->vcpu = td_vcpu_add(t->vm, 0, guest_code, 0);
}

void td_vm_create_idle(struct tdp_vm *t)
{
	*t = td_vm;
	t->vm = td_create_idle(&t->vcpu);
}
