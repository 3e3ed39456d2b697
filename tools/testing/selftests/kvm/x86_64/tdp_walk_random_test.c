// SPDX-License-Identifier: GPL-2.0
/*
 * Random sequences of operations on VMs with one root, every GPA walked after
 * each of them and compared with the model, lib/x86_64/tdp_model.c; and whether
 * that notices what it must.
 */
#include "tdp_test.h"

#include "tdp_random.h"

/* Operations of a case: what takes a host some seconds. */
#define OPS		800

/* Tries to shorten a sequence that fails: some seconds, too. */
#define SHRINKS		150

/* What the model must decide of the GPAs in slots, in percent, if they are many. */
#define DECIDED		60
#define MAPPED		3

FIXTURE(random) {
	struct tdp_random_result result;
};

FIXTURE_VARIANT(random) {
	const struct tdp_random_vm *vm;
};

FIXTURE_VARIANT_ADD(random, default_vm) {
	.vm = &tdp_random_default_vm,
};

FIXTURE_VARIANT_ADD(random, sw_protected_vm) {
	.vm = &tdp_random_sw_protected_vm,
};

FIXTURE_SETUP(random)
{
	TDP_REQUIRE_NOT(tdp_mem_lacks(&variant->vm->mem));
}

FIXTURE_TEARDOWN(random)
{
}

/*
 * Rules: walk.level walk.base-pfn walk.absent walk.no-slot walk.no-child
 *	  walk.no-root walk.one-root walk.methods-agree map.access map.prefault
 *	  map.prefault-progress huge.backing huge.alignment huge.slot-edge
 *	  split.dirty-log split.dirty-log-eager split.merge split.zap-part
 *	  split.remap attr.private-pfn attr.shared-pfn attr.convert-unmaps
 *	  attr.same attr.mixed attr.uniform gmem.punch-hole gmem.repopulate
 *	  gmem.allocate gmem.offset gmem.keeps-pages gmem.no-slot gmem.none
 *	  slot.delete slot.zap-all slot.zap-own slot.move slot.recreate
 *	  slot.flags slot.refused slot.adjacent slot.alias vcpu.same-root
 */
TEST_F_TIMEOUT(random, sequences, 120)
{
	const struct tdp_random_test test = {
		.vm = variant->vm,
		.ops = OPS,
		.shrinks = SHRINKS,
	};
	struct tdp_tally *tally = &self->result.tally;
	u64 all;

	ASSERT_TRUE(tdp_random_run(&test, &self->result))
		TH_LOG("%s", self->result.msg.text);
	/* A model that leaves all open would agree with anything. */
	if (tally->ops < OPS)
		return;
	all = tally->must + tally->must_not + tally->may;
	EXPECT_GE(100 * (tally->must + tally->must_not), DECIDED * all);
	EXPECT_GE(100 * tally->must, MAPPED * all);
}

/* Operations in which what is wrong always must be noticed, and is. */
#define CONTROL_OPS	1000

/* Where it is soon noticed: a control shows that it is, not how long it takes. */
#define CONTROL_SEED	7

/*
 * Tries to shorten such a sequence: one control shows what they are good for, on
 * one of 14 operations.
 */
#define CONTROL_SHRINKS	20
#define SHRINK_SEED	20
#define SHRUNK_OPS	6

FIXTURE(control) {
	struct tdp_random_result result;
};

/* One kind of operation that the model is told of, and that is not done. */
FIXTURE_VARIANT(control) {
	const struct tdp_random_vm *vm;
	enum tdp_op_kind omit;
	unsigned long long seed;
	unsigned int shrinks;
};

FIXTURE_VARIANT_ADD(control, default_vm_drop) {
	.vm = &tdp_random_default_vm,
	.omit = TDP_OP_DROP,
	.seed = SHRINK_SEED,
	.shrinks = CONTROL_SHRINKS,
};

FIXTURE_VARIANT_ADD(control, default_vm_log) {
	.vm = &tdp_random_default_vm,
	.omit = TDP_OP_LOG,
	.seed = CONTROL_SEED,
};

