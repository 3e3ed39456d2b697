// SPDX-License-Identifier: GPL-2.0
/*
 * The Secure EPT's state machine: every call that changes or needs an entry,
 * on an entry in every state, before and after finalization.
 */
#include "ktap.h"
#include "machine.h"

#define GPA		(3 * LEVEL_SIZE(LEVEL_1G))
#define ADDRESS		0x000ffffffffff000ULL

/* How an entry gets into a state, and what it is then for the host. */
enum prepared { FREE, TABLE, TABLE_BLOCKED, MAPPED, BLOCKED, PENDING,
		PENDING_BLOCKED, NR_PREPARED };

static const char * const names[] = { "free", "table", "table blocked",
	"mapped", "blocked", "pending", "pending blocked" };

static const u8 public_states[] = { 0, 0x84, 0x81, 4, 1, 2, 3 };

#define OK		0ULL
#define STATE		(STAT_EPT_ENTRY_STATE_INCORRECT | RCX)
#define NOT_BLOCKED	(STAT_GPA_RANGE_NOT_BLOCKED | RCX)
#define ALREADY		(STAT_GPA_RANGE_ALREADY_BLOCKED | RCX)
#define PROMOTE		(STAT_EPT_INVALID_PROMOTE | RCX)
#define METADATA	(STAT_OP_STATE_INCORRECT)

/*
 * What is wanted of each call, by state.  Blocked entries are tracked.  Entries
 * are of level 1 (2M) where the call can have that, so that tables have a state
 * too; PAGE.ADD has 4K entries only, of which no table is one.
 */
static const struct {
	u64 leaf;
	int level;
	u64 init[NR_PREPARED];
	u64 live[NR_PREPARED];
} sept_table[] = {
	{ SOFT_MEM_SEPT_ADD, 1,
	  { OK, STATE, STATE, STATE, STATE, STATE, STATE },
	  { OK, STATE, STATE, STATE, STATE, STATE, STATE } },
	{ SOFT_MEM_PAGE_ADD, 0,
	  { OK, OK, OK, STATE, STATE, STATE, STATE },
	  { METADATA, METADATA, METADATA, METADATA, METADATA, METADATA,
	    METADATA } },
	{ SOFT_MEM_PAGE_AUG, 1,
	  { OK, STATE, STATE, STATE, STATE, STATE, STATE },
	  { OK, STATE, STATE, STATE, STATE, STATE, STATE } },
	{ SOFT_MEM_RANGE_BLOCK, 1,
	  { STATE, OK, ALREADY, OK, ALREADY, OK, ALREADY },
	  { STATE, OK, ALREADY, OK, ALREADY, OK, ALREADY } },
	{ SOFT_MEM_RANGE_UNBLOCK, 1,
	  { STATE, STATE, OK, STATE, OK, STATE, OK },
	  { STATE, STATE, OK, STATE, OK, STATE, OK } },
	{ SOFT_MEM_PAGE_REMOVE, 1,
	  { STATE, STATE, STATE, OK, OK, OK, OK },
	  { STATE, STATE, STATE, NOT_BLOCKED, OK, NOT_BLOCKED, OK } },
	{ SOFT_MEM_SEPT_REMOVE, 1,
	  { STATE, OK, OK, STATE, STATE, STATE, STATE },
	  { STATE, NOT_BLOCKED, OK, STATE, STATE, STATE, STATE } },
	{ SOFT_MEM_PAGE_DEMOTE, 1,
	  { STATE, STATE, STATE, OK, OK, OK, OK },
	  { STATE, STATE, STATE, NOT_BLOCKED, OK, NOT_BLOCKED, OK } },
	{ SOFT_MEM_PAGE_PROMOTE, 1,
	  { STATE, PROMOTE, PROMOTE, STATE, STATE, STATE, STATE },
	  { STATE, NOT_BLOCKED, PROMOTE, STATE, STATE, STATE, STATE } },
	{ SOFT_MEM_SEPT_RD, 1,
	  { OK, OK, OK, OK, OK, OK, OK }, { OK, OK, OK, OK, OK, OK, OK } },
};

static void track(struct td *td)
{
	CHECK_EQUAL(0, seamcall(SOFT_MEM_TRACK, td->tdr, 0, 0, 0));
}

