// SPDX-License-Identifier: GPL-2.0
#include "ktap.h"
#include "machine.h"

static void check_page(u64 pa, u64 type, u64 owner, u64 level)
{
	CHECK_EQUAL(0, seamcall(SOFT_PHYMEM_PAGE_RDMD, pa, 0, 0, 0));
	CHECK_EQUAL(type, machine.regs.gpr[RCX]);
	CHECK_EQUAL(owner, machine.regs.gpr[RDX]);
	CHECK_EQUAL(level, machine.regs.gpr[R8]);
}

TEST(pamt_after_initialization)
{
	machine_start(SYS_READY);
	check_page(MACHINE_TDMR, PT_FREE, 0, 0);
	check_page(MACHINE_RESERVED - 4096, PT_FREE, 0, 0);
	check_page(MACHINE_RESERVED, PT_RESERVED, 0, 0);
	check_page(MACHINE_TDMR + MACHINE_TDMR_SIZE - 4096, PT_RESERVED, 0, 0);
}

TEST(pamt_types_and_owners)
{
	struct td td;
	u64 tdvpr, page;

	machine_start(SYS_READY);
	td_init(&td);
	tdvpr = td_add_vcpu(&td);
	td_map_tables(&td, 0, LEVEL_4K);
	page = private_page();
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_ADD, 0, td.tdr, page,
				shared_page()));

	check_page(td.tdr, PT_TDR, 0, 0);
	check_page(td.pages[0], PT_TDCX, td.tdr, 0);
	check_page(tdvpr, PT_TDVPR, td.tdr, 0);
	check_page(tdvpr + 4096, PT_TDCX, td.tdr, 0);
	check_page(*td_entry(&td, 0, 1) & 0xffffffffff000, PT_SEPT, td.tdr, 0);
	check_page(page, PT_REGULAR, td.tdr, 0);
}

/* Every call that takes a page, with a page of every type. */
TEST(pamt_page_donated_twice)
{
	struct td td, other;
	u64 tdvpr, used[7];
	size_t i;

	machine_start(SYS_READY);
	td_init(&td);
	tdvpr = vcpu_create(&td);
	td_map_tables(&td, 0, LEVEL_4K);
	used[0] = td.tdr;
	used[1] = td.pages[0];
	used[2] = tdvpr;
	used[3] = *td_entry(&td, 0, 1) & 0xffffffffff000;
	used[4] = private_page();
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_ADD, 0, td.tdr, used[4],
				shared_page()));
	used[5] = MACHINE_RESERVED;
	used[6] = private_range(LEVEL_2M);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_AUG, LEVEL_SIZE(1) | 1, td.tdr,
				used[6], 0));
	td_configure(&other);

	for (i = 0; i < ARRAY_SIZE(used); i++) {
		u64 wrong = STAT_PAGE_METADATA_INCORRECT;
		u64 in_td = wrong, in_vp = wrong;

		/* The call has locked its own TD and vCPU itself. */
		if (used[i] == td.tdr)
			in_td = STAT_OPERAND_BUSY;
		if (used[i] == td.tdr || used[i] == tdvpr)
			in_vp = STAT_OPERAND_BUSY;

		ktap_case("page %zu", i);
		CHECK_EQUAL(wrong | RCX, seamcall(SOFT_MNG_CREATE, used[i],
						  MACHINE_TD_KEYID + 5, 0, 0));
		CHECK_EQUAL(wrong | RCX, seamcall(SOFT_MNG_ADDCX, used[i],
						  other.tdr, 0, 0));
		CHECK_EQUAL(in_td | RCX, seamcall(SOFT_VP_CREATE, used[i],
						  td.tdr, 0, 0));
		CHECK_EQUAL(in_vp | RCX, seamcall(SOFT_VP_ADDCX, used[i],
						  tdvpr, 0, 0));
		CHECK_EQUAL(in_td | R8, seamcall(SOFT_MEM_SEPT_ADD,
						 LEVEL_SIZE(3) | 3, td.tdr,
						 used[i], 0));
		CHECK_EQUAL(in_td | R8, seamcall(SOFT_MEM_PAGE_ADD, 4096,
						 td.tdr, used[i],
						 shared_page()));
		CHECK_EQUAL(in_td | R8, seamcall(SOFT_MEM_PAGE_AUG, 4096,
						 td.tdr, used[i], 0));
		CHECK_EQUAL(wrong | RCX, seamcall(SOFT_PHYMEM_PAGE_WBINVD,
						  used[i], 0, 0, 0));
	}
}

