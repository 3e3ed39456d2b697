/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The page that a TD's vCPU starts in: from the reset vector, in 32-bit
 * protected mode without paging, to a C function in 64-bit mode.
 *
 * td_boot_page.S is an image of that page.  What its code needs to know lies in it
 * under names of its own, so that C and assembly share no structure.  A vCPU
 * finds its own parameters on its stack: first the registers with a function's
 * arguments, as struct td_boot_frame has them, popped in that order.
 */
#ifndef SELFTEST_TDX_TD_BOOT_H
#define SELFTEST_TDX_TD_BOOT_H

/* The last page below 4G; the reset vector is 16 bytes below its end. */
#define TD_BOOT_GPA		0xfffff000
#define TD_BOOT_RESET		0xff0
#define TD_BOOT_SIZE		0x1000

/* Selectors in the GDT that the KVM library makes. */
#define TD_BOOT_CS		0x8
#define TD_BOOT_DS		0x10

#ifndef __ASSEMBLER__
#include "tdp_util.h"

/* The image, and what is to be filled in. */
extern const u8 td_boot_page[TD_BOOT_SIZE];
extern const struct desc_ptr td_boot_gdt, td_boot_idt;
extern const u64 td_boot_cr3, td_boot_cr4;

/**
 * struct td_boot_frame - the top of a vCPU's stack when it starts
 * @rdi: first argument of the function
 * @rip: the function
 * @return_address: where the function must never return to
 *
 * Nothing but POP and RET reads it.
 */
struct td_boot_frame {
	u64 rdi;
	u64 rip;
	u64 return_address;
};

/**
 * td_boot_add() - give a TD its boot page
 * @vm: a TD whose page tables, GDT and IDT exist
 *
 * Adds the page as memslot TD_BOOT_SLOT, maps it where it is, fills it in.
 */
void td_boot_add(struct kvm_vm *vm);

/**
 * td_boot_stack() - give a vCPU its stack
 * @vm: the TD
 * @guest_code: where the vCPU is to go
 * @arg: the function's first argument
 *
 * Return: what the vCPU must find in RCX when it starts.
 */
u64 td_boot_stack(struct kvm_vm *vm, void *guest_code, u64 arg);
#endif /* __ASSEMBLER__ */

#endif /* SELFTEST_TDX_TD_BOOT_H */
