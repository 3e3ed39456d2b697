// SPDX-License-Identifier: GPL-2.0
/*
 * The model, rule by rule.  What each test wants is the contract's sentence
 * (docs/contract.md) and never what the model happens to say.
 */
#include <string.h>

#include "ktap.h"
#include "tdp_model.h"

#define HUGE	TDP_MODEL_HUGE
#define ALL	TDP_MODEL_PAGES
#define NONE	TDP_MODEL_NO_FILE

static struct tdp_model m;

void ktap_prepare(void)
{
	memset(&m, 0x5a, sizeof(m));
}

static const struct tdp_model_config default_vm = {
	.zaps_all = true,
	.splits_eagerly = true,
	.has_guest = true,
	.backing = { TDP_HUGETLB, TDP_SMALL },
};

static const struct tdp_model_config protected_vm = {
	.has_private = true,
	.splits_eagerly = true,
	.has_guest = true,
	.backing = { TDP_THP, TDP_SMALL },
};

static const struct tdp_model_config td = {
	.has_private = true,
	.has_mirror = true,
	.splits_eagerly = true,
	.backing = { TDP_THP, TDP_SMALL },
};

static void create(unsigned int slot, unsigned int gpa, unsigned int npages,
		   unsigned int memory, unsigned int file)
{
	const struct tdp_model_slot new = {
		.gpa = gpa,
		.npages = npages,
		.memory = memory,
		.file = file,
	};

	tdp_model_slot_create(&m, slot, &new);
}

/* One slot for all GPAs, at the same pages of memory and file. */
static void start(const struct tdp_model_config *config)
{
	tdp_model_init(&m, config);
	create(0, 0, ALL, 0, config->has_private ? 0 : NONE);
	tdp_model_run(&m, 0);
	if (config->has_mirror)
		tdp_model_finalize(&m);
}

static void read_page(unsigned int page)
{
	tdp_model_access(&m, 0, page, TDP_READ);
}

static void write_page(unsigned int page)
{
	tdp_model_access(&m, 0, page, TDP_WRITE);
}

static void want(enum tdp_model_root root, unsigned int first, unsigned int nr,
		 enum tdp_model_presence presence, int lowest, int highest)
{
	struct tdp_model_answer answer;
	unsigned int page;

	for (page = first; page < first + nr; page++) {
		answer = tdp_model_ask(&m, 0, root, page);
		ktap_case("page %u", page);
		CHECK_EQUAL(presence, answer.presence);
		if (presence == TDP_MUST_NOT)
			continue;
		CHECK_EQUAL(lowest, answer.lowest);
		CHECK_EQUAL(highest, answer.highest);
	}
	ktap_case("%s", "");
}

static void want_absent(unsigned int first, unsigned int nr)
{
	want(TDP_DIRECT, first, nr, TDP_MUST_NOT, 0, 0);
}

static void want_small(unsigned int first, unsigned int nr)
{
	want(TDP_DIRECT, first, nr, TDP_MUST, 1, 1);
}

static void want_huge(unsigned int first, unsigned int nr)
{
	want(TDP_DIRECT, first, nr, TDP_MUST, 2, 2);
}

static void want_open(unsigned int first, unsigned int nr, int highest)
{
	want(TDP_DIRECT, first, nr, TDP_MAY, 1, highest);
}

static void want_source(unsigned int page, enum tdp_model_source source,
			unsigned int number)
{
	enum tdp_model_root root = m.config.has_mirror && m.is_private[page] ?
				   TDP_MIRROR : TDP_DIRECT;
	struct tdp_model_answer answer = tdp_model_ask(&m, 0, root, page);

	CHECK_EQUAL(source, answer.source);
	CHECK_EQUAL(number, answer.page);
}

/* walk.absent */
TEST(nothing_is_mapped_at_first)
{
	start(&default_vm);
	want_absent(0, ALL);
	CHECK_EQUAL(TDP_FROM_NOWHERE, tdp_model_ask(&m, 0, TDP_DIRECT, 0).source);
}

