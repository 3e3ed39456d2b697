// SPDX-License-Identifier: GPL-2.0
#include "ktap.h"
#include "machine.h"

/* What each SYS call says in each state of the module. */
static const struct {
	u64 leaf;
	u64 wanted[5];
} sys_table[] = {
	{ SOFT_SYS_INIT, { 0, STAT_SYS_INIT_NOT_PENDING,
			   STAT_SYS_INIT_NOT_PENDING,
			   STAT_SYS_INIT_NOT_PENDING, STAT_SYS_SHUTDOWN } },
	{ SOFT_SYS_LP_INIT, { STAT_SYS_LP_INIT_NOT_PENDING,
			      STAT_SYS_LP_INIT_DONE,
			      STAT_SYS_LP_INIT_NOT_PENDING,
			      STAT_SYS_LP_INIT_NOT_PENDING,
			      STAT_SYS_SHUTDOWN } },
	{ SOFT_SYS_KEY_CONFIG, { STAT_SYS_KEY_CONFIG_NOT_PENDING,
				 STAT_SYS_KEY_CONFIG_NOT_PENDING, 0,
				 STAT_SYS_KEY_CONFIG_NOT_PENDING,
				 STAT_SYS_SHUTDOWN } },
	{ SOFT_SYS_CONFIG, { STAT_SYS_CONFIG_NOT_PENDING,
			     STAT_OPERAND_INVALID | RDX,
			     STAT_SYS_CONFIG_NOT_PENDING,
			     STAT_SYS_CONFIG_NOT_PENDING,
			     STAT_SYS_SHUTDOWN } },
	{ SOFT_SYS_TDMR_INIT, { STAT_SYS_NOT_READY, STAT_SYS_NOT_READY,
				STAT_SYS_NOT_READY,
				STAT_OPERAND_INVALID | RCX,
				STAT_SYS_SHUTDOWN } },
	{ SOFT_SYS_UPDATE, { STAT_SYS_STATE_INCORRECT,
			     STAT_SYS_INVALID_HANDOFF,
			     STAT_SYS_STATE_INCORRECT,
			     STAT_SYS_STATE_INCORRECT, STAT_SYS_SHUTDOWN } },
	{ SOFT_SYS_SHUTDOWN, { STAT_SYS_NOT_READY, STAT_SYS_NOT_READY,
			       STAT_SYS_NOT_READY, 0, STAT_SYS_SHUTDOWN } },
	{ SOFT_SYS_DISABLE, { 0, 0, 0, 0, STAT_SYS_SHUTDOWN } },
	{ SOFT_MNG_CREATE, { STAT_SYS_NOT_READY, STAT_SYS_NOT_READY,
			     STAT_SYS_NOT_READY, STAT_OPERAND_INVALID | RDX,
			     STAT_SYS_SHUTDOWN } },
};

static const enum soft_system_state states[] = {
	SYS_INIT_PENDING, SYS_INIT_DONE, SYS_CONFIG_DONE, SYS_READY,
	SYS_SHUTDOWN,
};

TEST(sys_calls_in_every_state)
{
	size_t i, state;

	for (i = 0; i < ARRAY_SIZE(sys_table); i++)
		for (state = 0; state < ARRAY_SIZE(states); state++) {
			machine_power_on();
			machine_start(states[state]);
			ktap_case("leaf %d in state %zu",
				  (int)sys_table[i].leaf, state);
			CHECK_EQUAL(sys_table[i].wanted[state],
				    seamcall(sys_table[i].leaf, 0, 0, 0, 0));
		}
}

TEST(sys_init_takes_no_operand)
{
	CHECK_EQUAL(STAT_OPERAND_INVALID | RCX,
		    seamcall(SOFT_SYS_INIT, 1, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_SYS_INIT, 0, 0, 0, 0));
}

TEST(sys_config_needs_every_cpu)
{
	u64 array = shared_page();

	CHECK_EQUAL(0, seamcall(SOFT_SYS_INIT, 0, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_SYS_LP_INIT, 0, 0, 0, 0));
	CHECK_EQUAL(STAT_SYS_CONFIG_NOT_PENDING,
		    seamcall(SOFT_SYS_CONFIG, array, 1,
			     MACHINE_GLOBAL_KEYID, 0));
}

TEST(sys_busy)
{
	soft_module.lock = 1;
	CHECK_EQUAL(STAT_SYS_BUSY, seamcall(SOFT_SYS_INIT, 0, 0, 0, 0));
	soft_module.lock = 0;
	CHECK_EQUAL(0, seamcall(SOFT_SYS_INIT, 0, 0, 0, 0));
}

static u64 config(u64 info)
{
	u64 array = shared_page();

	*(u64 *)soft_memory(array) = info;
	return seamcall(SOFT_SYS_CONFIG, array, 1, MACHINE_GLOBAL_KEYID, 0);
}