TEST(pamt_reclaim_refused)
{
	struct td td;
	u64 tdvpr;

	machine_start(SYS_READY);
	td_init(&td);
	tdvpr = vcpu_create(&td);
	CHECK_EQUAL(STAT_PAGE_METADATA_INCORRECT | RCX,
		    seamcall(SOFT_PHYMEM_PAGE_RECLAIM, private_page(),
			     0, 0, 0));
	CHECK_EQUAL(STAT_PAGE_METADATA_INCORRECT | RCX,
		    seamcall(SOFT_PHYMEM_PAGE_RECLAIM, MACHINE_RESERVED,
			     0, 0, 0));
	CHECK_EQUAL(STAT_LIFECYCLE_INCORRECT,
		    seamcall(SOFT_PHYMEM_PAGE_RECLAIM, td.tdr, 0, 0, 0));
	CHECK_EQUAL(STAT_LIFECYCLE_INCORRECT,
		    seamcall(SOFT_PHYMEM_PAGE_RECLAIM, tdvpr, 0, 0, 0));
	CHECK_EQUAL(PT_TDVPR, machine.regs.gpr[RCX]);
	CHECK_EQUAL(td.tdr, machine.regs.gpr[RDX]);
	CHECK_EQUAL(PT_TDVPR, pamt_of(tdvpr, 0)->type);
}

TEST(pamt_reclaim_everything)
{
	struct td td;
	u64 tdvpr;
	int i;

	machine_start(SYS_READY);
	td_init(&td);
	tdvpr = vcpu_create(&td);
	td_tear_down(&td);

	CHECK_EQUAL(STAT_ASSOCIATED_PAGES_EXIST,
		    seamcall(SOFT_PHYMEM_PAGE_RECLAIM, td.tdr, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_PHYMEM_PAGE_RECLAIM, tdvpr, 0, 0, 0));
	for (i = 0; i < TDCS_NR_PAGES; i++)
		CHECK_EQUAL(0, seamcall(SOFT_PHYMEM_PAGE_RECLAIM, td.pages[i],
					0, 0, 0));
	CHECK_EQUAL(0, tdr_of(&td)->children);
	CHECK_EQUAL(0, seamcall(SOFT_PHYMEM_PAGE_RECLAIM, td.tdr, 0, 0, 0));
	CHECK_EQUAL(STAT_PAGE_METADATA_INCORRECT | RCX,
		    seamcall(SOFT_PHYMEM_PAGE_RECLAIM, td.tdr, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_PHYMEM_PAGE_WBINVD,
				td.tdr | 32ULL << 40, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MNG_CREATE, td.tdr, td.keyid, 0, 0));
}

/* A page is as large as its entry, and is found from any 4K page of it. */
TEST(pamt_huge_page)
{
	struct td td;
	u64 page;

	machine_start(SYS_READY);
	td_init(&td);
	td_map_tables(&td, 0, LEVEL_2M);
	page = private_range(LEVEL_2M);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_AUG, 1, td.tdr, page, 0));

	check_page(page, PT_REGULAR, td.tdr, 1);
	check_page(page + LEVEL_SIZE(1) - 4096, PT_REGULAR, td.tdr, 1);
	check_page(page + LEVEL_SIZE(1), PT_FREE, 0, 0);

	td_tear_down(&td);
	CHECK_EQUAL(STAT_OPERAND_INVALID | RCX,
		    seamcall(SOFT_PHYMEM_PAGE_RECLAIM, page + 4096, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_PHYMEM_PAGE_RECLAIM, page, 0, 0, 0));
	CHECK_EQUAL(1, machine.regs.gpr[R8]);
	check_page(page, PT_FREE, 0, 0);
}

/* No huge page around a page that is in use, and none that is reserved. */
TEST(pamt_huge_page_not_free)
{
	struct td td;
	u64 page;

	machine_start(SYS_READY);
	td_init(&td);
	td_map_tables(&td, 0, LEVEL_4K);
	page = private_range(LEVEL_2M);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_AUG, 0, td.tdr, page + 4096, 0));
	CHECK_EQUAL(STAT_PAGE_METADATA_INCORRECT | R8,
		    seamcall(SOFT_MEM_PAGE_AUG, LEVEL_SIZE(1) | 1, td.tdr,
			     page, 0));
	CHECK_EQUAL(STAT_PAGE_METADATA_INCORRECT | R8,
		    seamcall(SOFT_MEM_PAGE_AUG, LEVEL_SIZE(1) | 1, td.tdr,
			     MACHINE_RESERVED, 0));
}

