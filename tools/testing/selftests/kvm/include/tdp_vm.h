/* SPDX-License-Identifier: GPL-2.0 */
/* VMs to judge: which kinds the host offers, and one slot to look at. */
#ifndef SELFTEST_TDP_VM_H
#define SELFTEST_TDP_VM_H

#include "tdp_check.h"
#include "tdp_guest.h"
#include "tdp_truth.h"

/* Where the slot under test is, unless a test says otherwise: at 4 GiB. */
#define TDP_GPA		BIT_ULL(32)

/* The id of the slot under test; the library's own slots have lower ones. */
#define TDP_SLOT	10

/**
 * struct tdp_mem - the kind of memory under test
 * @vm_type: KVM_X86_DEFAULT_VM or KVM_X86_SW_PROTECTED_VM
 * @gmem: slots have a guest_memfd
 * @is_private: the memory's attribute says private
 */
struct tdp_mem {
	unsigned long vm_type;
	bool gmem;
	bool is_private;
};

#define TDP_MEM_DEFAULT			{ .vm_type = KVM_X86_DEFAULT_VM }
#define TDP_MEM_SW_PROTECTED_SHARED	{ .vm_type = KVM_X86_SW_PROTECTED_VM, \
					  .gmem = true }
#define TDP_MEM_SW_PROTECTED_PRIVATE	{ .vm_type = KVM_X86_SW_PROTECTED_VM, \
					  .gmem = true, .is_private = true }

/*
 * Declare the variants of a fixture, after FIXTURE() and before
 * FIXTURE_SETUP(); variant->mem is the kind of memory.
 *
 * TDP_VM_VARIANTS() has one variant for each VM type: default_vm and
 * sw_protected_vm.  TDP_MEM_VARIANTS() has sw_protected_shared and
 * sw_protected_private in place of the latter.
 */
#define TDP_VM_VARIANTS(fixture)					\
	FIXTURE_VARIANT(fixture) { struct tdp_mem mem; };		\
	FIXTURE_VARIANT_ADD(fixture, default_vm) {			\
		.mem = TDP_MEM_DEFAULT };				\
	FIXTURE_VARIANT_ADD(fixture, sw_protected_vm) {			\
		.mem = TDP_MEM_SW_PROTECTED_SHARED }

#define TDP_MEM_VARIANTS(fixture)					\
	FIXTURE_VARIANT(fixture) { struct tdp_mem mem; };		\
	FIXTURE_VARIANT_ADD(fixture, default_vm) {			\
		.mem = TDP_MEM_DEFAULT };				\
	FIXTURE_VARIANT_ADD(fixture, sw_protected_shared) {		\
		.mem = TDP_MEM_SW_PROTECTED_SHARED };			\
	FIXTURE_VARIANT_ADD(fixture, sw_protected_private) {		\
		.mem = TDP_MEM_SW_PROTECTED_PRIVATE }

/*
 * The same with one more dimension.  The test defines FIXTURE_VARIANT() with
 * "struct tdp_mem mem" and members of its own, and writes one line for each
 * value of these: TDP_VM_VARIANTS_OF(fixture, 2m, .level = PG_LEVEL_2M);
 * yields default_vm_2m and sw_protected_vm_2m.
 */
#define TDP_VM_VARIANTS_OF(fixture, suffix, ...)			\
	FIXTURE_VARIANT_ADD(fixture, default_vm_##suffix) {		\
		.mem = TDP_MEM_DEFAULT, __VA_ARGS__ };			\
	FIXTURE_VARIANT_ADD(fixture, sw_protected_vm_##suffix) {	\
		.mem = TDP_MEM_SW_PROTECTED_SHARED, __VA_ARGS__ }

#define TDP_MEM_VARIANTS_OF(fixture, suffix, ...)			\
	FIXTURE_VARIANT_ADD(fixture, default_vm_##suffix) {		\
		.mem = TDP_MEM_DEFAULT, __VA_ARGS__ };			\
	FIXTURE_VARIANT_ADD(fixture, sw_protected_shared_##suffix) {	\
		.mem = TDP_MEM_SW_PROTECTED_SHARED, __VA_ARGS__ };	\
	FIXTURE_VARIANT_ADD(fixture, sw_protected_private_##suffix) {	\
		.mem = TDP_MEM_SW_PROTECTED_PRIVATE, __VA_ARGS__ }

/**
 * tdp_host_lacks() - why no case can run on this host
 *
 * Return: one sentence without a full stop, or NULL if cases can run.
 */
const char *tdp_host_lacks(void);

/**
 * tdp_mem_lacks() - why this host cannot have a kind of memory
 * @mem: the kind of memory
 *
 * Return: one sentence without a full stop, or NULL if it can.
 */
const char *tdp_mem_lacks(const struct tdp_mem *mem);

/**
 * tdp_backing_lacks() - why this host cannot back memory in a certain way
 * @src: the backing
 * @size: bytes
 *
 * Looks at hugetlb pages that are free now, and at THP's switches.
 *
 * Return: one sentence without a full stop, or NULL if it can.
 */
const char *tdp_backing_lacks(enum vm_mem_backing_src_type src, u64 size);

/**
 * struct tdp_vm - a VM with one vCPU, and the slot under test
 * @vm: the VM
 * @vcpu: vCPU 0, in guest_loop() if there is a guest
 * @mem: the kind of memory
 * @has_guest: the vCPU can run
 * @gpa: the slot's first GPA, in bytes
 * @npages: the slot's number of 4K pages
 * @hva: the slot's own memory, which is not the private memory's backing
 * @gmem_fd: the slot's guest_memfd, or -1
 */