/* walk.no-root, vcpu.same-root */
TEST(without_root_there_is_nothing)
{
	start(&default_vm);
	read_page(HUGE);
	CHECK_EQUAL(TDP_MUST_NOT,
		    tdp_model_ask(&m, 1, TDP_DIRECT, HUGE).presence);
	tdp_model_run(&m, 1);
	CHECK_EQUAL(TDP_MUST, tdp_model_ask(&m, 1, TDP_DIRECT, HUGE).presence);
}

/* walk.no-slot, gmem.no-slot, gmem.none */
TEST(what_an_access_reaches)
{
	tdp_model_init(&m, &protected_vm);
	create(0, 10, 5, 100, NONE);
	create(1, 20, 5, 200, 300);

	CHECK(!tdp_model_reaches(&m, 9));
	CHECK(tdp_model_reaches(&m, 10) && tdp_model_reaches(&m, 14));
	CHECK(!tdp_model_reaches(&m, 15));
	CHECK(tdp_model_reaches(&m, 20));
	CHECK(tdp_model_slot_of(&m, 12) == &m.slots[0]);
	CHECK(!tdp_model_slot_of(&m, 19));

	tdp_model_set_private(&m, 0, 30, true);
	CHECK(!tdp_model_reaches(&m, 10));
	CHECK(tdp_model_reaches(&m, 20));
	CHECK(!tdp_model_reaches(&m, 26));

	tdp_model_set_private(&m, 0, 30, false);
	tdp_model_deny(&m, 102, 1);
	CHECK(!tdp_model_reaches(&m, 12) && tdp_model_reaches(&m, 13));
	tdp_model_allow(&m);
	CHECK(tdp_model_reaches(&m, 12));
}

/* map.access, walk.no-child */
TEST(an_access_maps_its_page)
{
	start(&default_vm);
	read_page(HUGE + 5);
	want_absent(0, HUGE + 5);
	want_small(HUGE + 5, 1);
	want_absent(HUGE + 6, HUGE - 6);
}

/* huge.backing */
TEST(an_access_maps_its_huge_page)
{
	start(&default_vm);
	write_page(HUGE - 1);
	want_huge(0, HUGE);
	want_absent(HUGE, HUGE);
	want_source(3, TDP_FROM_MEMORY, 3);
}

/* huge.alignment */
TEST(no_huge_leaf_where_addresses_are_not_congruent)
{
	tdp_model_init(&m, &default_vm);
	create(0, 0, HUGE, 1, NONE);
	read_page(7);
	want_absent(0, 7);
	want_small(7, 1);
	want_absent(8, ALL - 8);
	want_source(7, TDP_FROM_MEMORY, 8);
}

/* huge.slot-edge, slot.adjacent */
TEST(no_huge_leaf_across_the_edge_of_a_slot)
{
	tdp_model_init(&m, &default_vm);
	create(0, 0, HUGE - 1, 0, NONE);
	create(1, HUGE - 1, 1, HUGE - 1, NONE);
	read_page(0);
	read_page(HUGE - 1);
	want_small(0, 1);
	want_absent(1, HUGE - 2);
	want_small(HUGE - 1, 1);
}

/* map.prefault, map.prefault-progress */
TEST(a_prefault_maps_its_range)
{
	start(&default_vm);
	CHECK_EQUAL(3, tdp_model_prefault(&m, 0, HUGE + 1, 3));
	want_absent(0, HUGE + 1);
	want_small(HUGE + 1, 3);
	want_absent(HUGE + 4, HUGE - 4);

	tdp_model_deny(&m, HUGE + 12, 1);
	CHECK_EQUAL(2, tdp_model_prefault(&m, 0, HUGE + 10, 5));
	want_open(HUGE + 1, 3, 1);
	want_small(HUGE + 10, 2);
	want_absent(HUGE + 12, 3);
}