TEST(sys_config_operands)
{
	u64 array = shared_page();

	machine_start(SYS_INIT_DONE);
	*(u64 *)soft_memory(array) = machine_tdmr_info();
	CHECK_EQUAL(STAT_OPERAND_INVALID | RCX,
		    seamcall(SOFT_SYS_CONFIG, array + 8, 1, 32, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | RCX,
		    seamcall(SOFT_SYS_CONFIG, array | 40ULL << 40, 1, 32, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | RDX,
		    seamcall(SOFT_SYS_CONFIG, array, 0, 32, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | RDX,
		    seamcall(SOFT_SYS_CONFIG, array, 65, 32, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | R8,
		    seamcall(SOFT_SYS_CONFIG, array, 1, 31, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | R8,
		    seamcall(SOFT_SYS_CONFIG, array, 1, 48, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | R8,
		    seamcall(SOFT_SYS_CONFIG, array, 1, 32 | 1 << 16, 0));
	CHECK_EQUAL(0, seamcall(SOFT_SYS_CONFIG, array, 1, 32, 0));
}

#define FIELD(member) offsetof(struct tdmr_info_page, member)

/* One value of TDMR_INFO wrong at a time. */
static const struct {
	size_t offset;
	u64 value;
	u64 wanted;
} tdmr_table[] = {
	{ FIELD(base), MACHINE_TDMR + 4096, STAT_INVALID_TDMR },
	{ FIELD(base), 1ULL << 46, STAT_INVALID_TDMR },
	{ FIELD(size), 0, STAT_INVALID_TDMR },
	{ FIELD(size), 3 << 20, STAT_INVALID_TDMR },
	{ FIELD(size), ~0ULL << 30, STAT_INVALID_TDMR },
	{ FIELD(base), 0, STAT_TDMR_OUTSIDE_CMRS },
	{ FIELD(pamt_4k.base), MACHINE_PAMT + 8, STAT_INVALID_PAMT },
	{ FIELD(pamt_4k.size), 2 << 20, STAT_INVALID_PAMT },
	{ FIELD(pamt_2m.size), 4 << 10, STAT_INVALID_PAMT | 1 << 8 },
	{ FIELD(pamt_1g.size), 0, STAT_INVALID_PAMT | 2 << 8 },
	{ FIELD(pamt_1g.base), 33ULL << 40, STAT_INVALID_PAMT | 2 << 8 },
	{ FIELD(pamt_1g.base), 0, STAT_PAMT_OUTSIDE_CMRS | 2 << 8 },
	{ FIELD(pamt_2m.base), MACHINE_PAMT, STAT_PAMT_OVERLAP },
	{ FIELD(pamt_1g.base), MACHINE_TDMR, STAT_PAMT_OVERLAP | 2 << 8 },
	{ FIELD(reserved[0].offset), 8, STAT_INVALID_RESERVED },
	{ FIELD(reserved[0].size), 8, STAT_INVALID_RESERVED },
	{ FIELD(reserved[0].size), 17 << 20, STAT_INVALID_RESERVED },
	{ FIELD(reserved[0].size), ~0ULL << 12, STAT_INVALID_RESERVED },
	{ FIELD(reserved[1].size), 4096,
	  STAT_NON_ORDERED_RESERVED | 1 << 8 },
	{ FIELD(reserved[2].size), 4096,
	  STAT_NON_ORDERED_RESERVED | 1 << 8 },
};

TEST(sys_config_tdmr_info)
{
	size_t i;
	u64 info;

	for (i = 0; i < ARRAY_SIZE(tdmr_table); i++) {
		machine_power_on();
		machine_start(SYS_INIT_DONE);
		info = machine_tdmr_info();
		*(u64 *)soft_memory(info + tdmr_table[i].offset) =
			tdmr_table[i].value;
		ktap_case("row %zu", i);
		CHECK_EQUAL(tdmr_table[i].wanted, config(info));
		CHECK_EQUAL(SYS_INIT_DONE, soft_module.state);
	}
	machine_power_on();
	machine_start(SYS_INIT_DONE);
	CHECK_EQUAL(0, config(machine_tdmr_info()));
}

/* A PAMT may be in its own TDMR, where that is reserved. */
TEST(sys_config_pamt_in_reserved_area)
{
	struct tdmr_info_page *info;
	u64 pa;

	machine_start(SYS_INIT_DONE);
	pa = machine_tdmr_info();
	info = soft_memory(pa);
	info->pamt_4k.base = MACHINE_RESERVED;
	CHECK_EQUAL(0, config(pa));
}

TEST(sys_config_tdmr_order)
{
	u64 array = shared_page();
	u64 *pas = soft_memory(array);

	machine_start(SYS_INIT_DONE);
	pas[0] = machine_tdmr_info();
	pas[1] = machine_tdmr_info();
	CHECK_EQUAL(STAT_NON_ORDERED_TDMR | 1,
		    seamcall(SOFT_SYS_CONFIG, array, 2, 32, 0));
}

TEST(sys_key_config_every_package)
{
	machine_start(SYS_CONFIG_DONE);
	CHECK_EQUAL(0, seamcall(SOFT_SYS_KEY_CONFIG, 0, 0, 0, 0));
	CHECK_EQUAL(STAT_KEY_CONFIGURED,
		    seamcall(SOFT_SYS_KEY_CONFIG, 0, 0, 0, 0));
	CHECK_EQUAL(SYS_CONFIG_DONE, soft_module.state);
	machine.package = 1;
	CHECK_EQUAL(0, seamcall(SOFT_SYS_KEY_CONFIG, 0, 0, 0, 0));
	CHECK_EQUAL(SYS_READY, soft_module.state);
}

static void make_ready_without_pamt(void)
{
	machine_start(SYS_CONFIG_DONE);
	seamcall(SOFT_SYS_KEY_CONFIG, 0, 0, 0, 0);
	machine.package = 1;
	seamcall(SOFT_SYS_KEY_CONFIG, 0, 0, 0, 0);
}

TEST(sys_tdmr_init_piece_by_piece)
{
	u64 next = 0;
	int calls;

	make_ready_without_pamt();
	for (calls = 0; next < MACHINE_TDMR + MACHINE_TDMR_SIZE; calls++) {
		/* Until all of it is done, no page of the gigabyte is. */
		CHECK_EQUAL(STAT_ADDR_RANGE_ERROR | RCX,
			    seamcall(SOFT_PHYMEM_PAGE_RDMD, MACHINE_TDMR,
				     0, 0, 0));
		CHECK_EQUAL(0, seamcall(SOFT_SYS_TDMR_INIT, MACHINE_TDMR,
					0, 0, 0));
		next = machine.regs.gpr[RDX];
		CHECK(next == MACHINE_TDMR ||
		      next == MACHINE_TDMR + MACHINE_TDMR_SIZE);
	}
	CHECK_EQUAL(256, calls);
	CHECK_EQUAL(STAT_TDMR_ALREADY_INITIALIZED,
		    seamcall(SOFT_SYS_TDMR_INIT, MACHINE_TDMR, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_PHYMEM_PAGE_RDMD, MACHINE_TDMR, 0, 0, 0));
}

TEST(sys_tdmr_init_operands)
{
	make_ready_without_pamt();
	CHECK_EQUAL(STAT_OPERAND_INVALID | RCX,
		    seamcall(SOFT_SYS_TDMR_INIT, MACHINE_TDMR + 4096, 0, 0, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | RCX,
		    seamcall(SOFT_SYS_TDMR_INIT, 0, 0, 0, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | RCX,
		    seamcall(SOFT_SYS_TDMR_INIT, MACHINE_TDMR | 33ULL << 40,
			     0, 0, 0));
	soft_module.tdmrs[0].lock = 1;
	CHECK_EQUAL(STAT_OPERAND_BUSY | RCX,
		    seamcall(SOFT_SYS_TDMR_INIT, MACHINE_TDMR, 0, 0, 0));
}

static u64 sys_rd(u64 field)
{
	CHECK_EQUAL(0, seamcall(SOFT_SYS_RD, 0, field, 0, 0));
	return machine.regs.gpr[R8];
}

TEST(sys_rd_what_the_kernel_reads)
{
	u64 leaves, i;

	machine_start(SYS_INIT_DONE);
	CHECK_EQUAL(1, sys_rd(0x0800000100000004));
	CHECK_EQUAL(64, sys_rd(0x9100000100000008));
	CHECK_EQUAL(16, sys_rd(0x9100000100000009));
	CHECK_EQUAL(16, sys_rd(0x9100000100000010));
	CHECK_EQUAL(4096, sys_rd(0x9800000100000000));
	CHECK_EQUAL(0, sys_rd(0x9800000100000100) % 4096);
	CHECK_EQUAL(0, sys_rd(0x9800000100000200) % 4096);
	CHECK(sys_rd(0x0a00000300000008) & 1 << 18);
	CHECK(sys_rd(0x0a00000300000008) & 1 << 20);
	CHECK(sys_rd(0x1900000300000000) & 1 << 28);
	CHECK_EQUAL(0xe7, sys_rd(0x1900000300000002));
	CHECK_EQUAL(3, sys_rd(0x1900000300000003));

	leaves = sys_rd(0x9900000100000004);
	CHECK(leaves && leaves <= 48);
	for (i = 0; i < leaves; i++) {
		sys_rd(0x9900000300000400 + i);
		sys_rd(0x9900000300000500 + 2 * i);
		sys_rd(0x9900000300000500 + 2 * i + 1);
	}
	CHECK_EQUAL(STAT_FIELD_ID_INCORRECT,
		    seamcall(SOFT_SYS_RD, 0, 0x9900000300000400 + leaves,
			     0, 0));
	CHECK_EQUAL(0, machine.regs.gpr[R8]);
	CHECK_EQUAL(STAT_FIELD_ID_INCORRECT,
		    seamcall(SOFT_SYS_RD, 0, 0x0800000100000004 | 1ULL << 38,
			     0, 0));
}

TEST(sys_rd_needs_the_cpu)
{
	CHECK_EQUAL(0, seamcall(SOFT_SYS_INIT, 0, 0, 0, 0));
	CHECK_EQUAL(STAT_SYS_LP_INIT_NOT_DONE,
		    seamcall(SOFT_SYS_RD, 0, 0x0800000100000004, 0, 0));
}