struct tdp_vm {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct tdp_mem mem;
	bool has_guest;
	u64 gpa;
	u64 npages;
	void *hva;
	int gmem_fd;
};

/**
 * tdp_tell_vm_type() - let reports know which VM types a case is about
 * @name: "default", "sw_protected" or "td"
 *
 * Prints one line a process and type; whoever creates VMs calls it.
 */
void tdp_tell_vm_type(const char *name);

/**
 * tdp_vm_create() - create a VM with one vCPU that takes guest commands
 * @t: out: the VM; no slot under test yet
 * @mem: the kind of memory that later slots have
 *
 * No vCPU has run and no root exists when it returns.
 */
void tdp_vm_create(struct tdp_vm *t, const struct tdp_mem *mem);

/**
 * tdp_vm_create_idle() - create a VM with one vCPU that never runs
 * @t: out: the VM; no slot at all yet
 * @mem: the kind of memory that later slots have
 *
 * Without a guest, its code and its page tables, a VM is there in a fraction
 * of the time; pre-fault and walks need no more.
 */
void tdp_vm_create_idle(struct tdp_vm *t, const struct tdp_mem *mem);

/**
 * tdp_vm_add_slot() - add the slot under test
 * @t: the VM
 * @src: backing of the slot's own memory
 * @gpa: the first GPA, a multiple of the backing's page size
 * @npages: number of 4K pages
 *
 * Sets the attribute that @t->mem asks for and lets a guest see the slot.
 * Touches no page of it.
 */
void tdp_vm_add_slot(struct tdp_vm *t, enum vm_mem_backing_src_type src,
		     u64 gpa, u64 npages);

/**
 * tdp_vm_touch() - let every page of the slot's own memory exist
 * @t: the VM
 *
 * Writes to each page from the host, so that each has a PFN of its own, and a
 * read by the guest does not find the zero page.  Leaves KVM's tables alone.
 */
void tdp_vm_touch(struct tdp_vm *t);

/**
 * tdp_vm_pfns() - the pages that a range of the slot must be mapped to
 * @t: the VM
 * @gpa: the first GPA, in bytes, in the slot under test
 * @nr: number of 4K pages
 * @is_private: whether the attribute of the range says private
 * @pfns: out: @nr PFNs of 4K pages, TDP_NO_PFN for a page that does not exist
 *
 * Source: guest_memfd's page cache for private, pagemap for shared memory.
 */
void tdp_vm_pfns(struct tdp_vm *t, u64 gpa, u64 nr, bool is_private, u64 *pfns);

/**
 * tdp_vm_free() - free the VM and all that belongs to it
 * @t: the VM
 *
 * Prints how many leaves of which size KVM still had, as "# tdp-pages: 4K 2M 1G".
 */
void tdp_vm_free(struct tdp_vm *t);

/**
 * tdp_check_mapped() - a range of the slot is mapped to its backing
 * @t: the VM
 * @gpa: the first GPA, in bytes, in the slot under test
 * @nr: number of 4K pages
 * @level: level of every leaf
 * @msg: out: the first difference
 *
 * The backing is guest_memfd if @t->mem is private, else the slot's own memory.
 *
 * Return: true if it is.
 */
bool tdp_check_mapped(struct tdp_vm *t, u64 gpa, u64 nr, int level,
		      struct tdp_msg *msg);

/**
 * __tdp_prefault() - one KVM_PRE_FAULT_MEMORY
 * @vcpu: the vCPU
 * @range: in: what to populate; out: what is left
 *
 * Older kernels try again without end in two situations, until a signal comes.
 * So one (SIGUSR2) comes after two seconds; it is counted, the vCPU is given
 * another root if the one that it has is invalid, and what is left is tried
 * again, once if nothing was done.
 * Source: Documentation/virt/kvm/api.rst, 4.143.
 *
 * Return: 0, or the negative errno.
 */
int __tdp_prefault(struct kvm_vcpu *vcpu, struct kvm_pre_fault_memory *range);

/**
 * tdp_prefaults_stuck() - how often a pre-fault of this process had no end
 *
 * Return: the number of signals that __tdp_prefault() sent; 0 on a conforming
 * kernel.
 */
int tdp_prefaults_stuck(void);

/**
 * tdp_prefault() - populate a range, or end the case as failed
 * @vcpu: the vCPU
 * @gpa: the first GPA, a multiple of the page size
 * @size: bytes, a multiple of the page size
 *
 * Repeats the ioctl while it makes progress, as api.rst asks of its callers.
 */
void tdp_prefault(struct kvm_vcpu *vcpu, u64 gpa, u64 size);

/**
 * tdp_populate() - map every page of a range, by accesses and by pre-faults
 * @vcpu: the vCPU
 * @gpa: the first GPA, a multiple of the page size, within a guest_map()
 * @nr: number of 4K pages, 1 or more
 *
 * The guest reads the first page and the last, KVM_PRE_FAULT_MEMORY populates the
 * others: what is mapped then is the same, and an emulated host, to which each page
 * fault of a guest is a fifth of a millisecond, is spared hundreds of them.
 * Source: map.access, map.prefault.
 */
void tdp_populate(struct kvm_vcpu *vcpu, u64 gpa, u64 nr);

#endif /* SELFTEST_TDP_VM_H */