TEST(a_prefault_that_fails_may_load_a_root)
{
	start(&default_vm);
	read_page(HUGE);
	tdp_model_deny(&m, HUGE + 1, 1);
	CHECK_EQUAL(0, tdp_model_prefault(&m, 1, HUGE + 1, 1));
	tdp_model_access(&m, 0, HUGE, TDP_READ);
	CHECK_EQUAL(TDP_MUST, tdp_model_ask(&m, 0, TDP_DIRECT, HUGE).presence);
	CHECK_EQUAL(TDP_MAY, tdp_model_ask(&m, 1, TDP_DIRECT, HUGE).presence);
	CHECK_EQUAL(1, tdp_model_prefault(&m, 1, HUGE, 1));
	CHECK_EQUAL(TDP_MUST, tdp_model_ask(&m, 1, TDP_DIRECT, HUGE).presence);
}

/* slot.delete, slot.zap-all, walk.no-root */
TEST(deleting_a_slot_unmaps_all_of_a_default_vm)
{
	tdp_model_init(&m, &default_vm);
	create(0, 0, HUGE, 0, NONE);
	create(1, HUGE, HUGE, HUGE, NONE);
	read_page(0);
	read_page(HUGE);
	tdp_model_slot_delete(&m, 1);
	want_absent(0, ALL);
	tdp_model_run(&m, 0);
	want_absent(0, ALL);
	CHECK(!tdp_model_reaches(&m, HUGE));
	CHECK(tdp_model_reaches(&m, 0));
}

/* slot.delete, slot.zap-own */
TEST(deleting_a_slot_leaves_others_alone)
{
	tdp_model_init(&m, &protected_vm);
	create(0, 0, HUGE, 0, 0);
	create(1, HUGE, HUGE, HUGE, HUGE);
	read_page(0);
	read_page(HUGE);
	tdp_model_slot_delete(&m, 1);
	want_huge(0, HUGE);
	want_absent(HUGE, HUGE);
	tdp_model_slot_delete(&m, 0);
	want_absent(0, ALL);
}

/* slot.recreate */
TEST(a_slot_created_again_maps_its_new_memory)
{
	tdp_model_init(&m, &protected_vm);
	create(0, HUGE, 10, 0, NONE);
	read_page(HUGE + 1);
	want_source(HUGE + 1, TDP_FROM_MEMORY, 1);
	tdp_model_slot_delete(&m, 0);
	create(0, HUGE, 10, 700, NONE);
	want_absent(0, ALL);
	read_page(HUGE + 1);
	want_source(HUGE + 1, TDP_FROM_MEMORY, 701);
}

/* slot.move, slot.zap-own, slot.zap-all */
TEST(a_slot_that_moves_is_unmapped)
{
	tdp_model_init(&m, &protected_vm);
	create(0, 0, 100, 0, NONE);
	create(1, HUGE, 10, HUGE, NONE);
	read_page(5);
	read_page(HUGE);
	tdp_model_slot_move(&m, 0, 50);
	want_absent(0, HUGE);
	want_small(HUGE, 1);
	CHECK(!tdp_model_reaches(&m, 49));
	read_page(55);
	want_source(55, TDP_FROM_MEMORY, 5);

	m.config.zaps_all = true;
	tdp_model_slot_move(&m, 0, 0);
	want_absent(0, ALL);
}

/* slot.alias */
TEST(memory_in_two_slots_goes_from_both)
{
	tdp_model_init(&m, &default_vm);
	create(0, 0, 100, HUGE, NONE);
	create(1, 200, 100, HUGE + 10, NONE);
	read_page(15);
	read_page(205);
	want_source(15, TDP_FROM_MEMORY, HUGE + 15);
	want_source(205, TDP_FROM_MEMORY, HUGE + 15);
	tdp_model_drop(&m, HUGE + 15, 1);
	want_absent(0, ALL);
}

