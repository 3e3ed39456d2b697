/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a walk must answer, and whether it does; tdp_test.h makes assertions of
 * these functions.
 *
 * Each walks every GPA by every method that the kernel has, in every view that
 * must give the same answer: private and shared on a VM with one root.  So one
 * line of a test shows the level, the base PFN, that private and shared agree,
 * that KVM's helper and the page tables agree, and that nothing is reported as
 * a PFN where nothing is mapped.
 */
#ifndef SELFTEST_TDP_CHECK_H
#define SELFTEST_TDP_CHECK_H

#include "tdp_map.h"

/* What is wrong, for people, and the mappings, for programs (tdp_map.h). */
struct tdp_msg {
	char text[256];
	char map[TDP_MAP_LINES][TDP_MAP_SIZE];
};

/**
 * tdp_msg() - an empty message for a function that fills one
 *
 * Return: the calling thread's one message, emptied.
 */
struct tdp_msg *tdp_msg(void);

/**
 * tdp_last_msg() - the message that was filled last
 *
 * Return: the calling thread's one message.
 */
struct tdp_msg *tdp_last_msg(void);

/* Which root to walk. */
enum tdp_view {
	/* Every root must give the answer. */
	TDP_EVERY_VIEW,
	TDP_PRIVATE_VIEW,
	TDP_SHARED_VIEW,
};

/**
 * struct tdp_expect - what walks of a range of GPAs must answer
 * @gpa: the first GPA, in bytes
 * @stride: bytes from one GPA to the next
 * @nr: number of GPAs
 * @view: which root to walk
 * @ret: the level of every leaf, or -ENOENT
 * @rets: @nr levels or -ENOENT, one for each GPA, instead of @ret
 * @pfns: @nr PFNs, of the 4K page at each GPA and not of its leaf's first page;
 *	not read for a GPA whose answer must be -ENOENT
 */
struct tdp_expect {
	u64 gpa;
	u64 stride;
	u64 nr;
	enum tdp_view view;
	int ret;
	const int *rets;
	const u64 *pfns;
};

/**
 * tdp_check() - walk a range and compare
 * @vcpu: the vCPU whose loaded roots are walked
 * @want: what the walks must answer
 * @msg: out: the first difference and the number of differences, and the
 *	mappings of the view that differs and of the other one
 *
 * Ends the case as failed if the probe refuses.
 *
 * Source of the rules: docs/contract.md, walk.level to walk.methods-agree.
 *
 * Return: true if every answer is the wanted one.
 */
bool tdp_check(struct kvm_vcpu *vcpu, const struct tdp_expect *want,
	       struct tdp_msg *msg);

/**
 * tdp_check_pair() - walk a range in two roots and compare
 * @vcpu: the vCPU whose loaded roots are walked
 * @want: what walks of one view must answer
 * @other: what walks of the other view must answer, of the same range
 * @msg: out: as above
 *
 * Return: true if every answer is the wanted one.
 */
bool tdp_check_pair(struct kvm_vcpu *vcpu, const struct tdp_expect *want,
		    const struct tdp_expect *other, struct tdp_msg *msg);

/**
 * tdp_check_answers() - compare answers that are there already
 * @want: what the answers must be
 * @got: @want->nr answers
 * @where: how they were got, for the message
 * @msg: out: the first difference and the number of differences
 *
 * Return: true if every answer is the wanted one.
 */
bool tdp_check_answers(const struct tdp_expect *want,
		       const struct kvm_tdp_walk_entry *got, const char *where,
		       struct tdp_msg *msg);

/**
 * tdp_check_leaves() - every page of a range is mapped
 * @vcpu: the vCPU whose loaded roots are walked
 * @gpa: the first GPA, in bytes
 * @nr: number of 4K pages
 * @level: the level of every leaf
 * @pfns: @nr PFNs, one for each 4K page
 * @msg: out: the first difference
 *
 * Return: true if it is.
 */
bool tdp_check_leaves(struct kvm_vcpu *vcpu, u64 gpa, u64 nr, int level,
		      const u64 *pfns, struct tdp_msg *msg);

/**
 * tdp_check_leaf() - one GPA is mapped
 * @vcpu: the vCPU whose loaded roots are walked
 * @gpa: the GPA, in bytes
 * @level: the level of its leaf
 * @pfn: the PFN of the 4K page at @gpa
 * @msg: out: the difference
 *
 * Return: true if it is.
 */
bool tdp_check_leaf(struct kvm_vcpu *vcpu, u64 gpa, int level, u64 pfn,
		    struct tdp_msg *msg);

/**
 * tdp_check_absent() - no page of a range is mapped
 * @vcpu: the vCPU whose loaded roots are walked
 * @gpa: the first GPA, in bytes
 * @nr: number of 4K pages
 * @msg: out: the first difference
 *
 * Return: true if none is.
 */
bool tdp_check_absent(struct kvm_vcpu *vcpu, u64 gpa, u64 nr,
		      struct tdp_msg *msg);

/**
 * tdp_check_agree() - all methods and views answer alike, whatever they say
 * @vcpu: the vCPU whose loaded roots are walked
 * @gpa: the first GPA, in bytes
 * @stride: bytes from one GPA to the next
 * @nr: number of GPAs
 * @msg: out: the first difference
 *
 * For mappings that do not change meanwhile, on a VM with one root.
 *
 * Return: true if they do.
 */
bool tdp_check_agree(struct kvm_vcpu *vcpu, u64 gpa, u64 stride, u64 nr,
		     struct tdp_msg *msg);

#endif /* SELFTEST_TDP_CHECK_H */
