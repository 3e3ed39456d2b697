// SPDX-License-Identifier: GPL-2.0
#include <pthread.h>

#include "ktap.h"
#include "machine.h"

#define BUSY_EPOCH	(STAT_OPERAND_BUSY | OPERAND_TD_EPOCH)
#define BUSY_TREE	(STAT_OPERAND_BUSY | OPERAND_SEPT_TREE)

static void begin(struct td *td)
{
	machine_start(SYS_READY);
	td_init(td);
}

static void refuse(enum soft_leaf_row row, u64 status, u32 every)
{
	CHECK(soft_refusal_set(row, status, every, false));
}

static u64 track(struct td *td)
{
	return seamcall(SOFT_MEM_TRACK, td->tdr, 0, 0, 0);
}

static u64 block(struct td *td, u64 gpa)
{
	return seamcall(SOFT_MEM_RANGE_BLOCK, gpa, td->tdr, 0, 0);
}

static void add_page(struct td *td, u64 gpa)
{
	td_map_tables(td, gpa, LEVEL_4K);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_ADD, gpa, td->tdr,
				private_page(), shared_page()));
}

TEST(refusal_once)
{
	struct td td;

	begin(&td);
	refuse(SOFT_ROW_MEM_TRACK, STAT_OPERAND_BUSY, 0);
	CHECK_EQUAL(BUSY_EPOCH, track(&td));
	CHECK_EQUAL(1, tdcs_of(&td)->epoch);
	CHECK_EQUAL(0, track(&td));
	CHECK_EQUAL(0, track(&td));
	CHECK_EQUAL(1, soft_counts[SOFT_ROW_MEM_TRACK].refusals);
	CHECK_EQUAL(1, soft_counts[SOFT_ROW_MEM_TRACK].failures);
}

/* Every call is refused, but never a repetition of a refused one. */
TEST(refusal_rate)
{
	int i, refused = 0;
	struct td td;

	begin(&td);
	refuse(SOFT_ROW_MEM_TRACK, STAT_OPERAND_BUSY, 1);
	for (i = 0; i < 10; i++)
		refused += !!track(&td);
	CHECK_EQUAL(5, refused);

	CHECK(soft_refusal_set(SOFT_ROW_MEM_TRACK, STAT_OPERAND_BUSY, 1, true));
	for (i = 0, refused = 0; i < 10; i++)
		refused += !!track(&td);
	CHECK_EQUAL(10, refused);

	refuse(SOFT_ROW_MEM_TRACK, STAT_SUCCESS, 0);
	CHECK_EQUAL(0, track(&td));
}

/* Two TDs are refused for the same GPA, and each repeats what it was refused. */
TEST(refusal_two_tds)
{
	struct td a, b;

	begin(&a);
	td_init(&b);
	add_page(&a, 0);
	add_page(&b, 0);
	refuse(SOFT_ROW_MEM_RANGE_BLOCK, STAT_OPERAND_BUSY, 1);
	CHECK_EQUAL(BUSY_TREE, block(&a, 0));
	CHECK_EQUAL(BUSY_TREE, block(&b, 0));
	CHECK_EQUAL(0, block(&a, 0));
	CHECK_EQUAL(0, block(&b, 0));
	CHECK_EQUAL(2, soft_counts[SOFT_ROW_MEM_RANGE_BLOCK].refusals);
}

/* Two vCPUs of a TD are refused for different GPAs, likewise. */
TEST(refusal_two_calls)
{
	struct td td;

	begin(&td);
	add_page(&td, 0x1000);
	add_page(&td, 0x2000);
	refuse(SOFT_ROW_MEM_RANGE_BLOCK, STAT_OPERAND_BUSY, 1);
	CHECK_EQUAL(BUSY_TREE, block(&td, 0x1000));
	CHECK_EQUAL(BUSY_TREE, block(&td, 0x2000));
	CHECK_EQUAL(0, block(&td, 0x1000));
	CHECK_EQUAL(0, block(&td, 0x2000));
}

