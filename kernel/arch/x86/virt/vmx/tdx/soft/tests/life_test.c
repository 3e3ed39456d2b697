// SPDX-License-Identifier: GPL-2.0
#include "ktap.h"
#include "machine.h"

enum stage { CREATED, CONFIGURED, WITH_PAGES, INITIALIZED, FINALIZED, BLOCKED,
	     TORN_DOWN, NR_STAGES };

static void bring(struct td *td, enum stage stage)
{
	machine_power_on();
	machine_start(SYS_READY);
	switch (stage) {
	case CREATED:
		td_create(td);
		break;
	case CONFIGURED:
		td_configure(td);
		break;
	case WITH_PAGES:
		td_add_pages(td);
		break;
	case INITIALIZED:
		td_init(td);
		break;
	case FINALIZED:
		td_finalize(td);
		break;
	default:
		td_init(td);
		if (stage == BLOCKED)
			CHECK_EQUAL(0, seamcall(SOFT_MNG_VPFLUSHDONE, td->tdr,
						0, 0, 0));
		else
			td_tear_down(td);
	}
}

#define LIFE	STAT_LIFECYCLE_INCORRECT
#define KEYS	STAT_TD_KEYS_NOT_CONFIGURED
#define FULL	STAT_TDCX_NUM_INCORRECT
#define PAGES	STAT_TDCS_NOT_ALLOCATED
#define OP_ST	STAT_OP_STATE_INCORRECT

/* What each MNG call says at each stage of a TD's life. */
static const struct {
	u64 leaf;
	u64 wanted[NR_STAGES];
} life_table[] = {
	{ SOFT_MNG_KEY_CONFIG, { STAT_KEY_CONFIGURED, LIFE, LIFE, LIFE, LIFE,
				 LIFE, LIFE } },
	{ SOFT_MNG_ADDCX, { KEYS, 0, FULL, FULL, FULL, KEYS, KEYS } },
	{ SOFT_MNG_INIT, { KEYS, PAGES, 0, OP_ST, OP_ST, KEYS, KEYS } },
	{ SOFT_VP_CREATE, { KEYS, PAGES, OP_ST, 0, OP_ST, KEYS, KEYS } },
	{ SOFT_MR_FINALIZE, { KEYS, PAGES, OP_ST, STAT_NO_VCPUS, OP_ST, KEYS,
			      KEYS } },
	{ SOFT_MNG_VPFLUSHDONE, { 0, 0, 0, 0, STAT_FLUSHVP_NOT_DONE, LIFE,
				  LIFE } },
	{ SOFT_MNG_KEY_FREEID, { LIFE, LIFE, LIFE, LIFE, LIFE,
				 STAT_WBCACHE_NOT_COMPLETE, LIFE } },
	{ SOFT_PHYMEM_PAGE_RECLAIM, { LIFE, LIFE, LIFE, LIFE, LIFE, LIFE,
				      STAT_ASSOCIATED_PAGES_EXIST } },
};

static u64 call(struct td *td, u64 leaf)
{
	switch (leaf) {
	case SOFT_MNG_ADDCX:
	case SOFT_VP_CREATE:
		return seamcall(leaf, private_page(), td->tdr, 0, 0);
	case SOFT_MNG_INIT:
		return seamcall(leaf, td->tdr, td_params(), 0, 0);
	default:
		return seamcall(leaf, td->tdr, 0, 0, 0);
	}
}

TEST(life_every_call_at_every_stage)
{
	struct td td;
	size_t i;
	int stage;

	for (i = 0; i < ARRAY_SIZE(life_table); i++)
		for (stage = CREATED; stage < NR_STAGES; stage++) {
			bring(&td, stage);
			/* Created: the first of two packages has its key. */
			if (stage == CREATED)
				seamcall(SOFT_MNG_KEY_CONFIG, td.tdr, 0, 0, 0);
			ktap_case("leaf %d at stage %d",
				  (int)life_table[i].leaf, stage);
			CHECK_EQUAL(life_table[i].wanted[stage],
				    call(&td, life_table[i].leaf));
		}
}

