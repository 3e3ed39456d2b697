// SPDX-License-Identifier: GPL-2.0
/*
 * Random sequences of operations on TDs, every GPA walked in both roots after
 * each of them and compared with the model: lib/x86_64/tdp_model.c.
 */
#include "tdx/td_test.h"

#include "tdx/td_random.h"

/* Operations of a case: what takes a host some seconds. */
#define OPS		800

/* What a TD's vCPU does meanwhile takes time, too. */
#define OPS_BESIDE	200

/* Tries to shorten a sequence that fails. */
#define SHRINKS		60

/* What the model must decide of the GPAs in slots, in percent, if they are many. */
#define DECIDED		60
#define MAPPED		1

FIXTURE(random) {
	struct tdp_random_result result;
};

FIXTURE_SETUP(random)
{
}

FIXTURE_TEARDOWN(random)
{
}

/*
 * Rules: tdx.two-roots tdx.add-maps tdx.add-progress tdx.add-twice tdx.add-final
 *	  tdx.prefault tdx.prefault-errno tdx.convert tdx.zap tdx.shared-levels
 *	  walk.level walk.base-pfn walk.absent walk.no-slot walk.methods-agree
 *	  huge.backing huge.alignment huge.slot-edge attr.mixed attr.same
 *	  gmem.offset gmem.keeps-pages slot.delete slot.zap-own slot.move
 *	  slot.alias split.dirty-log split.zap-part
 */
TEST_F_TIMEOUT(random, sequences, 120)
{
	const struct tdp_random_test test = {
		.vm = &td_random_vm,
		.ops = OPS,
		.shrinks = SHRINKS,
	};
	struct tdp_tally *tally = &self->result.tally;
	u64 all;

	ASSERT_TRUE(tdp_random_run(&test, &self->result))
		TH_LOG("%s", self->result.msg.text);
	/* A model that leaves all open would agree with anything. */
	if (tally->ops < tdp_repeat(OPS))
		return;
	all = tally->must + tally->must_not + tally->may;
	EXPECT_GE(100 * (tally->must + tally->must_not), DECIDED * all);
	EXPECT_GE(100 * tally->must, MAPPED * all);
}

/* Rules: walk.concurrent tdx.two-roots tdx.zap tdx.convert */
TEST_F_TIMEOUT(random, beside_a_prefault, 120)
{
	const struct tdp_random_test test = {
		.vm = &td_random_vm,
		.ops = OPS_BESIDE,
		.concurrent = true,
		.shrinks = SHRINKS,
	};

	ASSERT_TRUE(tdp_random_run(&test, &self->result))
		TH_LOG("%s", self->result.msg.text);
}

/* Where what is not done is soon noticed. */
#define CONTROL_SEED	7

/* One kind of operation that the model is told of, and that is not done. */
FIXTURE(control) {
	struct tdp_random_result result;
};

FIXTURE_VARIANT(control) {
	enum tdp_op_kind omit;
};

FIXTURE_VARIANT_ADD(control, shared) {
	.omit = TDP_OP_SHARED,
};

FIXTURE_VARIANT_ADD(control, hole) {
	.omit = TDP_OP_HOLE,
};

FIXTURE_SETUP(control)
{
}

FIXTURE_TEARDOWN(control)
{
}

/* Rules: control.assertions */
TEST_F_TIMEOUT(control, what_is_not_done_is_noticed, 120)
{
	const struct tdp_random_test test = {
		.vm = &td_random_vm,
		.ops = OPS,
		.seed = CONTROL_SEED,
		.omit = variant->omit,
		.quiet = true,
	};

	EXPECT_FALSE(tdp_random_run(&test, &self->result));
	EXPECT_TRUE(tdp_random_has(&self->result, variant->omit));
	EXPECT_GT(self->result.nr, 1);
}

TDP_RANDOM_HARNESS_MAIN(td_host_lacks())
