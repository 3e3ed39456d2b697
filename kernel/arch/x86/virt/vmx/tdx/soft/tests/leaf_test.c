// SPDX-License-Identifier: GPL-2.0
/*
 * What all leaves have in common: numbers, versions, TDs as operands, states.
 */
#include "ktap.h"
#include "machine.h"

/* Operation states: not yet initialized, initialized, runnable. */
#define NEW	1
#define INIT	2
#define RUN	4
#define ANY	0

/*
 * Every leaf: its number, its highest version, where the TD is named, whether
 * others may use the TD meanwhile, and in which operation states it works.
 */
static const struct {
	const char *name;
	int number;
	int version;
	int td;
	bool alone;
	int states;
} leaf_table[] = {
	{ "VP_ENTER", 0, 0, 0, false, RUN },
	{ "MNG_ADDCX", 1, 0, RDX, true, ANY },
	{ "MEM_PAGE_ADD", 2, 0, RDX, true, INIT },
	{ "MEM_SEPT_ADD", 3, 0, RDX, false, INIT | RUN },
	{ "VP_ADDCX", 4, 0, 0, false, INIT },
	{ "MEM_PAGE_AUG", 6, 0, RDX, false, INIT | RUN },
	{ "MEM_RANGE_BLOCK", 7, 0, RDX, false, INIT | RUN },
	{ "MNG_KEY_CONFIG", 8, 0, RCX, true, ANY },
	{ "MNG_CREATE", 9, 0, 0, false, ANY },
	{ "VP_CREATE", 10, 0, RDX, false, INIT },
	{ "MNG_RD", 11, 1, RCX, false, INIT | RUN },
	{ "MEM_RD", 12, 0, RDX, false, INIT | RUN },
	{ "MNG_WR", 13, 0, RCX, false, INIT | RUN },
	{ "MEM_WR", 14, 0, RDX, false, INIT | RUN },
	{ "MEM_PAGE_DEMOTE", 15, 0, RDX, false, INIT | RUN },
	{ "MR_EXTEND", 16, 0, RDX, true, INIT },
	{ "MR_FINALIZE", 17, 0, RCX, true, INIT },
	{ "VP_FLUSH", 18, 0, 0, false, ANY },
	{ "MNG_VPFLUSHDONE", 19, 0, RCX, true, ANY },
	{ "MNG_KEY_FREEID", 20, 0, RCX, true, ANY },
	{ "MNG_INIT", 21, 0, RCX, true, NEW },
	{ "VP_INIT", 22, 1, 0, false, INIT },
	{ "MEM_PAGE_PROMOTE", 23, 0, RDX, false, INIT | RUN },
	{ "PHYMEM_PAGE_RDMD", 24, 0, 0, false, ANY },
	{ "MEM_SEPT_RD", 25, 0, RDX, false, INIT | RUN },
	{ "VP_RD", 26, 1, 0, false, INIT | RUN },
	{ "PHYMEM_PAGE_RECLAIM", 28, 0, 0, false, ANY },
	{ "MEM_PAGE_REMOVE", 29, 0, RDX, false, INIT | RUN },
	{ "MEM_SEPT_REMOVE", 30, 0, RDX, false, INIT | RUN },
	{ "SYS_KEY_CONFIG", 31, 0, 0, false, ANY },
	{ "SYS_INIT", 33, 0, 0, false, ANY },
	{ "SYS_RD", 34, 0, 0, false, ANY },
	{ "SYS_LP_INIT", 35, 0, 0, false, ANY },
	{ "SYS_TDMR_INIT", 36, 0, 0, false, ANY },
	{ "MEM_TRACK", 38, 0, RCX, false, INIT | RUN },
	{ "MEM_RANGE_UNBLOCK", 39, 0, RDX, false, INIT | RUN },
	{ "PHYMEM_CACHE_WB", 40, 0, 0, false, ANY },
	{ "PHYMEM_PAGE_WBINVD", 41, 0, 0, false, ANY },
	{ "VP_WR", 43, 0, 0, false, INIT | RUN },
	{ "SYS_CONFIG", 45, 0, 0, false, ANY },
	{ "SYS_SHUTDOWN", 52, 0, 0, false, ANY },
	{ "SYS_UPDATE", 53, 0, 0, false, ANY },
	{ "SYS_DISABLE", 69, 0, 0, false, ANY },
};

TEST(leaf_numbers)
{
	size_t i;

	CHECK_EQUAL(ARRAY_SIZE(leaf_table), SOFT_NR_LEAVES);
	for (i = 0; i < SOFT_NR_LEAVES; i++) {
		ktap_case("%s", leaf_table[i].name);
		CHECK_EQUAL(leaf_table[i].number, soft_leaves[i].number);
		CHECK(!strcmp(leaf_table[i].name, soft_leaves[i].name + 4));
	}
}

static bool is_known(u64 number)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(leaf_table); i++)
		if (leaf_table[i].number == (int)number)
			return true;
	return false;
}

TEST(leaf_unknown)
{
	u64 number;

	machine_start(SYS_READY);
	for (number = 0; number < 0x10000; number++) {
		if (is_known(number))
			continue;
		ktap_case("leaf %d", (int)number);
		CHECK_EQUAL(STAT_OPERAND_INVALID | RAX,
			    seamcall(number, 0, 0, 0, 0));
	}
}

