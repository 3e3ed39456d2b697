/* SPDX-License-Identifier: GPL-2.0 */
/*
 * This program as the guest sees it.
 */
#ifndef SELFTEST_TDP_PROGRAM_H
#define SELFTEST_TDP_PROGRAM_H

#include <linux/sizes.h>

#include "tdp_util.h"

/* Where the linker puts a static program; the guest has it at the same GPA. */
#define TDP_PROGRAM_GPA		0x400000ULL
#define TDP_PROGRAM_SIZE	SZ_2M
#define TDP_PROGRAM_SLOT	9

/**
 * tdp_program_map() - let a guest run the code of this program
 * @vm: a VM with a memslot 0, from which the guest's page tables are taken
 *
 * What kvm_vm_elf_load() is for, without its copy: the file's pages are mapped
 * privately into a memslot of their own, TDP_PROGRAM_SLOT.  The guest has its own
 * copy of what it, or write_guest_global(), writes to.  Its page table has one
 * 2M entry.
 */
void tdp_program_map(struct kvm_vm *vm);

#endif /* SELFTEST_TDP_PROGRAM_H */
