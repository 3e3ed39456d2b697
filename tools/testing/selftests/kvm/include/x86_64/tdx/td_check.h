/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What walks of a TD must answer.  A TD has two roots: a page that is in one
 * of them must not be in the other.  ASSERT_TDP_ABSENT() and EXPECT_TDP_ABSENT()
 * hold for TDs too: they ask that a page is in neither.
 */
#ifndef SELFTEST_TDX_TD_CHECK_H
#define SELFTEST_TDX_TD_CHECK_H

#include "tdp_check.h"

/**
 * td_check_private() - a range is mapped in the mirror root, and there alone
 * @vcpu: a vCPU of a TD, whose loaded roots are walked
 * @gpa: the first GPA, in bytes
 * @nr: number of 4K pages
 * @pfns: @nr PFNs, one for each 4K page
 * @msg: out: the first difference
 *
 * Leaves must be of 4K: KVM 7.3 maps a TD's private memory so (tdx.c,
 * tdx_gmem_max_mapping_level()).  The shared bit must make no difference to the
 * page that a GPA names.
 *
 * Return: true if it is.
 */
bool td_check_private(struct kvm_vcpu *vcpu, u64 gpa, u64 nr, const u64 *pfns,
		      struct tdp_msg *msg);

/**
 * td_check_shared() - a range is mapped in the direct root, and there alone
 * @vcpu: as above
 * @gpa: as above
 * @nr: as above
 * @level: level of every leaf
 * @pfns: as above
 * @msg: as above
 *
 * Return: true if it is.
 */
bool td_check_shared(struct kvm_vcpu *vcpu, u64 gpa, u64 nr, int level,
		     const u64 *pfns, struct tdp_msg *msg);

#endif /* SELFTEST_TDX_TD_CHECK_H */