TEST(leaf_versions_and_reserved_bits)
{
	size_t i;
	int bit;

	machine_start(SYS_READY);
	for (i = 0; i < ARRAY_SIZE(leaf_table); i++) {
		u64 next = (u64)(leaf_table[i].version + 1) << 16;

		ktap_case("%s", leaf_table[i].name);
		CHECK_EQUAL(STAT_OPERAND_INVALID | RAX,
			    seamcall(leaf_table[i].number | next, 0, 0, 0, 0));
		for (bit = 24; bit < 64; bit++)
			CHECK_EQUAL(STAT_OPERAND_INVALID | RAX,
				    seamcall(leaf_table[i].number |
					     1ULL << bit, 0, 0, 0, 0));
	}
}

static u64 call_with_td(size_t i, u64 tdr)
{
	return leaf_table[i].td == RCX ?
	       seamcall(leaf_table[i].number, tdr, 0, 0, 0) :
	       seamcall(leaf_table[i].number, 0, tdr, 0, 0);
}

/* Every leaf that names a TD, with every address that is none. */
TEST(leaf_td_operand)
{
	struct td td;
	size_t i;

	machine_start(SYS_READY);
	td_init(&td);
	for (i = 0; i < ARRAY_SIZE(leaf_table); i++) {
		u64 reg = leaf_table[i].td;

		if (!reg)
			continue;
		ktap_case("%s", leaf_table[i].name);
		CHECK_EQUAL(STAT_OPERAND_INVALID | reg,
			    call_with_td(i, td.tdr + 64));
		CHECK_EQUAL(STAT_OPERAND_INVALID | reg,
			    call_with_td(i, td.tdr | 33ULL << 40));
		CHECK_EQUAL(STAT_OPERAND_INVALID | reg,
			    call_with_td(i, td.tdr | 1ULL << 46));
		CHECK_EQUAL(STAT_ADDR_RANGE_ERROR | reg, call_with_td(i, 0));
		CHECK_EQUAL(STAT_PAGE_METADATA_INCORRECT | reg,
			    call_with_td(i, private_page()));
		CHECK_EQUAL(STAT_PAGE_METADATA_INCORRECT | reg,
			    call_with_td(i, td.pages[0]));
		CHECK_EQUAL(STAT_PAGE_METADATA_INCORRECT | reg,
			    call_with_td(i, MACHINE_RESERVED));
	}
}

TEST(leaf_td_contention)
{
	struct td td;
	size_t i;

	machine_start(SYS_READY);
	td_init(&td);
	for (i = 0; i < ARRAY_SIZE(leaf_table); i++) {
		u64 busy = STAT_OPERAND_BUSY | leaf_table[i].td;

		if (!leaf_table[i].td)
			continue;
		ktap_case("%s", leaf_table[i].name);
		pamt_of(td.tdr, 0)->lock = 1;
		CHECK_EQUAL(busy, call_with_td(i, td.tdr));
		pamt_of(td.tdr, 0)->lock = 4;
		if (leaf_table[i].alone)
			CHECK_EQUAL(busy, call_with_td(i, td.tdr));
		else
			CHECK(busy != call_with_td(i, td.tdr));
		CHECK_EQUAL(4, pamt_of(td.tdr, 0)->lock & ~2);
		pamt_of(td.tdr, 0)->lock = 0;
	}
}

/* In a state where it is not allowed, a leaf says so before all else. */
TEST(leaf_op_states)
{
	struct td td;
	size_t i;
	int state;

	for (i = 0; i < ARRAY_SIZE(leaf_table); i++)
		for (state = NEW; state <= RUN; state <<= 1) {
			if (!leaf_table[i].td || !leaf_table[i].states)
				continue;
			machine_power_on();
			machine_start(SYS_READY);
			if (state == NEW)
				td_add_pages(&td);
			else if (state == INIT)
				td_init(&td);
			else
				td_finalize(&td);
			ktap_case("%s in state %d", leaf_table[i].name, state);
			CHECK_EQUAL(!(leaf_table[i].states & state),
				    call_with_td(i, td.tdr) ==
				    STAT_OP_STATE_INCORRECT);
		}
}

/* Nothing that works on a TD's contents works without its keys. */
TEST(leaf_lifecycle)
{
	struct td td;
	size_t i;

	machine_start(SYS_READY);
	td_init(&td);
	for (i = 0; i < ARRAY_SIZE(leaf_table); i++) {
		if (!leaf_table[i].td || !leaf_table[i].states)
			continue;
		ktap_case("%s", leaf_table[i].name);
		tdr_of(&td)->lifecycle = TD_BLOCKED;
		CHECK_EQUAL(STAT_TD_KEYS_NOT_CONFIGURED,
			    call_with_td(i, td.tdr));
		tdr_of(&td)->lifecycle = TD_KEYS_CONFIGURED;
		tdr_of(&td)->nr_tdcx--;
		CHECK_EQUAL(STAT_TDCS_NOT_ALLOCATED, call_with_td(i, td.tdr));
		tdr_of(&td)->nr_tdcx++;
		tdr_of(&td)->fatal = 1;
		CHECK_EQUAL(STAT_TD_FATAL, call_with_td(i, td.tdr));
		tdr_of(&td)->fatal = 0;
	}
}

TEST(leaf_counts)
{
	machine_start(SYS_READY);
	CHECK_EQUAL(2, soft_counts[SOFT_ROW_SYS_KEY_CONFIG].calls);
	CHECK_EQUAL(0, soft_counts[SOFT_ROW_SYS_KEY_CONFIG].failures);
	seamcall(SOFT_SYS_KEY_CONFIG, 0, 0, 0, 0);
	CHECK_EQUAL(3, soft_counts[SOFT_ROW_SYS_KEY_CONFIG].calls);
	CHECK_EQUAL(1, soft_counts[SOFT_ROW_SYS_KEY_CONFIG].failures);
	CHECK(soft_counts[SOFT_ROW_SYS_TDMR_INIT].cycles);
}
