/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memslots that a test makes, changes and deletes itself.
 *
 * The KVM library deletes a slot and unmaps its memory in one go, which would
 * hide a mapping that the deletion forgot, and it knows of no second slot with
 * the same memory.  Here a slot is a copy of struct tdp_vm that differs in
 * gpa, npages, hva or gmem_fd, so that ASSERT_/EXPECT_TDP_MAPPED() and
 * tdp_vm_pfns() take it.  Nothing is freed before the case ends.
 */
#ifndef SELFTEST_TDP_SLOT_H
#define SELFTEST_TDP_SLOT_H

#include "tdp_vm.h"

/* Ids below are in use by the library and by the slot under test. */
#define TDP_SLOT2	(TDP_SLOT + 1)
#define TDP_SLOT3	(TDP_SLOT + 2)

/* Slots without guest_memfd on a VM that could have it. */
#define TDP_MEM_SW_PROTECTED_PLAIN	{ .vm_type = KVM_X86_SW_PROTECTED_VM }

/* A slot of the address space that a vCPU has in system management mode. */
#define TDP_SMM_SLOT(id)	((1 << 16) | (id))

/**
 * tdp_slot_memory() - a slot with new memory, not yet known to KVM
 * @t: the VM
 * @src: backing of the slot's own memory
 * @gpa: the first GPA, in bytes
 * @npages: number of 4K pages
 *
 * Each page of the slot's own memory is there and has a PFN of its own, as after
 * tdp_vm_touch().  The slot gets a guest_memfd of its own if @t->mem has one.
 * Neither attributes nor the guest's page tables change.
 *
 * Return: the slot.
 */
struct tdp_vm tdp_slot_memory(const struct tdp_vm *t,
			      enum vm_mem_backing_src_type src, u64 gpa,
			      u64 npages);

/**
 * __tdp_slot_set() - create, move or change a slot
 * @s: its GPA, size and memory
 * @id: slot id
 * @flags: KVM_MEM_*; KVM_MEM_GUEST_MEMFD is added if @s->mem.gmem
 *
 * Source: Documentation/virt/kvm/api.rst, 4.35 and 4.140.
 *
 * Return: 0, or the negative errno.
 */
int __tdp_slot_set(const struct tdp_vm *s, u32 id, u32 flags);

/**
 * tdp_slot_set() - the same, or end the case as failed
 * @s: as above
 * @id: as above
 * @flags: as above
 */
void tdp_slot_set(const struct tdp_vm *s, u32 id, u32 flags);

/**
 * tdp_slot_delete() - delete a slot, and leave its memory alone
 * @t: the VM
 * @id: slot id
 *
 * Ends the case as failed if KVM refuses.
 */
void tdp_slot_delete(const struct tdp_vm *t, u32 id);

/**
 * tdp_slot_add() - create a slot with new memory, where there was none
 * @t: the VM
 * @src: backing of the slot's own memory
 * @id: slot id
 * @gpa: the first GPA, in bytes
 * @npages: number of 4K pages
 *
 * Sets the attribute that @t->mem asks for and lets the guest see the slot.
 *
 * Return: the slot.
 */
struct tdp_vm tdp_slot_add(const struct tdp_vm *t,
			   enum vm_mem_backing_src_type src, u32 id, u64 gpa,
			   u64 npages);

#endif /* SELFTEST_TDP_SLOT_H */