/* split.dirty-log, split.dirty-log-eager, slot.flags */
TEST(logging_splits_eagerly)
{
	start(&default_vm);
	read_page(0);
	read_page(HUGE + 3);
	tdp_model_slot_log(&m, 0, true);
	want_small(0, HUGE);
	want_absent(HUGE, 3);
	want_small(HUGE + 3, 1);
	write_page(7);
	want_small(0, HUGE);

	/* Nothing is mapped huge meanwhile. */
	tdp_model_drop(&m, 0, HUGE);
	write_page(7);
	want_absent(0, 7);
	want_small(7, 1);
}

/* split.dirty-log-lazy */
TEST(logging_splits_what_is_written)
{
	start(&default_vm);
	m.config.splits_eagerly = false;
	read_page(0);
	tdp_model_slot_log(&m, 0, true);
	want_huge(0, HUGE);
	read_page(5);
	want_huge(0, HUGE);
	write_page(5);
	want_small(0, HUGE);
	want_source(6, TDP_FROM_MEMORY, 6);
}

TEST(a_prefault_may_split_what_is_logged)
{
	start(&default_vm);
	m.config.splits_eagerly = false;
	read_page(0);
	tdp_model_slot_log(&m, 0, true);
	tdp_model_prefault(&m, 0, 5, 1);
	want(TDP_DIRECT, 0, HUGE, TDP_MUST, 1, 2);
	write_page(6);
	want_small(0, HUGE);
}

/* split.merge */
TEST(what_was_split_merges_at_the_next_access)
{
	start(&default_vm);
	read_page(0);
	read_page(HUGE);
	tdp_model_slot_log(&m, 0, true);
	tdp_model_slot_log(&m, 0, false);
	want_open(0, HUGE, 2);
	want_small(HUGE, 1);
	want_absent(HUGE + 1, HUGE - 1);
	read_page(9);
	want_huge(0, HUGE);
}

TEST(what_was_never_split_stays)
{
	start(&default_vm);
	m.config.splits_eagerly = false;
	read_page(0);
	tdp_model_slot_log(&m, 0, true);
	tdp_model_slot_log(&m, 0, false);
	want_huge(0, HUGE);
}

TEST(what_was_not_mapped_does_not_appear_when_logging_ends)
{
	start(&default_vm);
	tdp_model_slot_log(&m, 0, true);
	tdp_model_slot_log(&m, 0, false);
	want_absent(0, ALL);
	tdp_model_slot_log(&m, 0, true);
	write_page(3);
	tdp_model_slot_log(&m, 0, false);
	want_open(0, HUGE, 2);
}

/* attr.private-pfn, attr.shared-pfn */
TEST(the_attribute_says_which_backing)
{
	tdp_model_init(&m, &protected_vm);
	create(0, 100, 100, 300, 500);
	read_page(110);
	want_source(110, TDP_FROM_MEMORY, 310);
	tdp_model_set_private(&m, 110, 1, true);
	want_absent(0, ALL);
	read_page(110);
	want_source(110, TDP_FROM_FILE, 510);
	want_small(110, 1);
}

/* attr.convert-unmaps */
TEST(a_conversion_unmaps_its_range_alone)
{
	start(&protected_vm);
	tdp_model_prefault(&m, 0, HUGE, 10);
	tdp_model_set_private(&m, HUGE + 4, 2, true);
	want_small(HUGE, 4);
	want_absent(HUGE + 4, 2);
	want_small(HUGE + 6, 4);
}

/* attr.convert-unmaps, attr.mixed */
TEST(a_conversion_leaves_no_huge_leaf)
{
	start(&protected_vm);
	read_page(0);
	want_huge(0, HUGE);
	tdp_model_set_private(&m, 4, 2, true);
	want_open(0, 4, 1);
	want_absent(4, 2);
	want_open(6, HUGE - 6, 1);

	read_page(0);
	want_small(0, 1);
	want_open(1, 3, 1);
}

