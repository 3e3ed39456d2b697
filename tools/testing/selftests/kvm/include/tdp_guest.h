/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest does: one loop that takes commands, so that a test says what
 * the guest is to touch and needs no guest code of its own.
 */
#ifndef SELFTEST_TDP_GUEST_H
#define SELFTEST_TDP_GUEST_H

#include "tdp_util.h"

enum guest_op {
	/* Read 8 bytes at each GPA; the last value read is kept. */
	GUEST_READ,
	/* Write 8 bytes at each GPA. */
	GUEST_WRITE,
	/* Call each GPA: an instruction fetch of a RET that is there already. */
	GUEST_EXEC,
};

/* What GUEST_WRITE writes to make a page fit for GUEST_EXEC: RET, 8 times. */
#define GUEST_RETS	0xc3c3c3c3c3c3c3c3ULL

/* The most vCPUs that run the loop. */
#define GUEST_MAX_VCPUS	8

/**
 * guest_loop() - entry point of a vCPU that is to take commands
 * @arg: set by guest_init()
 *
 * Pass it to vm_vcpu_add() and its like, then call guest_init() for the vCPU.
 */
void guest_loop(void *arg);

/**
 * guest_init() - make a vCPU ready for commands
 * @vcpu: the vCPU, with an id below GUEST_MAX_VCPUS and guest_loop() as entry
 */
void guest_init(struct kvm_vcpu *vcpu);

/**
 * guest_gva() - where the guest sees a GPA
 * @vm: the VM
 * @gpa: the GPA, in bytes
 *
 * The identity, but for the bits that no lower-half virtual address has.
 *
 * Return: the guest virtual address.
 */
u64 guest_gva(struct kvm_vm *vm, u64 gpa);

/**
 * guest_map() - let the guest see a range of GPAs
 * @vm: the VM
 * @gpa: the first GPA, a multiple of the page size
 * @size: bytes, a multiple of the page size
 *
 * Fills the guest's own page tables, with the largest pages that fit: their
 * size has no influence on KVM's.  The range needs no memslot.
 */
void guest_map(struct kvm_vm *vm, u64 gpa, u64 size);

/**
 * __guest_do() - run one command, to its end or to another exit
 * @vcpu: the vCPU
 * @op: what to do at each GPA
 * @gpa: the first GPA, in bytes, within a guest_map()
 * @stride: bytes from one GPA to the next
 * @nr: number of GPAs
 * @value: what GUEST_WRITE writes; at GPA number i, @value + i
 *
 * After KVM_EXIT_MMIO or KVM_EXIT_MEMORY_FAULT the command can be carried on
 * with __guest_resume().
 *
 * Return: 0 if the command ended, otherwise the KVM_EXIT_* reason; details are
 * in @vcpu->run.
 */
int __guest_do(struct kvm_vcpu *vcpu, enum guest_op op, u64 gpa, u64 stride,
	       u64 nr, u64 value);

/**
 * __guest_resume() - carry on a command that left in the middle
 * @vcpu: the vCPU
 *
 * Return: as __guest_do().
 */
int __guest_resume(struct kvm_vcpu *vcpu);

/**
 * guest_do() - run one command, or end the case as failed
 * @vcpu: the vCPU
 * @op: as above
 * @gpa: as above
 * @stride: as above
 * @nr: as above
 * @value: as above
 *
 * Return: the last value that GUEST_READ read.
 */
u64 guest_do(struct kvm_vcpu *vcpu, enum guest_op op, u64 gpa, u64 stride,
	     u64 nr, u64 value);

/**
 * guest_idle() - run the vCPU, which loads its root, and touch nothing
 * @vcpu: the vCPU
 *
 * The guest's own code, stack and page tables are mapped nevertheless.
 */
static inline void guest_idle(struct kvm_vcpu *vcpu)
{
	guest_do(vcpu, GUEST_READ, 0, 0, 0, 0);
}

/**
 * guest_read() - read 8 bytes
 * @vcpu: the vCPU
 * @gpa: where, in bytes
 *
 * Return: the value read.
 */
static inline u64 guest_read(struct kvm_vcpu *vcpu, u64 gpa)
{
	return guest_do(vcpu, GUEST_READ, gpa, 0, 1, 0);
}

/**
 * guest_write() - write 8 bytes
 * @vcpu: the vCPU
 * @gpa: where, in bytes
 * @value: what
 */
static inline void guest_write(struct kvm_vcpu *vcpu, u64 gpa, u64 value)
{
	guest_do(vcpu, GUEST_WRITE, gpa, 0, 1, value);
}

/**
 * guest_exec() - fetch an instruction
 * @vcpu: the vCPU
 * @gpa: where, in bytes; GUEST_RETS must be there
 */
static inline void guest_exec(struct kvm_vcpu *vcpu, u64 gpa)
{
	guest_do(vcpu, GUEST_EXEC, gpa, 0, 1, 0);
}

/**
 * guest_read_pages() - read 8 bytes in every 4K page of a range
 * @vcpu: the vCPU
 * @gpa: the first GPA, in bytes
 * @nr: number of 4K pages
 */
static inline void guest_read_pages(struct kvm_vcpu *vcpu, u64 gpa, u64 nr)
{
	guest_do(vcpu, GUEST_READ, gpa, PAGE_SIZE, nr, 0);
}

/**
 * guest_write_pages() - write 8 bytes in every 4K page of a range
 * @vcpu: the vCPU
 * @gpa: the first GPA, in bytes
 * @nr: number of 4K pages
 * @value: what to write to the first page; each further page gets one more
 */
static inline void guest_write_pages(struct kvm_vcpu *vcpu, u64 gpa, u64 nr,
				     u64 value)
{
	guest_do(vcpu, GUEST_WRITE, gpa, PAGE_SIZE, nr, value);
}

#endif /* SELFTEST_TDP_GUEST_H */
