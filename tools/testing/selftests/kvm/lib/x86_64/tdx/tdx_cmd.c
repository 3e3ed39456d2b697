// SPDX-License-Identifier: GPL-2.0
#include "tdx/tdx_cmd.h"

/* KVM_MAX_CPUID_ENTRIES of the kernel. */
#define TDX_MAX_CPUID_ENTRIES	256

int __tdx_cmd(int fd, struct kvm_tdx_cmd *cmd)
{
	return ioctl(fd, KVM_MEMORY_ENCRYPT_OP, cmd) ? -errno : 0;
}

static const char *tdx_cmd_name(u32 id)
{
	static const char * const names[] = {
		[KVM_TDX_CAPABILITIES] = "KVM_TDX_CAPABILITIES",
		[KVM_TDX_INIT_VM] = "KVM_TDX_INIT_VM",
		[KVM_TDX_INIT_VCPU] = "KVM_TDX_INIT_VCPU",
		[KVM_TDX_INIT_MEM_REGION] = "KVM_TDX_INIT_MEM_REGION",
		[KVM_TDX_FINALIZE_VM] = "KVM_TDX_FINALIZE_VM",
		[KVM_TDX_GET_CPUID] = "KVM_TDX_GET_CPUID",
	};

	return id < ARRAY_SIZE(names) ? names[id] : "?";
}

static struct kvm_tdx_cmd tdx_make_cmd(u32 id, u32 flags, u64 data)
{
	return (struct kvm_tdx_cmd) { .id = id, .flags = flags, .data = data };
}

static int __tdx_do(int fd, u32 id, u32 flags, u64 data)
{
	struct kvm_tdx_cmd cmd = tdx_make_cmd(id, flags, data);

	return __tdx_cmd(fd, &cmd);
}

static void tdx_do(int fd, u32 id, u64 data)
{
	struct kvm_tdx_cmd cmd = tdx_make_cmd(id, 0, data);
	int r = __tdx_cmd(fd, &cmd);

	TDP_ASSERT(!r, "%s failed: %s, hw_error 0x%llx", tdx_cmd_name(id),
		   strerror(-r), cmd.hw_error);
}

int __tdx_capabilities(struct kvm_vm *vm, struct kvm_tdx_capabilities *caps)
{
	return __tdx_do(vm->fd, KVM_TDX_CAPABILITIES, 0, (uintptr_t)caps);
}

struct kvm_tdx_capabilities *tdx_capabilities(struct kvm_vm *vm)
{
	struct kvm_tdx_capabilities *caps;

	caps = calloc(1, sizeof(*caps) + TDX_MAX_CPUID_ENTRIES *
		      sizeof(caps->cpuid.entries[0]));
	TDP_ASSERT(caps, "No memory for TDX capabilities");
	caps->cpuid.nent = TDX_MAX_CPUID_ENTRIES;
	tdx_do(vm->fd, KVM_TDX_CAPABILITIES, (uintptr_t)caps);
	return caps;
}

int __tdx_init_vm(struct kvm_vm *vm, struct kvm_tdx_init_vm *init)
{
	return __tdx_do(vm->fd, KVM_TDX_INIT_VM, 0, (uintptr_t)init);
}

void tdx_init_vm(struct kvm_vm *vm, struct kvm_tdx_init_vm *init)
{
	tdx_do(vm->fd, KVM_TDX_INIT_VM, (uintptr_t)init);
}

int __tdx_init_vcpu(struct kvm_vcpu *vcpu, u64 rcx)
{
	return __tdx_do(vcpu->fd, KVM_TDX_INIT_VCPU, 0, rcx);
}

void tdx_init_vcpu(struct kvm_vcpu *vcpu, u64 rcx)
{
	tdx_do(vcpu->fd, KVM_TDX_INIT_VCPU, rcx);
}

int __tdx_init_mem_region(struct kvm_vcpu *vcpu,
			  struct kvm_tdx_init_mem_region *region, u32 flags)
{
	return __tdx_do(vcpu->fd, KVM_TDX_INIT_MEM_REGION, flags,
			(uintptr_t)region);
}

void tdx_init_mem_region(struct kvm_vcpu *vcpu, const void *source, u64 gpa,
			 u64 nr_pages, u32 flags)
{
	struct kvm_tdx_init_mem_region region = {
		.source_addr = (uintptr_t)source,
		.gpa = gpa,
		.nr_pages = nr_pages,
	};
	int r;

	do {
		r = __tdx_init_mem_region(vcpu, &region, flags);
	} while (r == -EINTR);

	TDP_ASSERT(!r, "KVM_TDX_INIT_MEM_REGION of %lu pages at gpa 0x%lx failed at gpa 0x%llx: %s",
		   nr_pages, gpa, region.gpa, strerror(-r));
}

int __tdx_finalize_vm(struct kvm_vm *vm)
{
	return __tdx_do(vm->fd, KVM_TDX_FINALIZE_VM, 0, 0);
}

void tdx_finalize_vm(struct kvm_vm *vm)
{
	tdx_do(vm->fd, KVM_TDX_FINALIZE_VM, 0);
}

int __tdx_get_cpuid(struct kvm_vcpu *vcpu, struct kvm_cpuid2 *cpuid)
{
	return __tdx_do(vcpu->fd, KVM_TDX_GET_CPUID, 0, (uintptr_t)cpuid);
}

struct kvm_cpuid2 *tdx_get_cpuid(struct kvm_vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid = allocate_kvm_cpuid2(TDX_MAX_CPUID_ENTRIES);

	tdx_do(vcpu->fd, KVM_TDX_GET_CPUID, (uintptr_t)cpuid);
	return cpuid;
}
