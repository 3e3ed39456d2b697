/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the TDX module must say of a TD's private memory.  This is the truth that
 * KVM's mirror root is a copy of, and no code of KVM has a part in it.
 */
#ifndef SELFTEST_TDX_TD_SEPT_H
#define SELFTEST_TDX_TD_SEPT_H

#include "tdp_check.h"

/* State of an entry; source: TDX Module ABI, TDH.MEM.SEPT.RD. */
enum td_sept_state {
	TD_SEPT_FREE = 0,
	TD_SEPT_BLOCKED = 1,
	/* Added after finalization, and not accepted by the TD. */
	TD_SEPT_PENDING = 2,
	TD_SEPT_PENDING_BLOCKED = 3,
	TD_SEPT_MAPPED = 4,
};

/**
 * td_check_sept() - the Secure EPT maps a range at 4K, to pages of the TD
 * @vcpu: a vCPU of the TD
 * @gpa: the first GPA, in bytes, a multiple of 4096 without the shared bit
 * @nr: number of 4K pages
 * @pfns: @nr PFNs, one for each page
 * @state: TD_SEPT_MAPPED or TD_SEPT_PENDING, that of every entry
 * @msg: out: the first difference
 *
 * Each page must be a regular page whose owner is this TD.
 *
 * Return: true if it does.
 */
bool td_check_sept(struct kvm_vcpu *vcpu, u64 gpa, u64 nr, const u64 *pfns,
		   enum td_sept_state state, struct tdp_msg *msg);

/**
 * td_check_sept_free() - the Secure EPT maps nothing in a range
 * @vcpu: as above
 * @gpa: as above
 * @nr: as above
 * @msg: as above
 *
 * The entry is free, or there is no table that could hold it.
 *
 * Return: true if so.
 */
bool td_check_sept_free(struct kvm_vcpu *vcpu, u64 gpa, u64 nr,
			struct tdp_msg *msg);

#endif /* SELFTEST_TDX_TD_SEPT_H */
