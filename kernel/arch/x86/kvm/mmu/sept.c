// SPDX-License-Identifier: GPL-2.0
/*
 * What the TDX module knows of a TD: the truth that KVM's mirror is compared
 * with.  Three leaves, none of which changes anything.
 */
#include <linux/io.h>

/* vmx/common.h includes it since 7.3 only. */
#include <asm/vmx.h>

#include "probe.h"

#ifdef CONFIG_KVM_INTEL_TDX

#include "vmx/tdx.h"

/* Numbers of Intel's TDX Module ABI; KVM uses none of them. */
#define LEAF_PHYMEM_PAGE_RDMD	24
#define LEAF_MEM_SEPT_RD	25
#define LEAF_SYS_RD		34

#define SEPT_LEAF		BIT_ULL(7)
#define SEPT_LEVEL		GENMASK_ULL(2, 0)
#define SEPT_ADDRESS		GENMASK_ULL(51, 12)

/* RAX if SEAMCALL did not reach the module: it has no such completion code. */
#define SEAMCALL_FAILED		(~0ULL)

struct seamcall_regs {
	u64 rcx, rdx, r8;
};

/*
 * KVM's own SEAMCALL is not for other modules.  A TD exists, so that the
 * instruction is sure to work; R9 to R11 are outputs of some leaves.
 */
static u64 seamcall(u64 leaf, struct seamcall_regs *regs)
{
	register u64 r8 asm("r8");
	bool failed;

	r8 = regs->r8;
	asm volatile(".byte 0x66, 0x0f, 0x01, 0xcf"
		     : "+a" (leaf), "+c" (regs->rcx), "+d" (regs->rdx),
		       "+r" (r8), "=@ccc" (failed)
		     : : "r9", "r10", "r11", "memory");
	regs->r8 = r8;

	return failed ? SEAMCALL_FAILED : leaf;
}

int tdp_sept_tdr(struct kvm *kvm, u64 *tdr)
{
	struct page *page;

	if (kvm->arch.vm_type != KVM_X86_TDX_VM)
		return -EOPNOTSUPP;

	page = container_of(kvm, struct kvm_tdx, kvm)->td.tdr_page;
	if (!page)
		return -ENXIO;

	*tdr = page_to_phys(page);
	return 0;
}

static void read_page(u64 pa, struct kvm_tdp_sept_entry *entry)
{
	struct seamcall_regs regs = { .rcx = pa };

	entry->page_status = seamcall(LEAF_PHYMEM_PAGE_RDMD, &regs);
	entry->page_type = regs.rcx;
	entry->page_owner = regs.rdx;
}

/* The level that is asked for is in the GPA's lowest bits: 0, for 4K. */
void tdp_sept_read(u64 tdr, gpa_t gpa, struct kvm_tdp_sept_entry *entry)
{
	struct seamcall_regs regs = { .rcx = gpa, .rdx = tdr };

	entry->status = seamcall(LEAF_MEM_SEPT_RD, &regs);
	entry->entry = regs.rcx;
	entry->info = regs.rdx;
	if (!entry->status &&
	    (entry->entry & SEPT_LEAF || !(entry->info & SEPT_LEVEL)) &&
	    entry->entry & SEPT_ADDRESS)
		read_page(entry->entry & SEPT_ADDRESS, entry);
}

void tdp_module_read(struct kvm_tdp_module *module)
{
	struct seamcall_regs regs = { .rdx = module->field };

	module->status = seamcall(LEAF_SYS_RD, &regs);
	module->value = regs.r8;
}

#else

int tdp_sept_tdr(struct kvm *kvm, u64 *tdr)
{
	return -EOPNOTSUPP;
}

void tdp_sept_read(u64 tdr, gpa_t gpa, struct kvm_tdp_sept_entry *entry)
{
}

void tdp_module_read(struct kvm_tdp_module *module)
{
}

#endif
