// SPDX-License-Identifier: GPL-2.0
/* Operations as data: random ones, what the model says of them, and shrinking. */
#include <stdio.h>
#include <string.h>

#include "ktap.h"
#include "tdp_sequence.h"

#define SEQUENCES	60
#define LENGTH		120

static struct tdp_model m, before;

static const struct tdp_model_config configs[] = {
	{ .zaps_all = true, .splits_eagerly = true, .has_guest = true, .vcpus = 2,
	  .backing = { TDP_HUGETLB, TDP_THP } },
	{ .has_private = true, .splits_eagerly = false, .has_guest = true, .vcpus = 2,
	  .backing = { TDP_SMALL, TDP_THP } },
	{ .has_private = true, .has_mirror = true, .splits_eagerly = true,
	  .has_guest = true, .vcpus = 2, .backing = { TDP_THP, TDP_HUGETLB } },
};

typedef void (*check_fn)(const struct tdp_op *op);

static void each_random_op(check_fn check)
{
	unsigned long long rng;
	unsigned int i, n;
	struct tdp_op op;

	for (i = 0; i < SEQUENCES; i++) {
		rng = i;
		tdp_model_init(&m, &configs[i % ARRAY_SIZE(configs)]);
		for (n = 0; n < LENGTH; n++) {
			tdp_op_random(&op, &m, &rng);
			ktap_case("sequence %u, operation %u", i, n);
			CHECK(tdp_op_applies(&op, &m));
			before = m;
			tdp_op_tell(&op, &m);
			check(&op);
		}
	}
}

static unsigned int seen[TDP_NR_OPS];

static void note_kind(const struct tdp_op *op)
{
	seen[op->kind]++;
}

TEST(every_kind_of_operation_comes)
{
	unsigned int i;

	memset(seen, 0, sizeof(seen));
	each_random_op(note_kind);
	for (i = 0; i < TDP_NR_OPS; i++) {
		ktap_case("kind %u", i);
		CHECK(seen[i]);
	}
}

/* What can be said of every page without knowing what led there. */
static void check_page(unsigned int root, unsigned int page)
{
	const struct tdp_model_slot *s = tdp_model_slot_of(&m, page);
	struct tdp_model_answer answer = tdp_model_ask(&m, 0, root, page);
	bool is_private = m.is_private[page];

	if (!tdp_model_reaches(&m, page))
		CHECK_EQUAL(TDP_MUST_NOT, answer.presence);
	if (m.config.has_mirror && is_private && root == TDP_DIRECT)
		CHECK_EQUAL(TDP_MUST_NOT, answer.presence);
	if (!is_private && root == TDP_MIRROR)
		CHECK_EQUAL(TDP_MUST_NOT, answer.presence);
	if (!m.config.has_mirror && root == TDP_MIRROR)
		CHECK_EQUAL(TDP_MUST_NOT, answer.presence);
	if (answer.presence == TDP_MUST_NOT)
		return;

	CHECK(answer.lowest >= TDP_MODEL_4K && answer.lowest <= answer.highest);
	CHECK(answer.highest <= TDP_MODEL_2M);
	CHECK_EQUAL(is_private ? TDP_FROM_FILE : TDP_FROM_MEMORY, answer.source);
	if (is_private || (s->logging && m.config.splits_eagerly))
		CHECK_EQUAL(TDP_MODEL_4K, answer.highest);
	if (!is_private && page % TDP_MODEL_HUGE != answer.page % TDP_MODEL_HUGE)
		CHECK_EQUAL(TDP_MODEL_4K, answer.highest);
}

/* A leaf covers all pages of its range or none. */
static void check_range(unsigned int root, unsigned int first)
{
	const struct tdp_model_leaf *leaves = &m.leaves[root][first];
	unsigned int i, small = 0, huge = 0, absent = 0, open = 0;

	for (i = 0; i < TDP_MODEL_HUGE; i++) {
		if (leaves[i].presence == TDP_MUST_NOT)
			absent++;
		else if (leaves[i].highest == TDP_MODEL_4K)
			small++;
		else if (leaves[i].lowest == TDP_MODEL_2M)
			huge++;
		else
			open++;
	}
	CHECK(!huge || huge == TDP_MODEL_HUGE);
	CHECK(!open || open == TDP_MODEL_HUGE);
}

