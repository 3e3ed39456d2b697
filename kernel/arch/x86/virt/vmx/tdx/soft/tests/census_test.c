// SPDX-License-Identifier: GPL-2.0
#include "../census.h"
#include "ktap.h"
#include "machine.h"

#define RESERVED_PAGES	((16 << 20) / 4096)

static struct soft_census census;

static const struct td_census *td_of(const struct td *td)
{
	static const struct td_census none;
	u32 i;

	soft_take_census(&census);
	for (i = 0; i < census.nr_tds; i++)
		if (census.tds[i].tdr == td->tdr)
			return &census.tds[i];
	return &none;
}

static void check_keyids(u32 assigned, u32 flushed)
{
	soft_take_census(&census);
	CHECK_EQUAL(1, census.keyids[KEYID_RESERVED]);
	CHECK_EQUAL(assigned, census.keyids[KEYID_ASSIGNED]);
	CHECK_EQUAL(flushed, census.keyids[KEYID_FLUSHED]);
	CHECK_EQUAL(MACHINE_KEYIDS - 1 - assigned - flushed,
		    census.keyids[KEYID_FREE]);
}

static void check_nothing_used(void)
{
	int type;

	soft_take_census(&census);
	for (type = 0; type < PT_NR_TYPES; type++) {
		ktap_case("type %d", type);
		CHECK_EQUAL(type == PT_RESERVED ? RESERVED_PAGES : 0,
			    census.pages[type]);
	}
	CHECK_EQUAL(0, census.nr_tds);
	CHECK_EQUAL(0, census.orphans);
	check_keyids(0, 0);
}

TEST(census_of_nothing)
{
	machine_start(SYS_READY);
	check_nothing_used();
}

/* Nothing is described where the PAMT is not written yet. */
TEST(census_before_initialization)
{
	machine_start(SYS_CONFIG_DONE);
	soft_take_census(&census);
	CHECK_EQUAL(0, census.pages[PT_RESERVED]);
	check_keyids(0, 0);
}

TEST(census_of_a_td)
{
	const struct td_census *count;
	struct td td, other;

	machine_start(SYS_READY);
	td_init(&td);
	td_add_vcpu(&td);
	td_map_tables(&td, 0, LEVEL_2M);
	td_map_tables(&td, 1 << 30, LEVEL_4K);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_ADD, 1 << 30, td.tdr,
				private_page(), shared_page()));
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_AUG, 1, td.tdr,
				private_range(LEVEL_2M), 0));
	td_create(&other);

	count = td_of(&td);
	CHECK_EQUAL(1, count->pages[PT_TDR]);
	CHECK_EQUAL(TDCS_NR_PAGES + TDVPS_NR_PAGES - 1, count->pages[PT_TDCX]);
	CHECK_EQUAL(1, count->pages[PT_TDVPR]);
	CHECK_EQUAL(4, count->pages[PT_SEPT]);
	CHECK_EQUAL(513, count->pages[PT_REGULAR]);
	CHECK_EQUAL(tdr_of(&td)->children,
		    count->pages[PT_TDCX] + count->pages[PT_TDVPR] +
		    count->pages[PT_SEPT] + count->pages[PT_REGULAR]);

	count = td_of(&other);
	CHECK_EQUAL(1, count->pages[PT_TDR]);
	CHECK_EQUAL(0, count->pages[PT_TDCX]);
	CHECK_EQUAL(2, census.nr_tds);
	CHECK_EQUAL(2, census.pages[PT_TDR]);
	CHECK_EQUAL(513, census.pages[PT_REGULAR]);
	CHECK_EQUAL(0, census.orphans);
	check_keyids(2, 0);
}

TEST(census_of_keyids)
{
	struct td td;
	int i;

	machine_start(SYS_READY);
	td_add_pages(&td);
	check_keyids(1, 0);
	CHECK_EQUAL(0, seamcall(SOFT_MNG_VPFLUSHDONE, td.tdr, 0, 0, 0));
	check_keyids(0, 1);
	for (i = 0; i < 2; i++) {
		machine.package = i;
		CHECK_EQUAL(0, seamcall(SOFT_PHYMEM_CACHE_WB, 0, 0, 0, 0));
	}
	check_keyids(0, 1);
	CHECK_EQUAL(0, seamcall(SOFT_MNG_KEY_FREEID, td.tdr, 0, 0, 0));
	check_keyids(0, 0);
	CHECK_EQUAL(1, td_of(&td)->pages[PT_TDR]);

	for (i = 0; i < TDCS_NR_PAGES; i++)
		CHECK_EQUAL(0, seamcall(SOFT_PHYMEM_PAGE_RECLAIM, td.pages[i],
					0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_PHYMEM_PAGE_RECLAIM, td.tdr, 0, 0, 0));
	check_nothing_used();
}

/* A page whose owner is gone is one that somebody forgot. */
TEST(census_of_orphans)
{
	struct td td;

	machine_start(SYS_READY);
	td_add_pages(&td);
	pamt_of(td.tdr, 0)->type = PT_FREE;
	soft_take_census(&census);
	CHECK_EQUAL(TDCS_NR_PAGES, census.orphans);
	CHECK_EQUAL(0, census.pages[PT_TDR]);
}