/* attr.uniform */
TEST(uniform_attributes_may_be_huge_again)
{
	start(&protected_vm);
	tdp_model_set_private(&m, 4, 1, true);
	read_page(0);
	want_small(0, 1);
	tdp_model_set_private(&m, 4, 1, false);
	want_small(0, 1);

	/* A page fault for certain, as the page is not mapped. */
	read_page(4);
	want_huge(0, HUGE);
}

TEST(an_access_to_what_is_mapped_may_be_no_fault)
{
	start(&protected_vm);
	tdp_model_set_private(&m, 4, 1, true);
	read_page(0);
	tdp_model_set_private(&m, 4, 1, false);
	read_page(0);
	want(TDP_DIRECT, 0, 1, TDP_MUST, 1, 2);
	want_open(1, HUGE - 1, 2);
	/* What is certain again is certain for all of them. */
	tdp_model_drop(&m, 0, HUGE);
	want_absent(0, HUGE);
}

/* attr.same */
TEST(setting_the_same_attribute_unmaps_nothing)
{
	start(&protected_vm);
	tdp_model_set_private(&m, HUGE, 10, true);
	tdp_model_prefault(&m, 0, HUGE, 10);
	tdp_model_set_private(&m, HUGE, 10, true);
	want_small(HUGE, 10);

	tdp_model_set_private(&m, HUGE, 11, true);
	want_open(HUGE, 10, 1);
	want_absent(HUGE + 10, 1);
	want_source(HUGE + 3, TDP_FROM_FILE, HUGE + 3);
}

/* gmem.punch-hole, gmem.offset */
TEST(a_hole_unmaps_private_pages)
{
	tdp_model_init(&m, &protected_vm);
	create(0, HUGE, 100, HUGE, 40);
	tdp_model_set_private(&m, HUGE, 50, true);
	tdp_model_prefault(&m, 0, HUGE, 100);
	tdp_model_hole(&m, 50, 5);
	want_small(HUGE, 10);
	want_absent(HUGE + 10, 5);
	want_small(HUGE + 15, 85);

	/* With one root shared memory may go, too. */
	tdp_model_hole(&m, 100, 5);
	want_small(HUGE + 15, 45);
	want_open(HUGE + 60, 5, 1);
	want_small(HUGE + 65, 35);
	want_source(HUGE + 62, TDP_FROM_MEMORY, HUGE + 62);

	tdp_model_hole(&m, 0, 40);
	tdp_model_hole(&m, 140, 40);
	want_small(HUGE, 10);
	want_small(HUGE + 65, 35);
}

/* split.zap-part, split.remap */
TEST(small_memory_that_is_dropped_goes_alone)
{
	start(&default_vm);
	tdp_model_prefault(&m, 0, HUGE, 10);
	tdp_model_drop(&m, HUGE + 4, 2);
	want_small(HUGE, 4);
	want_absent(HUGE + 4, 2);
	want_small(HUGE + 6, 4);
}

/* split.zap-part */
TEST(a_part_of_a_huge_page_splits_it_for_good)
{
	start(&protected_vm);
	read_page(0);
	tdp_model_drop(&m, 10, 2);
	want_open(0, 10, 1);
	want_absent(10, 2);
	want_open(12, HUGE - 12, 1);
	read_page(10);
	want_small(10, 1);
	want_absent(11, 1);

	/* Denied, not dropped. */
	start(&protected_vm);
	read_page(0);
	tdp_model_deny(&m, 0, 1);
	want_absent(0, 1);
	want_open(1, HUGE - 1, 1);
	tdp_model_allow(&m);
	read_page(0);
	want_small(0, 1);
}

