// SPDX-License-Identifier: GPL-2.0
#include "ktap.h"
#include "machine.h"

/* GPAs that no call takes, whatever the level. */
static const u64 bad_gpas[] = {
	1ULL << 47,		/* shared */
	1ULL << 48,		/* too wide */
	1ULL << 52, 1ULL << 63,	/* reserved */
	8, 1 << 11,		/* reserved */
	5, 6, 7,		/* no such level */
};

/* The levels that each call takes, with four levels of tables. */
static const struct {
	u64 leaf;
	int lowest;
	int highest;
} level_table[] = {
	{ SOFT_MEM_PAGE_ADD, 0, 0 },
	{ SOFT_MEM_PAGE_AUG, 0, 1 },
	{ SOFT_MEM_SEPT_ADD, 1, 3 },
	{ SOFT_MEM_SEPT_REMOVE, 1, 3 },
	{ SOFT_MEM_SEPT_RD, 0, 3 },
	{ SOFT_MEM_RANGE_BLOCK, 0, 3 },
	{ SOFT_MEM_RANGE_UNBLOCK, 0, 3 },
	{ SOFT_MEM_PAGE_REMOVE, 0, 2 },
	{ SOFT_MEM_PAGE_PROMOTE, 1, 2 },
	{ SOFT_MEM_PAGE_DEMOTE, 1, 2 },
};

TEST(mem_gpa_operands)
{
	u64 invalid = STAT_OPERAND_INVALID | RCX;
	struct td td;
	size_t i, j;
	int level;

	machine_start(SYS_READY);
	td_init(&td);
	for (i = 0; i < ARRAY_SIZE(level_table); i++) {
		u64 leaf = level_table[i].leaf;

		for (j = 0; j < ARRAY_SIZE(bad_gpas); j++) {
			ktap_case("leaf %d, RCX %#llx", (int)leaf,
				  (unsigned long long)bad_gpas[j]);
			CHECK_EQUAL(invalid, seamcall(leaf, bad_gpas[j] |
						      level_table[i].lowest,
						      td.tdr, 0, 0));
			CHECK_EQUAL(0, machine.regs.gpr[RCX]);
		}
		for (level = 0; level < 5; level++) {
			bool fits = level >= level_table[i].lowest &&
				    level <= level_table[i].highest;

			ktap_case("leaf %d, level %d", (int)leaf, level);
			CHECK_EQUAL(!fits, seamcall(leaf, level, td.tdr, 0, 0)
				    == invalid);
			if (level)
				CHECK_EQUAL(invalid,
					    seamcall(leaf, 4096 | level,
						     td.tdr, 0, 0));
		}
	}
}

TEST(mem_page_add_source)
{
	struct td td;
	u64 source;

	machine_start(SYS_READY);
	td_init(&td);
	td_map_tables(&td, 0, LEVEL_4K);
	source = shared_page();
	CHECK_EQUAL(STAT_OPERAND_INVALID | R9,
		    seamcall(SOFT_MEM_PAGE_ADD, 0, td.tdr, private_page(),
			     source + 8));
	CHECK_EQUAL(STAT_OPERAND_INVALID | R9,
		    seamcall(SOFT_MEM_PAGE_ADD, 0, td.tdr, private_page(),
			     source | 32ULL << 40));
	CHECK_EQUAL(STAT_OPERAND_INVALID | R9,
		    seamcall(SOFT_MEM_PAGE_ADD, 0, td.tdr, private_page(),
			     source | 1ULL << 46));
	CHECK_EQUAL(0, *td_entry(&td, 0, 0) & 7);
}

TEST(mem_page_add_copies)
{
	struct td td;
	u64 source, page;

	machine_start(SYS_READY);
	td_init(&td);
	td_map_tables(&td, 0, LEVEL_4K);
	source = shared_page();
	page = private_page();
	memset(soft_memory(source), 0x5a, 4096);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_ADD, 0, td.tdr, page, source));
	CHECK(!memcmp(soft_memory(source), soft_memory(page), 4096));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_SEPT_RD, 0, td.tdr, 0, 0));
	CHECK_EQUAL(4 << 8, machine.regs.gpr[RDX]);
}

/* Adding a page to itself keeps what is in it. */
TEST(mem_page_add_in_place)
{
	struct td td;
	u64 page;

	machine_start(SYS_READY);
	td_init(&td);
	td_map_tables(&td, 0, LEVEL_4K);
	page = private_page();
	memset(soft_memory(page), 0x5a, 4096);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_ADD, 0, td.tdr, page, page));
	CHECK_EQUAL(0x5a, *(u8 *)soft_memory(page));
}