static void accept(struct td *td, int level)
{
	struct tdvps vp = {};
	struct tdg_call tdg = {
		.call = { .tdr = tdr_of(td), .tdcs = tdcs_of(td), .vp = &vp },
	};

	vp.regs.gpr[RAX] = 6;
	vp.regs.gpr[RCX] = GPA | level;
	soft_tdcall(&tdg);
	CHECK_EQUAL(TDG_DONE, tdg.result.outcome);
	CHECK_EQUAL(0, vp.regs.gpr[RAX]);
}

static void block(struct td *td, int level)
{
	CHECK_EQUAL(0, seamcall(SOFT_MEM_RANGE_BLOCK, GPA | level, td->tdr,
				0, 0));
	track(td);
}

static void prepare(struct td *td, enum prepared state, int level)
{
	td_map_tables(td, GPA, level);
	if (state == FREE)
		return;

	if (state == TABLE || state == TABLE_BLOCKED) {
		if (!level)
			return;
		CHECK_EQUAL(0, seamcall(SOFT_MEM_SEPT_ADD, GPA | level,
					td->tdr, private_page(), 0));
	} else {
		CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_AUG, GPA | level,
					td->tdr, private_range(level), 0));
	}
	if (state == MAPPED || state == BLOCKED)
		accept(td, level);
	if (state == TABLE_BLOCKED || state == BLOCKED ||
	    state == PENDING_BLOCKED)
		block(td, level);
}

static u64 try_leaf(struct td *td, u64 leaf, int level)
{
	u64 page = leaf == SOFT_MEM_PAGE_AUG ? private_range(level) :
		   private_page();

	return seamcall(leaf, GPA | level, td->tdr, page, shared_page());
}

/* A refused call says which entry stood in the way, and changes nothing. */
static void check_refused(struct td *td, enum prepared state, int level,
			  u64 before, u64 children)
{
	if (machine.regs.gpr[RAX] != METADATA)
		CHECK_EQUAL((u64)public_states[state] << 8 | level,
			    machine.regs.gpr[RDX]);
	CHECK_EQUAL(before, *td_entry(td, GPA, level));
	CHECK_EQUAL(children, tdr_of(td)->children);
}

static void try_all_states(bool live)
{
	size_t i;
	int state;

	for (i = 0; i < ARRAY_SIZE(sept_table); i++)
		for (state = FREE; state < NR_PREPARED; state++) {
			int level = sept_table[i].level;
			u64 wanted = live ? sept_table[i].live[state] :
				     sept_table[i].init[state];
			u64 before, children;
			struct td td;

			machine_power_on();
			machine_start(SYS_READY);
			if (live)
				td_finalize(&td);
			else
				td_init(&td);
			prepare(&td, state, level);
			before = *td_entry(&td, GPA, level);
			children = tdr_of(&td)->children;

			ktap_case("leaf %d on %s", (int)sept_table[i].leaf,
				  names[state]);
			CHECK_EQUAL(wanted, try_leaf(&td, sept_table[i].leaf,
						     level));
			if (wanted)
				check_refused(&td, state, level, before,
					      children);
		}
}

TEST(sept_every_state_before_finalization)
{
	try_all_states(false);
}

TEST(sept_every_state_after_finalization)
{
	try_all_states(true);
}

/* What SEPT.RD says of each state. */
TEST(sept_rd)
{
	static const u64 shown[] = {
		1ULL << 63, 7, 0, 0xf7 | 1ULL << 63, 0xf0 | 1ULL << 63,
		0xf0 | 1ULL << 63, 0xf0 | 1ULL << 63,
	};
	struct td td;
	int state;

	for (state = FREE; state < NR_PREPARED; state++) {
		machine_power_on();
		machine_start(SYS_READY);
		td_init(&td);
		prepare(&td, state, LEVEL_2M);
		ktap_case("%s", names[state]);
		CHECK_EQUAL(0, seamcall(SOFT_MEM_SEPT_RD, GPA | 1, td.tdr,
					0, 0));
		CHECK_EQUAL(shown[state], machine.regs.gpr[RCX] & ~ADDRESS);
		CHECK_EQUAL((u64)public_states[state] << 8 | 1,
			    machine.regs.gpr[RDX]);
		if (state >= MAPPED)
			CHECK_EQUAL(*td_entry(&td, GPA, 1) & ADDRESS,
				    machine.regs.gpr[RCX] & ADDRESS);
	}
}

