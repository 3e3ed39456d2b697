/* SPDX-License-Identifier: GPL-2.0 */
/* Asking the probe: walks, roots, and the page cache of guest_memfd. */
#ifndef SELFTEST_TDP_WALK_H
#define SELFTEST_TDP_WALK_H

#include "kvm_tdp_walk.h"
#include "tdp_util.h"

#define TDP_NO_PFN	KVM_TDP_WALK_NO_PFN

/**
 * __tdp_probe_open() - open the probe once for the whole process
 *
 * Later calls return the same file descriptor.  Call it once before starting
 * threads that walk.
 *
 * Return: the file descriptor, or a negative errno.
 */
int __tdp_probe_open(void);

/**
 * tdp_probe_info() - what the probe of the running kernel can do
 *
 * Ends the case as failed if the probe cannot be opened or was built for
 * another ABI than this collection.
 *
 * Return: facts that stay valid until the process ends.
 */
const struct kvm_tdp_walk_info *tdp_probe_info(void);

/**
 * tdp_has_method() - whether a method of walking is usable on this kernel
 * @method: KVM_TDP_WALK_HELPER or KVM_TDP_WALK_TABLE
 *
 * Return: true if it is.
 */
bool tdp_has_method(enum kvm_tdp_walk_method method);

/**
 * tdp_method_name() - name of a method for messages
 * @method: the method
 *
 * Return: "HELPER" or "TABLE".
 */
const char *tdp_method_name(enum kvm_tdp_walk_method method);

/**
 * __tdp_walk_range() - walk many GPAs under one hold of mmu_lock
 * @vcpu: the vCPU whose loaded roots are walked; it may be running
 * @method: how to walk
 * @is_private: which root, where the VM has two
 * @gpa: the first GPA, in bytes
 * @stride: bytes from one GPA to the next
 * @nr: number of GPAs, at most KVM_TDP_WALK_MAX_COUNT
 * @entries: out: @nr answers; each @pfn is the base PFN of its leaf
 *
 * Return: 0, or the negative errno of the ioctl (kvm_tdp_walk.h lists them).
 */
int __tdp_walk_range(struct kvm_vcpu *vcpu, enum kvm_tdp_walk_method method,
		     bool is_private, u64 gpa, u64 stride, u64 nr,
		     struct kvm_tdp_walk_entry *entries);

/**
 * tdp_walk_range() - like __tdp_walk_range(), for any number of GPAs
 * @vcpu: as above
 * @method: as above
 * @is_private: as above
 * @gpa: as above
 * @stride: as above
 * @nr: number of GPAs; more than one ioctl takes are walked in several
 * @entries: as above
 *
 * Ends the case as failed if the probe refuses.
 */
void tdp_walk_range(struct kvm_vcpu *vcpu, enum kvm_tdp_walk_method method,
		    bool is_private, u64 gpa, u64 stride, u64 nr,
		    struct kvm_tdp_walk_entry *entries);

/**
 * __tdp_walk() - walk one GPA
 * @vcpu: the vCPU whose loaded roots are walked
 * @method: how to walk
 * @is_private: which root, where the VM has two
 * @gpa: the GPA, in bytes
 * @entry: out: the answer
 *
 * Return: 0, or the negative errno of the ioctl.
 */
static inline int __tdp_walk(struct kvm_vcpu *vcpu,
			     enum kvm_tdp_walk_method method, bool is_private,
			     u64 gpa, struct kvm_tdp_walk_entry *entry)
{
	return __tdp_walk_range(vcpu, method, is_private, gpa, 0, 1, entry);
}

/**
 * tdp_walk() - walk one GPA, or end the case as failed
 * @vcpu: the vCPU whose loaded roots are walked
 * @method: how to walk
 * @is_private: which root, where the VM has two
 * @gpa: the GPA, in bytes
 *
 * Return: the answer.
 */
static inline struct kvm_tdp_walk_entry
tdp_walk(struct kvm_vcpu *vcpu, enum kvm_tdp_walk_method method,
	 bool is_private, u64 gpa)
{
	struct kvm_tdp_walk_entry entry;

	tdp_walk_range(vcpu, method, is_private, gpa, 0, 1, &entry);
	return entry;
}

/**
 * __tdp_sept() - ask the TDX module what a TD's Secure EPT holds
 * @vcpu: a vCPU of the TD
 * @gpa: the first GPA, in bytes, a multiple of 4096 without the shared bit
 * @nr: number of 4K pages, at most KVM_TDP_WALK_MAX_COUNT
 * @entries: out: @nr answers
 * @tdr: out: physical address of the TD's TDR, in bytes
 *
 * Return: 0, or the negative errno of the ioctl (kvm_tdp_walk.h lists them).
 */
int __tdp_sept(struct kvm_vcpu *vcpu, u64 gpa, u64 nr,
	       struct kvm_tdp_sept_entry *entries, u64 *tdr);

/**
 * __tdp_module() - ask the TDX module for a field of its own
 * @vcpu: a vCPU of a TD
 * @field: the field's identifier; source: TDX Module ABI, global metadata
 * @status: out: completion code of TDH.SYS.RD
 * @value: out: the field's value
 *
 * Return: 0, or the negative errno of the ioctl (kvm_tdp_walk.h lists them).
 */
int __tdp_module(struct kvm_vcpu *vcpu, u64 field, u64 *status, u64 *value);

/**
 * tdp_base_pfn() - base PFN of the leaf that an exact PFN lies in
 * @pfn: PFN of the 4K page at @gpa
 * @gpa: the GPA, in bytes
 * @level: level of the leaf
 *
 * Return: the PFN that a walk of @gpa reports.
 */
static inline u64 tdp_base_pfn(u64 pfn, u64 gpa, int level)
{
	return pfn - ((gpa / PAGE_SIZE) & (tdp_level_pages(level) - 1));
}

/**
 * tdp_exact_pfn() - PFN of the 4K page at a GPA
 * @entry: the answer of a walk of @gpa
 * @gpa: the GPA, in bytes
 *
 * Return: the PFN, or TDP_NO_PFN if the walk found no leaf.
 */
static inline u64 tdp_exact_pfn(const struct kvm_tdp_walk_entry *entry, u64 gpa)
{
	if (entry->ret < PG_LEVEL_4K)
		return TDP_NO_PFN;
	return entry->pfn + ((gpa / PAGE_SIZE) & (tdp_level_pages(entry->ret) - 1));
}

/*
 * For negative controls alone: called, if set, with the answers that
 * tdp_walk_range() got, to falsify them before they are judged.
 */
extern void (*tdp_falsify)(enum kvm_tdp_walk_method method, bool is_private,
			   u64 nr, struct kvm_tdp_walk_entry *entries);

/**
 * tdp_roots() - the roots that a vCPU has loaded, or end the case as failed
 * @vcpu: the vCPU
 *
 * Return: facts about them; .roots is 0 for a vCPU that never ran.
 */
struct kvm_tdp_roots tdp_roots(struct kvm_vcpu *vcpu);

/**
 * tdp_gmem_pfns() - the pages that a guest_memfd's page cache holds
 * @gmem_fd: the guest_memfd
 * @offset: first byte in it, a multiple of the page size
 * @nr: number of pages
 * @pfns: out: @nr PFNs, TDP_NO_PFN for a hole
 *
 * Ends the case as failed if the probe refuses.
 */
void tdp_gmem_pfns(int gmem_fd, u64 offset, u64 nr, u64 *pfns);

#endif /* SELFTEST_TDP_WALK_H */
