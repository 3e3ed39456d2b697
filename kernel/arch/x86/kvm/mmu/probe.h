/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the probe share.  The ABI is in kvm_tdp_walk.h.
 */
#ifndef _KVM_TDP_PROBE_H
#define _KVM_TDP_PROBE_H

#include <linux/kvm_host.h>

#include "kvm_tdp_walk.h"

/**
 * struct tdp_range - the GPAs of one ioctl that are still to be walked
 * @vcpu: the vCPU whose loaded roots are walked
 * @private: look for private pages
 * @gpa: the next GPA, any 64-bit value
 * @stride: bytes from one GPA to the next
 * @entry: where the answer for @gpa goes; those that follow go behind it
 */
struct tdp_range {
	struct kvm_vcpu *vcpu;
	bool private;
	gpa_t gpa;
	u64 stride;
	struct kvm_tdp_walk_entry *entry;
};

/**
 * typedef tdp_walk_fn - look GPAs up and fill in the answers
 * @range: what to walk; moves on behind the last GPA that was walked
 * @count: number of GPAs, at least 1
 *
 * The caller holds mmu_lock for read; what a walk needs of RCU it sees to itself.
 */
typedef void (*tdp_walk_fn)(struct tdp_range *range, u64 count);

void tdp_table_walk(struct tdp_range *range, u64 count);
void tdp_table_roots(struct kvm_vcpu *vcpu, struct kvm_tdp_roots *roots);

/**
 * tdp_sept_tdr() - where a TD's TDR is
 * @kvm: the VM; the caller holds kvm->lock, under which TDRs come and go
 * @tdr: out: physical address in bytes
 *
 * Return: 0, -EOPNOTSUPP for a VM that is no TD, -ENXIO without a TDR.
 */
int tdp_sept_tdr(struct kvm *kvm, u64 *tdr);

/**
 * tdp_sept_read() - ask the TDX module about one GPA
 * @tdr: from tdp_sept_tdr(), and kvm->lock held since
 * @gpa: the GPA in bytes, a multiple of 4096
 * @entry: out: the answer
 */
void tdp_sept_read(u64 tdr, gpa_t gpa, struct kvm_tdp_sept_entry *entry);

/**
 * tdp_module_read() - ask the TDX module for a field of its own
 * @module: in: the field; out: the answer
 *
 * The caller holds kvm->lock, and has found the TDR of a TD.
 */
void tdp_module_read(struct kvm_tdp_module *module);

u64 tdp_gmem_pfn(struct address_space *mapping, pgoff_t index);

#endif /* _KVM_TDP_PROBE_H */