/* The processor must not be able to use what is not mapped. */
TEST(sept_permissions)
{
	struct td td;
	int state;

	for (state = FREE; state < NR_PREPARED; state++) {
		u64 wanted = state == TABLE || state == MAPPED ? 7 : 0;

		machine_power_on();
		machine_start(SYS_READY);
		td_init(&td);
		prepare(&td, state, LEVEL_2M);
		ktap_case("%s", names[state]);
		CHECK_EQUAL(wanted, *td_entry(&td, GPA, 1) & 7);
		CHECK_EQUAL(1, *td_entry(&td, GPA, 1) >> 63);
		CHECK_EQUAL(0, *td_entry(&td, GPA, 1) & 1 << 11);
	}
}

TEST(sept_unblock_restores)
{
	static const u8 blocked[] = { TABLE_BLOCKED, BLOCKED, PENDING_BLOCKED };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(blocked); i++) {
		struct td td;
		u64 before;

		machine_power_on();
		machine_start(SYS_READY);
		td_finalize(&td);
		prepare(&td, blocked[i] - 1, LEVEL_2M);
		before = *td_entry(&td, GPA, 1);
		block(&td, LEVEL_2M);
		ktap_case("%s", names[blocked[i]]);
		CHECK(before != *td_entry(&td, GPA, 1));
		CHECK_EQUAL(0, seamcall(SOFT_MEM_RANGE_UNBLOCK, GPA | 1,
					td.tdr, 0, 0));
		CHECK_EQUAL(before, *td_entry(&td, GPA, 1));
	}
}

/* A walk ends at the last table there is, and says where. */
TEST(sept_walk_failed)
{
	struct td td;
	int top;

	for (top = 3; top >= 1; top--) {
		machine_power_on();
		machine_start(SYS_READY);
		td_init(&td);
		td_map_tables(&td, GPA, top);
		ktap_case("tables down to level %d", top);
		CHECK_EQUAL(STAT_EPT_WALK_FAILED | RCX,
			    seamcall(SOFT_MEM_PAGE_AUG, GPA, td.tdr,
				     private_page(), 0));
		CHECK_EQUAL(1ULL << 63, machine.regs.gpr[RCX]);
		CHECK_EQUAL(top, machine.regs.gpr[RDX]);
	}
}

/* Nor does a walk go through a page, or through what is blocked. */
TEST(sept_walk_stops)
{
	struct td td;

	machine_start(SYS_READY);
	td_init(&td);
	prepare(&td, MAPPED, LEVEL_2M);
	CHECK_EQUAL(STAT_EPT_WALK_FAILED | RCX,
		    seamcall(SOFT_MEM_SEPT_RD, GPA, td.tdr, 0, 0));
	CHECK_EQUAL(4 << 8 | 1, machine.regs.gpr[RDX]);

	CHECK_EQUAL(0, seamcall(SOFT_MEM_RANGE_BLOCK, GPA | 2, td.tdr, 0, 0));
	CHECK_EQUAL(STAT_EPT_WALK_FAILED | RCX,
		    seamcall(SOFT_MEM_SEPT_RD, GPA | 1, td.tdr, 0, 0));
	CHECK_EQUAL(0x81 << 8 | 2, machine.regs.gpr[RDX]);
}

TEST(sept_five_levels)
{
	u64 gpa = 1ULL << 50;
	struct td td;
	u64 params;

	machine_start(SYS_READY);
	td_add_pages(&td);
	params = td_params();
	((struct td_params_page *)soft_memory(params))->eptp_controls =
		6 | 4 << 3;
	((struct td_params_page *)soft_memory(params))->config_flags |= 1;
	CHECK_EQUAL(0, seamcall(SOFT_MNG_INIT, td.tdr, params, 0, 0));

	td_map_tables(&td, gpa, LEVEL_4K);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_AUG, gpa, td.tdr,
				private_page(), 0));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_SEPT_RD, gpa, td.tdr, 0, 0));
	CHECK_EQUAL(2 << 8, machine.regs.gpr[RDX]);
	CHECK_EQUAL(STAT_OPERAND_INVALID | RCX,
		    seamcall(SOFT_MEM_SEPT_RD, 1ULL << 51, td.tdr, 0, 0));
}
