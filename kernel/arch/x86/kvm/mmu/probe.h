/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the probe share.  The ABI is in kvm_tdp_walk.h.
 */
#ifndef _KVM_TDP_PROBE_H
#define _KVM_TDP_PROBE_H

#include <linux/kvm_host.h>

#include "kvm_tdp_walk.h"

/**
 * typedef tdp_walk_fn - look one GPA up and fill in the answer
 * @vcpu: the vCPU whose loaded roots are walked
 * @gpa: any 64-bit value
 * @private: look for a private page
 * @entry: KVM_TDP_WALK_NO_PFN in pfn and zero elsewhere when the walk begins
 *
 * The caller holds mmu_lock for read and is in an RCU critical section.
 */
typedef void (*tdp_walk_fn)(struct kvm_vcpu *vcpu, gpa_t gpa, bool private,
			    struct kvm_tdp_walk_entry *entry);

void tdp_table_walk(struct kvm_vcpu *vcpu, gpa_t gpa, bool private,
		    struct kvm_tdp_walk_entry *entry);
void tdp_table_roots(struct kvm_vcpu *vcpu, struct kvm_tdp_roots *roots);

u64 tdp_gmem_pfn(struct address_space *mapping, pgoff_t index);

#endif /* _KVM_TDP_PROBE_H */