/* What cannot be remembered is not refused. */
TEST(refusal_memory_is_full)
{
	struct td td;
	u64 page;

	begin(&td);
	for (page = 0; page < SOFT_MAX_REMEMBERED + 2; page++)
		add_page(&td, page << 12);
	refuse(SOFT_ROW_MEM_RANGE_BLOCK, STAT_OPERAND_BUSY, 1);
	for (page = 0; page < SOFT_MAX_REMEMBERED; page++)
		CHECK_EQUAL(BUSY_TREE, block(&td, page << 12));
	CHECK_EQUAL(0, block(&td, page << 12));
	for (page = 0; page < SOFT_MAX_REMEMBERED; page++)
		CHECK_EQUAL(0, block(&td, page << 12));
	CHECK_EQUAL(BUSY_TREE, block(&td, page << 12));

	/* A new order begins with nothing remembered. */
	refuse(SOFT_ROW_MEM_RANGE_BLOCK, STAT_OPERAND_BUSY, 1);
	CHECK_EQUAL(BUSY_TREE, block(&td, page << 12));
}

/* The operand is the one that is contended for; other codes stay as given. */
TEST(refusal_names_operand)
{
	static const struct {
		enum soft_leaf_row row;
		u64 operand;
	} rows[] = {
		{ SOFT_ROW_VP_ENTER, OPERAND_TD_EPOCH },
		{ SOFT_ROW_MEM_TRACK, OPERAND_TD_EPOCH },
		{ SOFT_ROW_MEM_PAGE_AUG, OPERAND_SEPT_TREE },
		{ SOFT_ROW_MEM_PAGE_REMOVE, OPERAND_SEPT_TREE },
		{ SOFT_ROW_MEM_PAGE_ADD, RDX },
		{ SOFT_ROW_MR_FINALIZE, RCX },
		{ SOFT_ROW_MNG_CREATE, OPERAND_KOT },
		{ SOFT_ROW_VP_ADDCX, RDX },
		{ SOFT_ROW_PHYMEM_PAGE_RECLAIM, RCX },
		{ SOFT_ROW_PHYMEM_CACHE_WB, OPERAND_WBCACHE },
	};
	size_t i;

	machine_start(SYS_READY);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		ktap_case("%s", soft_leaves[rows[i].row].name);
		refuse(rows[i].row, STAT_OPERAND_BUSY, 0);
		CHECK_EQUAL(STAT_OPERAND_BUSY | rows[i].operand,
			    seamcall(soft_leaves[rows[i].row].number, 0, 0, 0, 0));
		refuse(rows[i].row, STAT_RND_NO_ENTROPY, 0);
		CHECK_EQUAL(STAT_RND_NO_ENTROPY,
			    seamcall(soft_leaves[rows[i].row].number, 0, 0, 0, 0));
	}
}

/* Only a leaf that looks for interrupts can be stopped half-way. */
TEST(refusal_stops)
{
	int row, stops = 0;

	machine_start(SYS_READY);
	for (row = 0; row < SOFT_NR_LEAVES; row++)
		stops += soft_refusal_set(row, STAT_INTERRUPTED_RESUMABLE, 1,
					  false);
	CHECK_EQUAL(3, stops);
	CHECK(soft_refusal_set(SOFT_ROW_PHYMEM_CACHE_WB,
			       STAT_INTERRUPTED_RESUMABLE, 1, false));
	CHECK(soft_refusal_set(SOFT_ROW_SYS_DISABLE,
			       STAT_INTERRUPTED_RESUMABLE, 1, false));
	CHECK(!soft_refusal_set(SOFT_ROW_MEM_TRACK,
				STAT_INTERRUPTED_RESUMABLE, 1, false));
}

static u64 write_back(u64 resume)
{
	return seamcall(SOFT_PHYMEM_CACHE_WB, resume, 0, 0, 0);
}

/* A host that resumes gets to the end, one that begins anew never does. */
TEST(refusal_cache_wb_resumes)
{
	int stopped = 0;
	struct td td;
	u64 status;

	begin(&td);
	CHECK_EQUAL(0, seamcall(SOFT_MNG_VPFLUSHDONE, td.tdr, 0, 0, 0));
	refuse(SOFT_ROW_PHYMEM_CACHE_WB, STAT_INTERRUPTED_RESUMABLE, 1);
	do {
		status = write_back(stopped > 0);
		stopped += status == STAT_INTERRUPTED_RESUMABLE;
	} while (status == STAT_INTERRUPTED_RESUMABLE && stopped < 100);
	CHECK_EQUAL(0, status);
	CHECK_EQUAL(3, stopped);
	CHECK_EQUAL(3, soft_counts[SOFT_ROW_PHYMEM_CACHE_WB].refusals);
	CHECK_EQUAL(STAT_WBCACHE_RESUME_ERROR, write_back(1));

	machine.package = 1;
	for (stopped = 0; stopped < 100; stopped++)
		CHECK_EQUAL(STAT_INTERRUPTED_RESUMABLE, write_back(0));
	CHECK_EQUAL(STAT_WBCACHE_NOT_COMPLETE,
		    seamcall(SOFT_MNG_KEY_FREEID, td.tdr, 0, 0, 0));
	refuse(SOFT_ROW_PHYMEM_CACHE_WB, STAT_SUCCESS, 0);
	CHECK_EQUAL(0, write_back(1));
	CHECK_EQUAL(0, seamcall(SOFT_MNG_KEY_FREEID, td.tdr, 0, 0, 0));
}