static unsigned int asked, decided, mapped;

static void check_guest(const struct tdp_op *op)
{
	unsigned int root, page;

	/* All of them after each operation would take minutes. */
	for (root = 0; root < TDP_MODEL_ROOTS; root++) {
		for (page = op->first % 7; page < TDP_MODEL_PAGES; page += 7) {
			check_page(root, page);
			asked++;
			decided += m.leaves[root][page].presence != TDP_MAY;
			mapped += m.leaves[root][page].presence == TDP_MUST;
		}
		for (page = 0; page < TDP_MODEL_PAGES; page += TDP_MODEL_HUGE)
			check_range(root, page);
	}
}

TEST(no_operation_leads_to_nonsense)
{
	asked = 0;
	decided = 0;
	mapped = 0;
	each_random_op(check_guest);
	/* A model that leaves everything open is worth nothing. */
	printf("# %u of %u answers are decided, %u of them say mapped\n",
	       decided, asked, mapped);
	CHECK(decided > asked / 10 * 9);
	CHECK(mapped > asked / 20);
}

/* How many operations of a kind there were, and how many unmapped something. */
static unsigned int tried[TDP_NR_OPS], unmapped[TDP_NR_OPS];

static void note_unmapped(const struct tdp_op *op)
{
	unsigned int root, page, gone = 0;

	for (root = 0; root < TDP_MODEL_ROOTS; root++)
		for (page = 0; page < TDP_MODEL_PAGES; page++)
			gone += before.leaves[root][page].presence == TDP_MUST &&
				m.leaves[root][page].presence == TDP_MUST_NOT;
	tried[op->kind]++;
	unmapped[op->kind] += !!gone;
}

/* Operations on what is not mapped say little, and most pages are not mapped. */
TEST(operations_find_what_is_mapped)
{
	static const enum tdp_op_kind kinds[] = {
		TDP_OP_PRIVATE, TDP_OP_SHARED, TDP_OP_HOLE, TDP_OP_DROP,
		TDP_OP_DENY, TDP_OP_DELETE,
	};
	unsigned int i;

	memset(tried, 0, sizeof(tried));
	memset(unmapped, 0, sizeof(unmapped));
	each_random_op(note_unmapped);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		ktap_case("kind %u", kinds[i]);
		CHECK(unmapped[kinds[i]] * 10 > tried[kinds[i]]);
	}
}

static unsigned int nr_final, nr_empty;

static void note_final(const struct tdp_op *op)
{
	unsigned int page, added = 0;

	if (op->kind != TDP_OP_FINALIZE)
		return;
	for (page = 0; page < TDP_MODEL_PAGES; page++)
		added += m.leaves[TDP_MIRROR][page].presence == TDP_MUST;
	nr_final++;
	nr_empty += !added;
}

TEST(pages_are_added_before_a_td_is_final)
{
	nr_final = 0;
	nr_empty = 0;
	each_random_op(note_final);
	CHECK(nr_final > SEQUENCES / 5);
	CHECK(nr_empty * 4 < nr_final);
}

/* A TD whose guest does not run is populated as often as one that does. */
TEST(without_a_guest_ioctls_populate)
{
	static const struct tdp_model_config idle = {
		.has_private = true, .has_mirror = true, .vcpus = 1,
	};
	unsigned int i, n, populating = 0;
	unsigned long long rng;
	struct tdp_op op;

	for (i = 0; i < SEQUENCES; i++) {
		rng = i;
		tdp_model_init(&m, &idle);
		for (n = 0; n < LENGTH; n++) {
			tdp_op_random(&op, &m, &rng);
			CHECK(op.kind != TDP_OP_READ && op.kind != TDP_OP_WRITE);
			populating += op.kind == (m.final ? TDP_OP_PREFAULT :
							    TDP_OP_ADD);
			tdp_op_tell(&op, &m);
		}
	}
	CHECK(populating > SEQUENCES * LENGTH / 4);
}