/* split.zap-part */
TEST(protecting_a_part_may_unmap_the_rest_of_its_range)
{
	start(&default_vm);
	tdp_model_prefault(&m, 0, HUGE, 10);
	read_page(0);
	tdp_model_deny(&m, HUGE + 4, 1);
	want_huge(0, HUGE);
	want_open(HUGE, 4, 1);
	want_absent(HUGE + 4, 1);
	want_open(HUGE + 5, 5, 1);

	tdp_model_prefault(&m, 0, HUGE, 4);
	want_small(HUGE, 4);
	tdp_model_allow(&m);
	want_huge(0, HUGE);
	want_open(HUGE, 4, 1);
	want_absent(HUGE + 4, 1);
}

TEST(a_huge_page_that_is_denied_stays_huge)
{
	start(&protected_vm);
	read_page(0);
	tdp_model_deny(&m, 0, HUGE);
	want_absent(0, HUGE);
	tdp_model_allow(&m);
	want_absent(0, HUGE);
	read_page(HUGE - 1);
	want_huge(0, HUGE);
}

TEST(which_huge_pages_come_back)
{
	start(&protected_vm);
	tdp_model_drop(&m, 0, HUGE);
	read_page(3);
	want_absent(0, 3);
	want_small(3, 1);

	start(&default_vm);
	tdp_model_drop(&m, 0, HUGE);
	read_page(3);
	want_huge(0, HUGE);
}

TEST(a_range_is_dropped_across_an_edge)
{
	start(&protected_vm);
	read_page(0);
	tdp_model_prefault(&m, 0, HUGE, 3);
	tdp_model_drop(&m, HUGE - 1, 2);
	want_open(0, HUGE - 1, 1);
	want_absent(HUGE - 1, 2);
	want_small(HUGE + 1, 2);
}

/* split.remap */
TEST(a_zero_page_is_replaced)
{
	start(&default_vm);
	create(1, 0, 0, 0, NONE);
	tdp_model_drop(&m, HUGE, 4);
	read_page(HUGE);
	want_small(HUGE, 1);
	tdp_model_touch(&m, HUGE, 1);
	want_open(HUGE, 1, 1);
	tdp_model_touch(&m, HUGE, 1);
	read_page(HUGE);
	want_small(HUGE, 1);
	tdp_model_touch(&m, HUGE, 1);
	want_small(HUGE, 1);

	/* A guest's write replaces it, and maps the new page. */
	read_page(HUGE + 1);
	write_page(HUGE + 1);
	want_small(HUGE + 1, 1);
	tdp_model_touch(&m, HUGE + 1, 1);
	want_small(HUGE + 1, 1);
}

TEST(a_zero_page_is_replaced_in_every_slot)
{
	tdp_model_init(&m, &default_vm);
	create(0, 0, 10, HUGE, NONE);
	create(1, 10, 10, HUGE, NONE);
	tdp_model_drop(&m, HUGE, 1);
	read_page(0);
	read_page(10);
	write_page(0);
	want_small(0, 1);
	want_open(10, 1, 1);
}

TEST(memory_that_is_denied_is_not_touched)
{
	start(&default_vm);
	tdp_model_drop(&m, HUGE, 1);
	tdp_model_deny(&m, HUGE, 1);
	tdp_model_touch(&m, HUGE, 2);
	CHECK(!m.memory[HUGE].present);
	tdp_model_allow(&m);
	tdp_model_touch(&m, HUGE, 1);
	CHECK(m.memory[HUGE].present);
}

TEST(with_one_root_private_memory_may_go_with_shared)
{
	start(&protected_vm);
	tdp_model_set_private(&m, HUGE, HUGE, true);
	tdp_model_prefault(&m, 0, HUGE, 10);
	tdp_model_drop(&m, HUGE, 1);
	tdp_model_deny(&m, HUGE + 1, 1);
	tdp_model_deny(&m, HUGE + 20, 1);
	tdp_model_allow(&m);
	want_open(HUGE, 10, 1);
	want_source(HUGE + 1, TDP_FROM_FILE, HUGE + 1);

	tdp_model_prefault(&m, 0, HUGE, 10);
	tdp_model_drop(&m, HUGE + 5, 1);
	want_small(HUGE, 5);
	want_open(HUGE + 5, 1, 1);
	want_small(HUGE + 6, 4);
}

