// SPDX-License-Identifier: GPL-2.0
#include "tdx/td.h"
#include "tdx/td_boot.h"

/* Where the TD's copy of a part of the image is. */
static void *td_boot_copy(void *page, const void *part)
{
	return page + ((const u8 *)part - td_boot_page);
}

#define td_boot_set(page, name, value)					\
	(*(typeof(value) *)td_boot_copy(page, &(name)) = (value))

/* Paging of long mode, and SSE: compilers use it. */
static u64 td_boot_cr4_bits(struct kvm_vm *vm)
{
	u64 cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;

	return vm->mmu.pgtable_levels == 5 ? cr4 | X86_CR4_LA57 : cr4;
}

static struct desc_ptr td_boot_table(u64 address)
{
	return (struct desc_ptr) {
		.size = PAGE_SIZE - 1,
		.address = address,
	};
}

/* The code jumps to a selector that the library keeps to itself. */
static void td_boot_assert_selectors(struct kvm_vm *vm)
{
	const struct idt_entry *idt = addr_gva2hva(vm, vm->arch.idt);

	TDP_ASSERT(idt[0].selector == TD_BOOT_CS,
		   "The library's code selector is 0x%x, not 0x%x",
		   idt[0].selector, TD_BOOT_CS);
	TDP_ASSERT(vm->mmu.pgd < BIT_ULL(32) && vm->arch.gdt < BIT_ULL(32),
		   "Page tables at 0x%lx or GDT at 0x%lx are not below 4G",
		   vm->mmu.pgd, vm->arch.gdt);
}

void td_boot_add(struct kvm_vm *vm)
{
	void *page;

	td_boot_assert_selectors(vm);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, TD_BOOT_GPA,
				    TD_BOOT_SLOT, TD_BOOT_SIZE / PAGE_SIZE,
				    KVM_MEM_GUEST_MEMFD);
	vm_phy_pages_alloc(vm, TD_BOOT_SIZE / PAGE_SIZE, TD_BOOT_GPA,
			   TD_BOOT_SLOT);
	virt_map(vm, TD_BOOT_GPA, TD_BOOT_GPA, TD_BOOT_SIZE / PAGE_SIZE);

	page = addr_gpa2hva(vm, TD_BOOT_GPA);
	memcpy(page, td_boot_page, TD_BOOT_SIZE);
	td_boot_set(page, td_boot_gdt, td_boot_table(vm->arch.gdt));
	td_boot_set(page, td_boot_idt, td_boot_table(vm->arch.idt));
	td_boot_set(page, td_boot_cr3, vm->mmu.pgd);
	td_boot_set(page, td_boot_cr4, td_boot_cr4_bits(vm));
}

u64 td_boot_stack(struct kvm_vm *vm, void *guest_code, u64 arg)
{
	/* Where a call leaves a return address is the frame's last member. */
	u64 gva = vm_alloc_stack(vm, DEFAULT_STACK_PGS) -
		  offsetof(struct td_boot_frame, return_address);
	struct td_boot_frame *frame = addr_gva2hva(vm, gva);

	TDP_ASSERT(gva < BIT_ULL(32), "A stack at 0x%lx is not below 4G", gva);
	*frame = (struct td_boot_frame) {
		.rdi = arg,
		.rip = (uintptr_t)guest_code,
	};
	return gva;
}
