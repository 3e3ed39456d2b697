// SPDX-License-Identifier: GPL-2.0
/*
 * Random sequences of operations beside a vCPU that reads and writes in a part of
 * the guest.  Every GPA is walked at the quiet points between, and compared with
 * what the model leaves open then: lib/x86_64/tdp_model.c.
 */
#include "tdp_test.h"

#include "tdp_random.h"

/* Operations of a case: what takes a host some seconds. */
#define OPS		250

/* A race need not come again when it is tried again. */
#define SHRINKS		60

/*
 * What the model must decide of the GPAs in slots, in percent, if they are many:
 * where the vCPU is at work, a page may be mapped.
 */
#define DECIDED		30

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
 * Rules: walk.concurrent walk.base-pfn walk.absent walk.methods-agree
 *	  map.access huge.alignment huge.slot-edge split.dirty-log
 *	  split.zap-part split.remap attr.private-pfn attr.shared-pfn
 *	  attr.convert-unmaps attr.running attr.mixed gmem.punch-hole gmem.none
 *	  slot.delete slot.alias
 */
TEST_F_TIMEOUT(random, beside_a_vcpu, 120)
{
	const struct tdp_random_test test = {
		.vm = variant->vm,
		.ops = OPS,
		.concurrent = true,
		.shrinks = SHRINKS,
	};
	struct tdp_tally *tally = &self->result.tally;
	u64 all;

	ASSERT_TRUE(tdp_random_run(&test, &self->result))
		TH_LOG("%s", self->result.msg.text);
	if (tally->ops < OPS)
		return;
	all = tally->must + tally->must_not + tally->may;
	EXPECT_GE(100 * (tally->must + tally->must_not), DECIDED * all);
}

/* Rules: control.assertions */
TEST_F_TIMEOUT(random, what_is_not_done_is_noticed, 120)
{
	const struct tdp_random_test test = {
		.vm = variant->vm,
		.ops = 4 * OPS,
		.concurrent = true,
		/* Of what has no slot any more nothing may be mapped. */
		.omit = TDP_OP_DELETE,
		.quiet = true,
	};

	EXPECT_FALSE(tdp_random_run(&test, &self->result));
}

TDP_RANDOM_HARNESS_MAIN(tdp_host_lacks())