/* tdx.two-roots, tdx.convert */
TEST(a_td_has_two_roots)
{
	start(&td);
	tdp_model_set_private(&m, HUGE, 10, true);
	tdp_model_prefault(&m, 0, HUGE, 20);
	want(TDP_MIRROR, HUGE, 10, TDP_MUST, 1, 1);
	want(TDP_MIRROR, HUGE + 10, 10, TDP_MUST_NOT, 0, 0);
	want_absent(HUGE, 10);
	want_small(HUGE + 10, 10);
	want_source(HUGE + 1, TDP_FROM_FILE, HUGE + 1);

	tdp_model_set_private(&m, HUGE, 20, false);
	want(TDP_MIRROR, HUGE, 20, TDP_MUST_NOT, 0, 0);
	want_absent(HUGE, 10);
	want_open(HUGE + 10, 10, 1);
}

/* tdx.zap */
TEST(with_two_roots_backings_go_apart)
{
	start(&td);
	tdp_model_set_private(&m, HUGE, 10, true);
	tdp_model_prefault(&m, 0, HUGE, 20);
	tdp_model_drop(&m, HUGE, 20);
	want(TDP_MIRROR, HUGE, 10, TDP_MUST, 1, 1);
	want_absent(HUGE + 10, 10);

	tdp_model_prefault(&m, 0, HUGE + 10, 10);
	tdp_model_hole(&m, HUGE + 5, 10);
	want(TDP_MIRROR, HUGE, 5, TDP_MUST, 1, 1);
	want(TDP_MIRROR, HUGE + 5, 5, TDP_MUST_NOT, 0, 0);
	want_small(HUGE + 10, 10);

	tdp_model_slot_delete(&m, 0);
	want(TDP_MIRROR, 0, ALL, TDP_MUST_NOT, 0, 0);
	want_absent(0, ALL);
}

/* tdx.shared-levels */
TEST(private_pages_of_a_td_leave_no_room_for_a_huge_leaf)
{
	start(&td);
	read_page(0);
	want_huge(0, HUGE);
	tdp_model_set_private(&m, 71, 1, true);
	want_open(0, 71, 1);
	want_absent(71, 1);
	tdp_model_prefault(&m, 0, 70, 3);
	want_small(70, 1);
	want(TDP_MIRROR, 71, 1, TDP_MUST, 1, 1);
	want_small(72, 1);
}

/* tdx.add-maps, tdx.add-progress, tdx.add-twice, tdx.add-errno */
TEST(pages_are_added_until_one_cannot_be)
{
	tdp_model_init(&m, &td);
	create(0, 0, ALL, 0, 0);
	tdp_model_set_private(&m, 0, 10, true);
	CHECK_EQUAL(4, tdp_model_add(&m, 0, 2, 4));
	want(TDP_MIRROR, 0, 2, TDP_MUST_NOT, 0, 0);
	want(TDP_MIRROR, 2, 4, TDP_MUST, 1, 1);
	want(TDP_MIRROR, 6, 4, TDP_MUST_NOT, 0, 0);

	CHECK_EQUAL(2, tdp_model_add(&m, 0, 0, 4));
	want(TDP_MIRROR, 0, 6, TDP_MUST, 1, 1);
	CHECK_EQUAL(0, tdp_model_add(&m, 0, 0, 1));
	CHECK_EQUAL(4, tdp_model_add(&m, 0, 6, 6));
	want(TDP_MIRROR, 10, 2, TDP_MUST_NOT, 0, 0);
	want_absent(0, ALL);
}