static const struct {
	u64 pa;
	u64 wanted;
} address_table[] = {
	{ MACHINE_TDMR + 1, STAT_OPERAND_INVALID },
	{ MACHINE_TDMR + 2048, STAT_OPERAND_INVALID },
	{ MACHINE_TDMR | 33ULL << 40, STAT_OPERAND_INVALID },
	{ MACHINE_TDMR | 1ULL << 40, STAT_OPERAND_INVALID },
	{ MACHINE_TDMR | 1ULL << 46, STAT_OPERAND_INVALID },
	{ MACHINE_TDMR | 1ULL << 63, STAT_OPERAND_INVALID },
	{ MACHINE_TDMR - 4096, STAT_ADDR_RANGE_ERROR },
	{ MACHINE_TDMR + MACHINE_TDMR_SIZE, STAT_ADDR_RANGE_ERROR },
	{ 0, STAT_ADDR_RANGE_ERROR },
};

/* Every operand that is a private page, with every address that is none. */
TEST(pamt_addresses)
{
	struct td td, other;
	u64 tdvpr;
	size_t i;

	machine_start(SYS_READY);
	td_init(&td);
	tdvpr = vcpu_create(&td);
	td_configure(&other);
	td_map_tables(&td, 0, LEVEL_4K);

	for (i = 0; i < ARRAY_SIZE(address_table); i++) {
		u64 pa = address_table[i].pa, wanted = address_table[i].wanted;

		ktap_case("address %#llx", (unsigned long long)pa);
		CHECK_EQUAL(wanted | RCX, seamcall(SOFT_MNG_CREATE, pa,
						   MACHINE_TD_KEYID + 5, 0, 0));
		CHECK_EQUAL(wanted | RCX, seamcall(SOFT_MNG_ADDCX, pa,
						   other.tdr, 0, 0));
		CHECK_EQUAL(wanted | RCX, seamcall(SOFT_VP_CREATE, pa, td.tdr,
						   0, 0));
		CHECK_EQUAL(wanted | RCX, seamcall(SOFT_VP_ADDCX, pa, tdvpr,
						   0, 0));
		CHECK_EQUAL(wanted | R8, seamcall(SOFT_MEM_SEPT_ADD,
						  LEVEL_SIZE(3) | 3, td.tdr,
						  pa, 0));
		CHECK_EQUAL(wanted | R8, seamcall(SOFT_MEM_PAGE_ADD, 0, td.tdr,
						  pa, shared_page()));
		CHECK_EQUAL(wanted | R8, seamcall(SOFT_MEM_PAGE_AUG, 0, td.tdr,
						  pa, 0));
		CHECK_EQUAL(wanted | RCX, seamcall(SOFT_PHYMEM_PAGE_RDMD, pa,
						   0, 0, 0));
		CHECK_EQUAL(wanted | RCX, seamcall(SOFT_PHYMEM_PAGE_RECLAIM,
						   pa, 0, 0, 0));
	}
}

TEST(pamt_contention)
{
	u64 page;

	machine_start(SYS_READY);
	page = private_page();
	pamt_of(page, 0)->lock = 1;
	CHECK_EQUAL(STAT_OPERAND_BUSY | RCX,
		    seamcall(SOFT_MNG_CREATE, page, MACHINE_TD_KEYID, 0, 0));
	CHECK_EQUAL(STAT_OPERAND_BUSY | RCX,
		    seamcall(SOFT_PHYMEM_PAGE_RDMD, page, 0, 0, 0));
	pamt_of(page, 0)->lock = 0;
	pamt_of(page, 1)->lock = 1;
	CHECK_EQUAL(STAT_OPERAND_BUSY | RCX,
		    seamcall(SOFT_MNG_CREATE, page, MACHINE_TD_KEYID, 0, 0));
	pamt_of(page, 1)->lock = 0;
	CHECK_EQUAL(0, seamcall(SOFT_MNG_CREATE, page, MACHINE_TD_KEYID,
				0, 0));
	CHECK_EQUAL(0, pamt_of(page, 0)->lock);
	CHECK_EQUAL(0, pamt_of(page, 1)->lock & ~2);
	CHECK_EQUAL(0, pamt_of(page, 2)->lock & ~2);
}