static void populate(struct td *td, u64 *page)
{
	machine_start(SYS_READY);
	td_finalize(td);
	td_map_tables(td, 0, LEVEL_4K);
	*page = private_page();
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_AUG, 0, td->tdr, *page, 0));
}

/* BLOCK, TRACK, REMOVE: in this order only. */
TEST(mem_removal_order)
{
	struct td td;
	u64 page;

	populate(&td, &page);
	CHECK_EQUAL(STAT_GPA_RANGE_NOT_BLOCKED | RCX,
		    seamcall(SOFT_MEM_PAGE_REMOVE, 0, td.tdr, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_TRACK, td.tdr, 0, 0, 0));
	CHECK_EQUAL(STAT_GPA_RANGE_NOT_BLOCKED | RCX,
		    seamcall(SOFT_MEM_PAGE_REMOVE, 0, td.tdr, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_RANGE_BLOCK, 0, td.tdr, 0, 0));
	CHECK_EQUAL(STAT_TLB_TRACKING_NOT_DONE | RCX,
		    seamcall(SOFT_MEM_PAGE_REMOVE, 0, td.tdr, 0, 0));
	CHECK_EQUAL(STAT_TLB_TRACKING_NOT_DONE | RCX,
		    seamcall(SOFT_MEM_RANGE_UNBLOCK, 0, td.tdr, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_TRACK, td.tdr, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_REMOVE, 0, td.tdr, 0, 0));
	CHECK_EQUAL(page, machine.regs.gpr[RCX]);
	CHECK_EQUAL(PT_FREE, pamt_of(page, 0)->type);
	CHECK_EQUAL(STAT_EPT_ENTRY_STATE_INCORRECT | RCX,
		    seamcall(SOFT_MEM_PAGE_REMOVE, 0, td.tdr, 0, 0));
}

static struct td *running;
static u64 wanted_track, wanted_remove;

/* What the host can do while a vCPU is inside the TD. */
static u64 track_inside(struct soft_call *call)
{
	(void)call;
	CHECK_EQUAL(0, seamcall(SOFT_MEM_RANGE_BLOCK, 0, running->tdr, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_TRACK, running->tdr, 0, 0, 0));
	wanted_remove = seamcall(SOFT_MEM_PAGE_REMOVE, 0, running->tdr, 0, 0);
	wanted_track = seamcall(SOFT_MEM_TRACK, running->tdr, 0, 0, 0);
	return STAT_SUCCESS;
}

/* The vCPU may still use what was blocked, until it leaves. */
TEST(mem_tracking_waits_for_vcpus)
{
	struct soft_regs regs = {};
	struct td td;
	u64 tdvpr, page;

	machine_start(SYS_READY);
	td_init(&td);
	tdvpr = td_add_vcpu(&td);
	CHECK_EQUAL(0, seamcall(SOFT_MR_FINALIZE, td.tdr, 0, 0, 0));
	td_map_tables(&td, 0, LEVEL_4K);
	page = private_page();
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_AUG, 0, td.tdr, page, 0));

	running = &td;
	machine.run = track_inside;
	regs.gpr[RCX] = tdvpr;
	soft_seamcall(&regs);
	CHECK_EQUAL(0, regs.gpr[RAX]);
	CHECK_EQUAL(STAT_TLB_TRACKING_NOT_DONE | RCX, wanted_remove);
	CHECK_EQUAL(STAT_PREVIOUS_EPOCH_BUSY, wanted_track);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_REMOVE, 0, td.tdr, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_TRACK, td.tdr, 0, 0, 0));
}

static u64 remove_inside(struct soft_call *call)
{
	(void)call;
	wanted_remove = seamcall(SOFT_MEM_PAGE_REMOVE, 0, running->tdr, 0, 0);
	return STAT_SUCCESS;
}

/* A vCPU that entered two epochs later is no reason to wait. */
TEST(mem_tracking_forgets_older_epochs)
{
	struct soft_regs regs = {};
	struct td td;
	u64 tdvpr;

	machine_start(SYS_READY);
	td_init(&td);
	tdvpr = td_add_vcpu(&td);
	CHECK_EQUAL(0, seamcall(SOFT_MR_FINALIZE, td.tdr, 0, 0, 0));
	td_map_tables(&td, 0, LEVEL_4K);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_AUG, 0, td.tdr, private_page(),
				0));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_RANGE_BLOCK, 0, td.tdr, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_TRACK, td.tdr, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_TRACK, td.tdr, 0, 0, 0));

	running = &td;
	machine.run = remove_inside;
	wanted_remove = ~0ULL;
	regs.gpr[RCX] = tdvpr;
	soft_seamcall(&regs);
	CHECK_EQUAL(0, regs.gpr[RAX]);
	CHECK_EQUAL(0, wanted_remove);
}