TEST(the_same_seed_gives_the_same_operations)
{
	unsigned long long a = 7, b = 7, c = 8;
	struct tdp_op first, second, third;
	unsigned int i, different = 0;

	tdp_model_init(&m, &configs[0]);
	for (i = 0; i < 100; i++) {
		tdp_op_random(&first, &m, &a);
		tdp_op_random(&second, &m, &b);
		tdp_op_random(&third, &m, &c);
		CHECK(!memcmp(&first, &second, sizeof(first)));
		different += !!memcmp(&first, &third, sizeof(first));
	}
	CHECK(different > 50);
}

TEST(what_does_not_make_sense_does_not_apply)
{
	struct tdp_op op = { .kind = TDP_OP_CREATE, .nr = 10,
			     .file = TDP_MODEL_NO_FILE };

	tdp_model_init(&m, &configs[0]);
	CHECK(tdp_op_applies(&op, &m));
	op.file = 0;
	CHECK(!tdp_op_applies(&op, &m));
	op.file = TDP_MODEL_NO_FILE;
	op.memory = TDP_MODEL_PAGES - 9;
	CHECK(!tdp_op_applies(&op, &m));
	op.memory = 0;
	tdp_op_tell(&op, &m);
	CHECK(!tdp_op_applies(&op, &m));
	op.slot = 1;
	op.first = 9;
	CHECK(!tdp_op_applies(&op, &m));
	op.first = 10;
	CHECK(tdp_op_applies(&op, &m));

	/* A part of a hugetlb page. */
	op = (struct tdp_op){ .kind = TDP_OP_DROP, .first = 1, .nr = 511 };
	CHECK(!tdp_op_applies(&op, &m));
	op.first = 0;
	CHECK(!tdp_op_applies(&op, &m));
	op.nr = 513;
	CHECK(tdp_op_applies(&op, &m));

	op.kind = TDP_OP_DENY;
	CHECK(tdp_op_applies(&op, &m));
	m.config.never_denied = true;
	CHECK(!tdp_op_applies(&op, &m));

	op = (struct tdp_op){ .kind = TDP_OP_LOG, .slot = 2 };
	CHECK(!tdp_op_applies(&op, &m));
	op.slot = 0;
	CHECK(tdp_op_applies(&op, &m));
	tdp_op_tell(&op, &m);
	CHECK(!tdp_op_applies(&op, &m));

	op = (struct tdp_op){ .kind = TDP_OP_READ, .first = 10, .nr = 5 };
	CHECK(!tdp_op_applies(&op, &m));
	op.first = 9;
	CHECK(tdp_op_applies(&op, &m));
	op = (struct tdp_op){ .kind = TDP_OP_PRIVATE, .nr = 1 };
	CHECK(!tdp_op_applies(&op, &m));
}

TEST(what_is_known_to_warn_does_not_apply)
{
	const struct tdp_op create = { .kind = TDP_OP_CREATE, .nr = 10,
				       .file = TDP_MODEL_NO_FILE };
	const struct tdp_op log = { .kind = TDP_OP_LOG };
	const struct tdp_op end = { .kind = TDP_OP_END_LOG };

	tdp_model_init(&m, &configs[1]);
	tdp_op_tell(&create, &m);
	tdp_op_tell(&log, &m);
	m.config.log_warns = true;
	CHECK(tdp_op_applies(&end, &m));
	tdp_model_set_private(&m, 9, 1, true);
	CHECK(!tdp_op_applies(&end, &m));
	m.config.log_warns = false;
	CHECK(tdp_op_applies(&end, &m));
}

