// SPDX-License-Identifier: GPL-2.0
#include <ucall_common.h>

#include "tdp_guest.h"

/* Lives in the guest's copy of this program's data. */
struct guest_cmd {
	u64 op;
	u64 gva;
	u64 stride;
	u64 nr;
	u64 value;
} __aligned(64);

static struct guest_cmd guest_cmds[GUEST_MAX_VCPUS];

static void guest_touch(struct guest_cmd *cmd, u64 gva, u64 i)
{
	switch (cmd->op) {
	case GUEST_READ:
		cmd->value = READ_ONCE(*(u64 *)gva);
		break;
	case GUEST_WRITE:
		WRITE_ONCE(*(u64 *)gva, cmd->value + i);
		break;
	case GUEST_EXEC:
		((void (*)(void))gva)();
		break;
	}
}

void guest_loop(void *arg)
{
	struct guest_cmd *cmd = arg;
	u64 i;

	for (;;) {
		for (i = 0; i < READ_ONCE(cmd->nr); i++)
			guest_touch(cmd, cmd->gva + i * cmd->stride, i);
		GUEST_UCALL_NONE();
	}
}

static struct guest_cmd *guest_cmd(struct kvm_vcpu *vcpu)
{
	TDP_ASSERT(vcpu->id < GUEST_MAX_VCPUS, "vCPU id %u is %u or more",
		   vcpu->id, GUEST_MAX_VCPUS);
	return addr_gva2hva(vcpu->vm, (uintptr_t)&guest_cmds[vcpu->id]);
}

void guest_init(struct kvm_vcpu *vcpu)
{
	memset(guest_cmd(vcpu), 0, sizeof(struct guest_cmd));
	vcpu_args_set(vcpu, 1, (u64)&guest_cmds[vcpu->id]);
}

u64 guest_gva(struct kvm_vm *vm, u64 gpa)
{
	return gpa & (BIT_ULL(vm->va_bits - 1) - 1);
}

static int guest_map_level(u64 gva, u64 gpa, u64 size)
{
	int level = PG_LEVEL_1G;

	while (level > PG_LEVEL_4K &&
	       (((gva | gpa) & (tdp_level_size(level) - 1)) ||
		size < tdp_level_size(level)))
		level--;
	return level;
}

void guest_map(struct kvm_vm *vm, u64 gpa, u64 size)
{
	u64 done, step;

	for (done = 0; done < size; done += step) {
		u64 gva = guest_gva(vm, gpa + done);
		int level = guest_map_level(gva, gpa + done, size - done);

		step = tdp_level_size(level);
		virt_map_level(vm, gva, gpa + done, step, level);
	}
}

int __guest_resume(struct kvm_vcpu *vcpu)
{
	u32 reason;
	struct ucall uc;

	/* A failed KVM_RUN still says why in exit_reason. */
	if (_vcpu_run(vcpu))
		TDP_ASSERT(vcpu->run->exit_reason == KVM_EXIT_MEMORY_FAULT,
			   "KVM_RUN failed: %s", strerror(errno));

	reason = vcpu->run->exit_reason;
	if (reason != KVM_EXIT_IO)
		return reason;

	get_ucall(vcpu, &uc);
	TDP_ASSERT(uc.cmd == UCALL_NONE, "The guest failed: %s", uc.buffer);
	return 0;
}

int __guest_do(struct kvm_vcpu *vcpu, enum guest_op op, u64 gpa, u64 stride,
	       u64 nr, u64 value)
{
	*guest_cmd(vcpu) = (struct guest_cmd) {
		.op = op,
		.gva = guest_gva(vcpu->vm, gpa),
		.stride = stride,
		.nr = nr,
		.value = value,
	};

	return __guest_resume(vcpu);
}

u64 guest_do(struct kvm_vcpu *vcpu, enum guest_op op, u64 gpa, u64 stride,
	     u64 nr, u64 value)
{
	int reason = __guest_do(vcpu, op, gpa, stride, nr, value);

	TDP_ASSERT(!reason, "Wanted the guest to touch gpa 0x%lx, got exit %d (%s)",
		   gpa, reason, exit_reason_str(reason));
	return guest_cmd(vcpu)->value;
}