TEST(life_keyid)
{
	struct td td;
	u64 page;

	bring(&td, CREATED);
	page = private_page();
	CHECK_EQUAL(STAT_HKID_NOT_FREE,
		    seamcall(SOFT_MNG_CREATE, page, td.keyid, 0, 0));
	CHECK_EQUAL(STAT_HKID_NOT_FREE,
		    seamcall(SOFT_MNG_CREATE, page, MACHINE_GLOBAL_KEYID,
			     0, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | RDX,
		    seamcall(SOFT_MNG_CREATE, page, 31, 0, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | RDX,
		    seamcall(SOFT_MNG_CREATE, page, 48, 0, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | RDX,
		    seamcall(SOFT_MNG_CREATE, page, 34 | 1 << 16, 0, 0));
	CHECK_EQUAL(PT_FREE, pamt_of(page, 0)->type);
	machine.no_entropy = true;
	CHECK_EQUAL(STAT_RND_NO_ENTROPY,
		    seamcall(SOFT_MNG_CREATE, page, td.keyid + 1, 0, 0));
	machine.no_entropy = false;
	CHECK_EQUAL(0, seamcall(SOFT_MNG_CREATE, page, td.keyid + 1, 0, 0));
}

/* A KeyID is free again when every package has written its caches back. */
TEST(life_keyid_again)
{
	struct td td;

	bring(&td, BLOCKED);
	CHECK_EQUAL(0, seamcall(SOFT_PHYMEM_CACHE_WB, 0, 0, 0, 0));
	CHECK_EQUAL(STAT_WBCACHE_NOT_COMPLETE,
		    seamcall(SOFT_MNG_KEY_FREEID, td.tdr, 0, 0, 0));
	machine.package = 1;
	CHECK_EQUAL(0, seamcall(SOFT_PHYMEM_CACHE_WB, 0, 0, 0, 0));
	CHECK_EQUAL(STAT_HKID_NOT_FREE,
		    seamcall(SOFT_MNG_CREATE, private_page(), td.keyid, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MNG_KEY_FREEID, td.tdr, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MNG_CREATE, private_page(), td.keyid,
				0, 0));
}

TEST(life_cache_wb)
{
	struct td td;

	bring(&td, INITIALIZED);
	CHECK_EQUAL(STAT_OPERAND_INVALID | RCX,
		    seamcall(SOFT_PHYMEM_CACHE_WB, 2, 0, 0, 0));
	CHECK_EQUAL(STAT_NO_HKID_READY_TO_WBCACHE,
		    seamcall(SOFT_PHYMEM_CACHE_WB, 0, 0, 0, 0));
	CHECK_EQUAL(STAT_WBCACHE_RESUME_ERROR,
		    seamcall(SOFT_PHYMEM_CACHE_WB, 1, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MNG_VPFLUSHDONE, td.tdr, 0, 0, 0));
	machine.interrupt_after = 1;
	CHECK_EQUAL(STAT_INTERRUPTED_RESUMABLE,
		    seamcall(SOFT_PHYMEM_CACHE_WB, 0, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_PHYMEM_CACHE_WB, 1, 0, 0, 0));
	CHECK_EQUAL(STAT_WBCACHE_RESUME_ERROR,
		    seamcall(SOFT_PHYMEM_CACHE_WB, 1, 0, 0, 0));
	soft_module.cache_wb[0].lock = 1;
	CHECK_EQUAL(STAT_OPERAND_BUSY | OPERAND_WBCACHE,
		    seamcall(SOFT_PHYMEM_CACHE_WB, 0, 0, 0, 0));
	soft_module.cache_wb[0].lock = 0;
	soft_module.keyid_lock = 1;
	CHECK_EQUAL(STAT_OPERAND_BUSY | OPERAND_KOT,
		    seamcall(SOFT_PHYMEM_CACHE_WB, 0, 0, 0, 0));
}

#define PARAM(member) offsetof(struct td_params_page, member)

/* One value of TD_PARAMS wrong at a time; values are 64 bits wide. */
static const struct {
	size_t offset;
	u64 value;
	u64 operand;
} params_table[] = {
	{ PARAM(attributes), 1 << 1, OPERAND_ATTRIBUTES },
	{ PARAM(attributes), 1ULL << 29, OPERAND_ATTRIBUTES },
	{ PARAM(attributes), 1ULL << 63, OPERAND_ATTRIBUTES },
	{ PARAM(xfam), 1, OPERAND_XFAM },
	{ PARAM(xfam), 0x103, OPERAND_XFAM },
	{ PARAM(xfam), 0x23, OPERAND_XFAM },
	{ PARAM(xfam), 0xe3, OPERAND_XFAM },
	{ PARAM(max_vcpus), 0, OPERAND_MAX_VCPUS },
	{ PARAM(max_vcpus), 0xffff, OPERAND_MAX_VCPUS },
	{ PARAM(max_vcpus), 2 | 1 << 16, RDX },
	{ PARAM(max_vcpus), 2 | 1ULL << 63, RDX },
	{ PARAM(config_flags), 1 << 1, OPERAND_EXEC_CONTROLS },
	{ PARAM(config_flags), 1 << 3, OPERAND_EXEC_CONTROLS },
	{ PARAM(config_flags), 1, OPERAND_EPTP_CONTROLS },
	{ PARAM(eptp_controls), 3 << 3, OPERAND_EPTP_CONTROLS },
	{ PARAM(eptp_controls), 6 | 2 << 3, OPERAND_EPTP_CONTROLS },
	{ PARAM(eptp_controls), 6 | 5 << 3, OPERAND_EPTP_CONTROLS },
	{ PARAM(eptp_controls), 6 | 3 << 3 | 1 << 6, OPERAND_EPTP_CONTROLS },
	{ PARAM(eptp_controls), 6 | 3 << 3 | 1 << 12, OPERAND_EPTP_CONTROLS },
	{ PARAM(tsc_frequency), 3, OPERAND_TSC_FREQUENCY },
	{ PARAM(tsc_frequency), 401, OPERAND_TSC_FREQUENCY },
	{ PARAM(tsc_frequency), 40 | 1 << 16, RDX },
	{ PARAM(reserved2), 1, RDX },
	{ PARAM(cpuid[0].reg[0]), 1ULL << 31, OPERAND_CPUID_CONFIG },
	{ PARAM(cpuid[47].reg[0]), 1, RDX },
};

TEST(life_td_params)
{
	struct td td;
	u64 params;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(params_table); i++) {
		bring(&td, WITH_PAGES);
		params = td_params();
		*(u64 *)soft_memory(params + params_table[i].offset) =
			params_table[i].value;
		ktap_case("row %zu", i);
		CHECK_EQUAL(STAT_OPERAND_INVALID | params_table[i].operand,
			    seamcall(SOFT_MNG_INIT, td.tdr, params, 0, 0));
		CHECK_EQUAL(0, seamcall(SOFT_MNG_INIT, td.tdr, td_params(),
					0, 0));
	}
}

TEST(life_td_params_address)
{
	struct td td;
	u64 params;

	bring(&td, WITH_PAGES);
	params = td_params();
	CHECK_EQUAL(STAT_OPERAND_INVALID | RDX,
		    seamcall(SOFT_MNG_INIT, td.tdr, params + 512, 0, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | RDX,
		    seamcall(SOFT_MNG_INIT, td.tdr, params | 33ULL << 40,
			     0, 0));
	/* A shared KeyID is fine. */
	CHECK_EQUAL(0, seamcall(SOFT_MNG_INIT, td.tdr, params | 3ULL << 40,
				0, 0));
}

TEST(life_tsc)
{
	struct td td;

	/* The TD's clock at half the speed of the machine's. */
	bring(&td, INITIALIZED);
	CHECK_EQUAL(1ULL << 47, tdcs_of(&td)->tsc_multiplier);
	CHECK_EQUAL(0, seamcall(SOFT_MNG_RD, td.tdr, 0x110000000000000b,
				0, 0));
	CHECK_EQUAL(1ULL << 47, machine.regs.gpr[R8]);
	CHECK_EQUAL(0, seamcall(SOFT_MNG_RD, td.tdr, 0x110000000000000a,
				0, 0));
	CHECK_EQUAL(tdcs_of(&td)->tsc_offset, machine.regs.gpr[R8]);
}

TEST(life_mng_rd)
{
	struct td td;

	bring(&td, INITIALIZED);
	CHECK_EQUAL(STAT_FIELD_ID_INCORRECT,
		    seamcall(SOFT_MNG_RD, td.tdr, 0x1110000300000fff, 0, 0));
	CHECK_EQUAL(0, machine.regs.gpr[R8]);
	CHECK_EQUAL(0, seamcall(SOFT_MNG_RD | 1 << 16, td.tdr,
				0x1110000300000000, 0, 0));
	CHECK_EQUAL(TD_ATTR_DEBUG, machine.regs.gpr[R8]);
	CHECK(machine.regs.gpr[RDX] != ~0ULL);
	CHECK_EQUAL(STAT_FIRST_FIELD_ID,
		    seamcall(SOFT_MNG_RD | 1 << 16, td.tdr, ~0ULL, 0, 0));
	CHECK_EQUAL(STAT_FIELD_NOT_WRITABLE,
		    seamcall(SOFT_MNG_WR, td.tdr, 0x1110000300000000, 0,
			     ~0ULL));
}

/* CPUID is read leaf by leaf, in two halves. */
TEST(life_cpuid)
{
	u64 field = 0x9410000300000000, none = 0x1fe;
	struct td td;

	bring(&td, INITIALIZED);
	CHECK_EQUAL(0, seamcall(SOFT_MNG_RD, td.tdr, field | 0x21 << 9, 0, 0));
	CHECK_EQUAL(0x65746e49ULL << 32, machine.regs.gpr[R8]);
	CHECK_EQUAL(0, seamcall(SOFT_MNG_RD, td.tdr, field | 0x21 << 9 | 1,
				0, 0));
	CHECK_EQUAL(0x5844546c20202020, machine.regs.gpr[R8]);
	CHECK_EQUAL(0, seamcall(SOFT_MNG_RD, td.tdr,
				field | 1 << 16 | 8 << 9 | none, 0, 0));
	CHECK_EQUAL(48 << 8 | 48, machine.regs.gpr[R8] & 0xffff);
	CHECK_EQUAL(STAT_FIELD_NOT_READABLE,
		    seamcall(SOFT_MNG_RD, td.tdr, field | 0x16 << 9 | none,
			     0, 0));
	/* x2APIC and the hypervisor bit are always there. */
	CHECK_EQUAL(0, seamcall(SOFT_MNG_RD, td.tdr, field | 1 << 9 | none | 1,
				0, 0));
	CHECK_EQUAL(0x80200000, machine.regs.gpr[R8] & 0x80200000);
}