TEST(mem_entering_flushes_once_an_epoch)
{
	struct td td;
	u64 tdvpr;
	u32 flushes;

	machine_start(SYS_READY);
	td_init(&td);
	tdvpr = td_add_vcpu(&td);
	CHECK_EQUAL(0, seamcall(SOFT_MR_FINALIZE, td.tdr, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_VP_ENTER, tdvpr, 0, 0, 0));

	flushes = machine.flushes;
	CHECK_EQUAL(0, seamcall(SOFT_VP_ENTER, tdvpr, 0, 0, 0));
	CHECK_EQUAL(flushes, machine.flushes);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_TRACK, td.tdr, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_VP_ENTER, tdvpr, 0, 0, 0));
	CHECK_EQUAL(flushes + 1, machine.flushes);
}

TEST(mem_contention)
{
	struct td td;
	u64 page;

	populate(&td, &page);
	tdcs_of(&td)->sept_lock = 4;
	CHECK_EQUAL(STAT_OPERAND_BUSY | OPERAND_SEPT_TREE,
		    seamcall(SOFT_MEM_RANGE_BLOCK, 0, td.tdr, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_SEPT_RD, 0, td.tdr, 0, 0));
	tdcs_of(&td)->sept_lock = 1;
	CHECK_EQUAL(STAT_OPERAND_BUSY | OPERAND_SEPT_TREE,
		    seamcall(SOFT_MEM_SEPT_RD, 0, td.tdr, 0, 0));
	tdcs_of(&td)->sept_lock = 0;

	*td_entry(&td, 0, 0) |= 1 << 11;
	CHECK_EQUAL(STAT_OPERAND_BUSY | RCX,
		    seamcall(SOFT_MEM_RANGE_BLOCK, 0, td.tdr, 0, 0));
	CHECK_EQUAL(2 << 8, machine.regs.gpr[RDX]);
	*td_entry(&td, 0, 0) &= ~(1ULL << 11);

	tdcs_of(&td)->epoch_lock = 4;
	CHECK_EQUAL(STAT_OPERAND_BUSY | OPERAND_TD_EPOCH,
		    seamcall(SOFT_MEM_TRACK, td.tdr, 0, 0, 0));
	tdcs_of(&td)->epoch_lock = 0;
	tdcs_of(&td)->op_state_lock = 1;
	CHECK_EQUAL(STAT_OPERAND_BUSY | OPERAND_OP_STATE,
		    seamcall(SOFT_MEM_TRACK, td.tdr, 0, 0, 0));
	tdcs_of(&td)->op_state_lock = 0;
	CHECK_EQUAL(0, seamcall(SOFT_MEM_TRACK, td.tdr, 0, 0, 0));
	CHECK_EQUAL(0, tdcs_of(&td)->epoch_lock & ~2);
	CHECK_EQUAL(0, tdcs_of(&td)->sept_lock & ~2);
}

TEST(mem_sept_remove_only_when_empty)
{
	struct td td;
	u64 page, table;

	machine_start(SYS_READY);
	td_init(&td);
	td_map_tables(&td, 0, LEVEL_4K);
	page = private_page();
	table = *td_entry(&td, 0, 1) & 0xffffffffff000;
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_AUG, 0, td.tdr, page, 0));
	CHECK_EQUAL(STAT_EPT_PAGE_NOT_FREE | RCX,
		    seamcall(SOFT_MEM_SEPT_REMOVE, 1, td.tdr, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_REMOVE, 0, td.tdr, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_SEPT_REMOVE, 1, td.tdr, 0, 0));
	CHECK_EQUAL(table, machine.regs.gpr[RCX]);
	CHECK_EQUAL(PT_FREE, pamt_of(table, 0)->type);
}

