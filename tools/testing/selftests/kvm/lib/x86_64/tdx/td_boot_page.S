/* SPDX-License-Identifier: GPL-2.0 */
#include "tdx/td_boot.h"

/* CR0: bits that 64-bit code with SSE needs. */
#define CR0_MP	(1 << 1)
#define CR0_EM	(1 << 2)
#define CR0_PG	(1 << 31)

/* Where a label of the image is in the TD, before and after paging. */
#define AT(label)	(TD_BOOT_GPA + label - td_boot_page)

	.section .rodata.td_boot, "a", @progbits
	.balign 16
	.globl td_boot_page
td_boot_page:

	.code32
start:
	lgdt	AT(td_boot_gdt)

	/*
	 * CR4 and CR0 have bits that a TD cannot clear: add to what is there.
	 * CR4 comes first, as paging without PAE is not for long mode.
	 */
	movl	%cr4, %eax
	orl	AT(td_boot_cr4), %eax
	movl	%eax, %cr4

	movl	AT(td_boot_cr3), %eax
	movl	%eax, %cr3

	/* EFER.LME is set from the start, hence this enters long mode. */
	movl	%cr0, %eax
	andl	$~CR0_EM, %eax
	orl	$(CR0_PG | CR0_MP), %eax
	movl	%eax, %cr0
	ljmp	$TD_BOOT_CS, $AT(start64)

	.code64
start64:
	lidt	td_boot_idt(%rip)

	movl	$TD_BOOT_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs

	/* KVM_TDX_INIT_VCPU has put the stack into RCX. */
	movl	%ecx, %esp
	xorl	%ebp, %ebp
	cld
	popq	%rdi
	ret

	.balign	8
	.globl td_boot_gdt, td_boot_idt, td_boot_cr3, td_boot_cr4
td_boot_gdt:
	.skip	10
	.balign	8
td_boot_idt:
	.skip	10
	.balign	8
td_boot_cr3:
	.skip	8
td_boot_cr4:
	.skip	8

	.org	td_boot_page + TD_BOOT_RESET, 0xcc
	.code32
	jmp	start
	.org	td_boot_page + TD_BOOT_SIZE, 0xcc

	.section .note.GNU-stack, "", @progbits