static void want_text(const struct tdp_op *op, const char *want)
{
	char text[160];

	tdp_op_print(op, text, sizeof(text));
	ktap_case("%s", text);
	CHECK(!strcmp(text, want));
}

TEST(operations_are_printed)
{
	struct tdp_op op = { .kind = TDP_OP_READ, .vcpu = 1, .first = 5, .nr = 3 };

	want_text(&op, "vCPU reads GPA pages 5 to 7, vCPU 1");
	op = (struct tdp_op){ .kind = TDP_OP_CREATE, .slot = 2, .first = 512,
			      .nr = 512, .memory = 1, .file = 0 };
	want_text(&op,
		  "create slot 2: GPA pages 512 to 1023, memory pages 1 to 512, guest_memfd pages 0 to 511");
	op.file = TDP_MODEL_NO_FILE;
	want_text(&op, "create slot 2: GPA pages 512 to 1023, memory pages 1 to 512");
	op.kind = TDP_OP_MOVE;
	want_text(&op, "move slot 2 to GPA page 512");
	op.kind = TDP_OP_HOLE;
	want_text(&op, "hole in guest_memfd pages 512 to 1023");
	op.kind = TDP_OP_DELETE;
	want_text(&op, "delete slot 2");
}

/* Fails at a hole that covers page 300, once slot 1 exists, after a finalize. */
static unsigned int tries;

static unsigned int fails(const struct tdp_op *ops, unsigned int nr, void *arg)
{
	bool created = false, final = false;
	unsigned int i;

	tries++;
	for (i = 0; i < nr; i++) {
		created |= ops[i].kind == TDP_OP_CREATE && ops[i].slot == 1;
		final |= ops[i].kind == TDP_OP_FINALIZE;
		if (created && final && ops[i].kind == TDP_OP_HOLE &&
		    ops[i].first <= 300 && ops[i].first + ops[i].nr > 300)
			return i + 1;
	}
	(void)arg;
	return 0;
}

static unsigned int make_failing(struct tdp_op *ops, unsigned int nr)
{
	unsigned int i;

	memset(ops, 0, nr * sizeof(*ops));
	for (i = 0; i < nr; i++)
		ops[i].kind = TDP_OP_READ;
	ops[nr / 3].kind = TDP_OP_FINALIZE;
	ops[nr / 2] = (struct tdp_op){ .kind = TDP_OP_CREATE, .slot = 1, .nr = 512 };
	ops[nr - 2] = (struct tdp_op){ .kind = TDP_OP_HOLE, .first = 7, .nr = 900 };
	return fails(ops, nr, NULL);
}

TEST(a_sequence_is_shrunk_to_what_it_takes)
{
	struct tdp_op ops[LENGTH];
	unsigned int nr = make_failing(ops, LENGTH);

	CHECK_EQUAL(LENGTH - 1, nr);
	tries = 0;
	nr = tdp_shrink(ops, nr, fails, NULL, 1000);
	CHECK_EQUAL(3, nr);
	CHECK_EQUAL(TDP_OP_FINALIZE, ops[0].kind);
	CHECK_EQUAL(TDP_OP_CREATE, ops[1].kind);
	CHECK_EQUAL(512, ops[1].nr);
	CHECK_EQUAL(TDP_OP_HOLE, ops[2].kind);
	CHECK_EQUAL(300, ops[2].first);
	CHECK_EQUAL(1, ops[2].nr);
	CHECK(tries < 200);
}

TEST(what_the_budget_leaves_still_fails)
{
	struct tdp_op ops[LENGTH];
	unsigned int budget, nr;

	for (budget = 0; budget < 60; budget += 3) {
		ktap_case("budget %u", budget);
		nr = make_failing(ops, LENGTH);
		tries = 0;
		nr = tdp_shrink(ops, nr, fails, NULL, budget);
		CHECK(tries <= budget);
		CHECK_EQUAL(nr, fails(ops, nr, NULL));
	}
}
