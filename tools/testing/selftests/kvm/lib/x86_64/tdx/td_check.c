// SPDX-License-Identifier: GPL-2.0
#include "tdx/td.h"
#include "tdx/td_check.h"

/* In one root the leaves, in the other nothing; @want says what is which. */
static bool td_check_one_root(struct kvm_vcpu *vcpu, struct tdp_expect want,
			      struct tdp_msg *msg)
{
	struct tdp_expect other = {
		.gpa = want.gpa,
		.stride = want.stride,
		.nr = want.nr,
		.view = want.view == TDP_PRIVATE_VIEW ? TDP_SHARED_VIEW :
							TDP_PRIVATE_VIEW,
		.ret = -ENOENT,
	};

	return tdp_check_pair(vcpu, &want, &other, msg);
}

static bool td_check_both_gpas(struct kvm_vcpu *vcpu, struct tdp_expect want,
			       struct tdp_msg *msg)
{
	if (!td_check_one_root(vcpu, want, msg))
		return false;
	want.gpa |= vcpu->vm->arch.s_bit;
	return td_check_one_root(vcpu, want, msg);
}

bool td_check_private(struct kvm_vcpu *vcpu, u64 gpa, u64 nr, const u64 *pfns,
		      struct tdp_msg *msg)
{
	const struct tdp_expect want = {
		.gpa = gpa,
		.stride = PAGE_SIZE,
		.nr = nr,
		.view = TDP_PRIVATE_VIEW,
		.ret = PG_LEVEL_4K,
		.pfns = pfns,
	};

	return td_check_both_gpas(vcpu, want, msg);
}

bool td_check_shared(struct kvm_vcpu *vcpu, u64 gpa, u64 nr, int level,
		     const u64 *pfns, struct tdp_msg *msg)
{
	const struct tdp_expect want = {
		.gpa = gpa,
		.stride = PAGE_SIZE,
		.nr = nr,
		.view = TDP_SHARED_VIEW,
		.ret = level,
		.pfns = pfns,
	};

	return td_check_both_gpas(vcpu, want, msg);
}