/* tdx.add-final, tdx.prefault-errno */
TEST(finalization_decides_what_populates)
{
	tdp_model_init(&m, &td);
	create(0, 0, ALL, 0, 0);
	tdp_model_set_private(&m, 0, 10, true);
	CHECK_EQUAL(0, tdp_model_prefault(&m, 0, 0, 4));
	CHECK_EQUAL(1, tdp_model_add(&m, 0, 0, 1));
	tdp_model_finalize(&m);
	CHECK_EQUAL(0, tdp_model_add(&m, 0, 1, 1));
	want(TDP_MIRROR, 0, 1, TDP_MUST, 1, 1);
	want(TDP_MIRROR, 1, 1, TDP_MUST_NOT, 0, 0);
	CHECK_EQUAL(12, tdp_model_prefault(&m, 0, 0, 12));
	want(TDP_MIRROR, 0, 10, TDP_MUST, 1, 1);
	want_small(10, 2);
}

/* walk.concurrent */
TEST(what_runs_beside_may_map_what_it_reaches)
{
	start(&default_vm);
	tdp_model_deny(&m, HUGE + 1, 1);
	read_page(HUGE + 2);
	tdp_model_may_access(&m, HUGE, 4);
	want_absent(0, HUGE);
	want_open(HUGE, 1, 1);
	want_absent(HUGE + 1, 1);
	want_small(HUGE + 2, 1);
	want_open(HUGE + 3, 1, 1);
	want_absent(HUGE + 4, HUGE - 4);

	tdp_model_may_access(&m, 3, 1);
	want_open(0, HUGE, 2);
	read_page(3);
	want(TDP_DIRECT, 3, 1, TDP_MUST, 1, 2);
}

TEST(what_runs_beside_may_load_roots)
{
	start(&default_vm);
	read_page(HUGE);
	tdp_model_may_access(&m, HUGE, 1);
	CHECK_EQUAL(TDP_MAY, tdp_model_ask(&m, 1, TDP_DIRECT, HUGE).presence);
	CHECK_EQUAL(TDP_MUST, tdp_model_ask(&m, 0, TDP_DIRECT, HUGE).presence);
}

TEST(what_runs_beside_may_write_what_is_logged)
{
	start(&default_vm);
	m.config.splits_eagerly = false;
	read_page(0);
	tdp_model_slot_log(&m, 0, true);
	tdp_model_may_access(&m, 0, 1);
	want(TDP_DIRECT, 0, HUGE, TDP_MUST, 1, 2);
}

TEST(what_runs_beside_may_bring_zero_pages)
{
	start(&default_vm);
	tdp_model_drop(&m, HUGE, 1);
	tdp_model_may_access(&m, HUGE, 1);
	read_page(HUGE);
	want_small(HUGE, 1);
	tdp_model_touch(&m, HUGE, 1);
	want_open(HUGE, 1, 1);
}

/* mmio.replaced, and a kernel of which it is known that it fails */
TEST(what_was_mmio_may_be_known_to_fail)
{
	tdp_model_init(&m, &protected_vm);
	CHECK_EQUAL(0, tdp_model_prefault(&m, 0, 5, 3));
	create(0, 0, 10, 0, 0);
	CHECK(tdp_model_guest_reaches(&m, 5));

	m.config.stale_mmio = true;
	CHECK(tdp_model_guest_reaches(&m, 5));
	tdp_model_set_private(&m, 5, 2, true);
	CHECK(!tdp_model_guest_reaches(&m, 5));
	CHECK(tdp_model_guest_reaches(&m, 6));
	CHECK(tdp_model_reaches(&m, 5));

	/* Pre-faulting maps it, and leaves nothing of the MMIO. */
	CHECK_EQUAL(2, tdp_model_prefault(&m, 0, 5, 2));
	tdp_model_hole(&m, 5, 1);
	CHECK(tdp_model_guest_reaches(&m, 5));
}