/* Once is one stop, wherever the leaf is just then. */
TEST(refusal_cache_wb_once)
{
	struct td td;

	begin(&td);
	CHECK_EQUAL(0, seamcall(SOFT_MNG_VPFLUSHDONE, td.tdr, 0, 0, 0));
	refuse(SOFT_ROW_PHYMEM_CACHE_WB, STAT_INTERRUPTED_RESUMABLE, 0);
	CHECK_EQUAL(STAT_INTERRUPTED_RESUMABLE, write_back(0));
	CHECK_EQUAL(0, write_back(1));
}

/* Between its parts only SYS.DISABLE itself is served. */
TEST(refusal_sys_disable_resumes)
{
	int stopped = 0;
	struct td td;

	begin(&td);
	refuse(SOFT_ROW_SYS_DISABLE, STAT_INTERRUPTED_RESUMABLE, 1);
	while (seamcall(SOFT_SYS_DISABLE, 0, 0, 0, 0) ==
	       STAT_INTERRUPTED_RESUMABLE && stopped < 100) {
		stopped++;
		CHECK_EQUAL(SYS_DISABLING, soft_module.state);
		CHECK_EQUAL(STAT_SYS_SHUTDOWN, track(&td));
		CHECK_EQUAL(STAT_SYS_SHUTDOWN, seamcall(0xffff, 0, 0, 0, 0));
	}
	CHECK_EQUAL(3, stopped);
	CHECK_EQUAL(SYS_SHUTDOWN, soft_module.state);
	CHECK_EQUAL(STAT_SYS_SHUTDOWN, seamcall(SOFT_SYS_DISABLE, 0, 0, 0, 0));
}

TEST(sys_disable_at_once)
{
	machine_start(SYS_READY);
	CHECK_EQUAL(0, seamcall(SOFT_SYS_DISABLE, 0, 0, 0, 0));
	CHECK_EQUAL(SYS_SHUTDOWN, soft_module.state);
}

#define NR_THREADS	4
#define THREAD_CALLS	20000

struct caller {
	pthread_t thread;
	struct td td;
	u64 refused, twice, other;
};

static void *call_often(void *arg)
{
	struct caller *caller = arg;
	bool was_refused = false;
	int i;

	for (i = 0; i < THREAD_CALLS; i++) {
		struct soft_regs regs = {
			.gpr[RAX] = SOFT_MEM_TRACK, .gpr[RCX] = caller->td.tdr,
		};
		bool refused;

		soft_seamcall(&regs);
		refused = regs.gpr[RAX] == BUSY_EPOCH;
		caller->refused += refused;
		caller->twice += refused && was_refused;
		caller->other += regs.gpr[RAX] && !refused;
		was_refused = refused;
	}
	return NULL;
}

/* Hosts that call at the same time are each refused, and none of them twice. */
TEST(refusal_threads)
{
	static struct caller callers[NR_THREADS];
	int i;

	memset(callers, 0, sizeof(callers));
	machine_start(SYS_READY);
	for (i = 0; i < NR_THREADS; i++)
		td_init(&callers[i].td);
	refuse(SOFT_ROW_MEM_TRACK, STAT_OPERAND_BUSY, 2);
	for (i = 0; i < NR_THREADS; i++)
		CHECK(!pthread_create(&callers[i].thread, NULL, call_often,
				      &callers[i]));
	for (i = 0; i < NR_THREADS; i++) {
		pthread_join(callers[i].thread, NULL);
		CHECK(callers[i].refused);
		CHECK_EQUAL(0, callers[i].twice);
		CHECK_EQUAL(0, callers[i].other);
	}
}