/* A page is split and merged again; the TD owns the same memory throughout. */
TEST(mem_demote_and_promote)
{
	struct td td;
	u64 page, table, children, i;

	machine_start(SYS_READY);
	td_init(&td);
	td_map_tables(&td, 0, LEVEL_2M);
	page = private_range(LEVEL_2M);
	table = private_page();
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_AUG, 1, td.tdr, page, 0));
	children = tdr_of(&td)->children;

	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_DEMOTE, 1, td.tdr, table, 0));
	CHECK_EQUAL(children + 1, tdr_of(&td)->children);
	CHECK_EQUAL(PT_FREE, pamt_of(page, 1)->type);
	CHECK_EQUAL(PT_SEPT, pamt_of(table, 0)->type);
	for (i = 0; i < 512; i++) {
		CHECK_EQUAL(PT_REGULAR, pamt_of(page + i * 4096, 0)->type);
		CHECK_EQUAL(page + i * 4096, *td_entry(&td, i * 4096, 0) &
			    0xffffffffff000);
	}

	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_PROMOTE, 1, td.tdr, 0, 0));
	CHECK_EQUAL(table, machine.regs.gpr[RCX]);
	CHECK_EQUAL(children, tdr_of(&td)->children);
	CHECK_EQUAL(PT_REGULAR, pamt_of(page, 1)->type);
	CHECK_EQUAL(PT_FREE, pamt_of(page, 0)->type);
	CHECK_EQUAL(PT_FREE, pamt_of(table, 0)->type);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_SEPT_RD, 1, td.tdr, 0, 0));
	CHECK_EQUAL(2 << 8 | 1, machine.regs.gpr[RDX]);
}

/* One page of 512 is missing, or is somewhere else. */
TEST(mem_promote_conditions)
{
	u64 page, other, refused = STAT_EPT_INVALID_PROMOTE | RCX;
	struct td td;

	machine_start(SYS_READY);
	td_init(&td);
	td_map_tables(&td, 0, LEVEL_2M);
	page = private_range(LEVEL_2M);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_AUG, 1, td.tdr, page, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_DEMOTE, 1, td.tdr,
				private_page(), 0));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_REMOVE, 511 * 4096, td.tdr,
				0, 0));
	CHECK_EQUAL(refused, seamcall(SOFT_MEM_PAGE_PROMOTE, 1, td.tdr, 0, 0));
	other = private_page();
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_AUG, 511 * 4096, td.tdr, other,
				0));
	CHECK_EQUAL(refused, seamcall(SOFT_MEM_PAGE_PROMOTE, 1, td.tdr, 0, 0));
}

TEST(mem_demote_interrupted)
{
	struct td td;
	u64 before;

	machine_start(SYS_READY);
	td_init(&td);
	td_map_tables(&td, 0, LEVEL_2M);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_AUG, 1, td.tdr,
				private_range(LEVEL_2M), 0));
	before = *td_entry(&td, 0, 1);
	machine.interrupt_after = 1;
	CHECK_EQUAL(STAT_INTERRUPTED_RESTARTABLE,
		    seamcall(SOFT_MEM_PAGE_DEMOTE, 1, td.tdr, private_page(),
			     0));
	CHECK_EQUAL(1, machine.regs.gpr[RCX]);
	CHECK_EQUAL(td.tdr, machine.regs.gpr[RDX]);
	CHECK_EQUAL(before, *td_entry(&td, 0, 1));
}

TEST(mem_debug_access)
{
	struct td td;
	u64 page;

	machine_start(SYS_READY);
	td_init(&td);
	td_map_tables(&td, 0, LEVEL_4K);
	page = private_page();
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_ADD, 0, td.tdr, page,
				shared_page()));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_WR, 8, td.tdr, 0x1234, 0));
	CHECK_EQUAL(0, machine.regs.gpr[R8]);
	CHECK_EQUAL(0x1234, *(u64 *)soft_memory(page + 8));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_RD, 8, td.tdr, 0, 0));
	CHECK_EQUAL(0x1234, machine.regs.gpr[R8]);
	CHECK_EQUAL(STAT_OPERAND_INVALID | RCX,
		    seamcall(SOFT_MEM_RD, 4, td.tdr, 0, 0));
	CHECK_EQUAL(STAT_EPT_ENTRY_NOT_PRESENT | RCX,
		    seamcall(SOFT_MEM_RD, 4096, td.tdr, 0, 0));
	tdcs_of(&td)->attributes = 0;
	CHECK_EQUAL(STAT_TD_NON_DEBUG, seamcall(SOFT_MEM_RD, 8, td.tdr, 0, 0));
	CHECK_EQUAL(STAT_TD_NON_DEBUG, seamcall(SOFT_MEM_WR, 8, td.tdr, 0, 0));
}
