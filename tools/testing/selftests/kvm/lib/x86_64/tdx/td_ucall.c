// SPDX-License-Identifier: GPL-2.0
#include <ucall_common.h>

#include "tdx/td_ucall.h"
#include "tdx/tdcall.h"

#define TD_UCALL_PORT	0x1000
#define TD_UCALL_SIZE	sizeof(u32)

/* Stand for themselves: NULL, and the pool of ucalls being used up. */
#define TD_UCALL_NONE	0ULL
#define TD_UCALL_FAILED	~0ULL

/*
 * Distance between the host's address of slot 0 and its GPA.  Zero in the host
 * and in a guest that is no TD.
 */
static u64 td_ucall_offset;

void td_ucall_init(struct kvm_vm *vm)
{
	struct userspace_mem_region *region;
	u64 offset;

	region = vm_get_mem_region(vm, MEM_REGION_DATA);
	offset = (uintptr_t)region->host_mem - region->region.guest_phys_addr;
	write_guest_global(vm, td_ucall_offset, offset);
}

void __wrap_ucall_arch_do_ucall(gva_t uc)
{
	if (!td_ucall_offset) {
		__real_ucall_arch_do_ucall(uc);
		return;
	}

	if (uc != TD_UCALL_NONE && uc != TD_UCALL_FAILED)
		uc -= td_ucall_offset;
	tdvmcall_io_write(TD_UCALL_PORT, TD_UCALL_SIZE, (u32)uc);
}

void *__wrap_ucall_arch_get_ucall(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u32 gpa;

	if (vcpu->vm->type != KVM_X86_TDX_VM)
		return __real_ucall_arch_get_ucall(vcpu);

	if (run->exit_reason != KVM_EXIT_IO || run->io.port != TD_UCALL_PORT ||
	    run->io.direction != KVM_EXIT_IO_OUT ||
	    run->io.size != TD_UCALL_SIZE)
		return NULL;

	gpa = *(u32 *)((void *)run + run->io.data_offset);
	if (gpa == (u32)TD_UCALL_NONE)
		return NULL;
	if (gpa == (u32)TD_UCALL_FAILED)
		return (void *)TD_UCALL_FAILED;
	return addr_gpa2hva(vcpu->vm, gpa);
}