FIXTURE_VARIANT_ADD(control, sw_protected_vm_private) {
	.vm = &tdp_random_sw_protected_vm,
	.omit = TDP_OP_PRIVATE,
	.seed = CONTROL_SEED,
};

FIXTURE_VARIANT_ADD(control, sw_protected_vm_hole) {
	.vm = &tdp_random_sw_protected_vm,
	.omit = TDP_OP_HOLE,
	.seed = CONTROL_SEED,
};

FIXTURE_SETUP(control)
{
	TDP_REQUIRE_NOT(tdp_mem_lacks(&variant->vm->mem));
}

FIXTURE_TEARDOWN(control)
{
	tdp_falsify = NULL;
}

/*
 * An unmapping that does not happen is found, and what is left of the sequence,
 * if it was shortened, is about it.
 *
 * Rules: control.assertions
 */
TEST_F_TIMEOUT(control, what_is_not_done_is_noticed, 60)
{
	const struct tdp_random_test test = {
		.vm = variant->vm,
		.ops = CONTROL_OPS,
		.seed = variant->seed,
		.shrinks = variant->shrinks,
		.omit = variant->omit,
		.quiet = true,
	};

	EXPECT_FALSE(tdp_random_run(&test, &self->result));
	EXPECT_TRUE(tdp_random_has(&self->result, variant->omit));
	EXPECT_GT(self->result.nr, 1);
	if (variant->shrinks)
		EXPECT_LE(self->result.nr, SHRUNK_OPS)
			TH_LOG("%s", self->result.msg.text);
}

FIXTURE(falsified) {
	struct tdp_random_result result;
};

FIXTURE_SETUP(falsified)
{
}

FIXTURE_TEARDOWN(falsified)
{
	tdp_falsify = NULL;
}

/* Of what is mapped, the last page. */
static struct kvm_tdp_walk_entry *last_leaf(u64 nr,
					    struct kvm_tdp_walk_entry *entries)
{
	while (nr--)
		if (entries[nr].ret >= PG_LEVEL_4K)
			return &entries[nr];
	return NULL;
}

static enum kvm_tdp_walk_method falsified_method;
static struct kvm_tdp_walk_entry false_answer;

static void falsify(enum kvm_tdp_walk_method method, bool is_private, u64 nr,
		    struct kvm_tdp_walk_entry *entries)
{
	struct kvm_tdp_walk_entry *leaf = last_leaf(nr, entries);

	if (method != falsified_method || !leaf)
		return;
	leaf->ret += false_answer.ret;
	leaf->pfn += false_answer.pfn;
	if (false_answer.ret == -ENOENT)
		*leaf = (struct kvm_tdp_walk_entry){ .ret = -ENOENT,
						     .pfn = TDP_NO_PFN };
}

static void expect_noticed(struct __test_metadata *_metadata,
			   struct tdp_random_result *result, int ret, u64 pfn)
{
	const struct tdp_random_test test = {
		.vm = &tdp_random_default_vm,
		.ops = CONTROL_OPS,
		.quiet = true,
	};
	int method;

	false_answer.ret = ret;
	false_answer.pfn = pfn;
	tdp_falsify = falsify;
	for (method = 0; method < KVM_TDP_WALK_NR_METHODS; method++) {
		if (!tdp_has_method(method))
			continue;
		falsified_method = method;
		EXPECT_FALSE(tdp_random_run(&test, result));
		EXPECT_NE(strstr(result->msg.text, "Wanted"), NULL)
			TH_LOG("%s", result->msg.text);
	}
}

/* Rules: control.assertions */
TEST_F_TIMEOUT(falsified, levels, 60)
{
	expect_noticed(_metadata, &self->result, 1, 0);
}

/* Rules: control.assertions */
TEST_F_TIMEOUT(falsified, pfns, 60)
{
	expect_noticed(_metadata, &self->result, 0, 1);
}

/* Rules: control.assertions */
TEST_F_TIMEOUT(falsified, absence, 60)
{
	expect_noticed(_metadata, &self->result, -ENOENT, 0);
}

TDP_RANDOM_HARNESS_MAIN(tdp_host_lacks())
