// SPDX-License-Identifier: GPL-2.0
#include "ktap.h"
#include "machine.h"

static struct td td;
static struct tdvps *vp;
static struct tdg_call tdg;

static void start(void)
{
	u64 tdvpr;

	machine_start(SYS_READY);
	td_init(&td);
	tdvpr = td_add_vcpu(&td);
	CHECK_EQUAL(0, seamcall(SOFT_MR_FINALIZE, td.tdr, 0, 0, 0));
	td_map_tables(&td, 0, LEVEL_4K);
	vp = soft_memory(tdvpr);
	memset(&tdg, 0, sizeof(tdg));
	tdg.call.tdr = tdr_of(&td);
	tdg.call.tdcs = tdcs_of(&td);
	tdg.call.vp = vp;
}

static u64 tdcall(u64 leaf, u64 rcx, u64 rdx, u64 r8, u64 r9)
{
	vp->regs.gpr[RAX] = leaf;
	vp->regs.gpr[RCX] = rcx;
	vp->regs.gpr[RDX] = rdx;
	vp->regs.gpr[R8] = r8;
	vp->regs.gpr[R9] = r9;
	soft_tdcall(&tdg);
	return vp->regs.gpr[RAX];
}

static u64 aug(u64 gpa, int level)
{
	u64 page = private_range(level);

	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_AUG, gpa | level, td.tdr, page,
				0));
	memset(soft_memory(page), 0xff, 4096);
	return page;
}

TEST(tdg_unknown_leaf)
{
	u64 leaf;

	start();
	for (leaf = 0; leaf < 64; leaf++) {
		if (leaf <= 8 || leaf == 23 || leaf == 24)
			continue;
		CHECK_EQUAL(STAT_OPERAND_INVALID | RAX,
			    tdcall(leaf, 0, 0, 0, 0));
	}
	CHECK_EQUAL(STAT_OPERAND_INVALID | RAX, tdcall(1 | 1 << 16, 0, 0, 0, 0));
}

TEST(tdg_vp_info)
{
	start();
	CHECK_EQUAL(0, tdcall(1, 0, 0, 0, 0));
	CHECK_EQUAL(48, vp->regs.gpr[RCX]);
	CHECK_EQUAL(TD_ATTR_DEBUG, vp->regs.gpr[RDX]);
	CHECK_EQUAL(2ULL << 32 | 1, vp->regs.gpr[R8]);
	CHECK_EQUAL(0, vp->regs.gpr[R9]);
}

TEST(tdg_vmcall_registers)
{
	struct soft_regs host = {};
	int reg;

	start();
	for (reg = 0; reg < SOFT_NR_REGS; reg++) {
		vp->regs.gpr[reg] = 0x100 + reg;
		host.gpr[reg] = 0x200 + reg;
	}
	CHECK_EQUAL(0, tdcall(0, REG(R10) | REG(RBX), 0x102, 0x108, 0x109));
	CHECK_EQUAL(TDG_VMCALL, tdg.result.outcome);
	soft_vmcall_to_host(vp, &host);
	CHECK_EQUAL(REG(R10) | REG(RBX), host.gpr[RCX]);
	CHECK_EQUAL(0x100 + R10, host.gpr[R10]);
	CHECK_EQUAL(0x100 + RBX, host.gpr[RBX]);
	CHECK_EQUAL(0, host.gpr[RDX]);
	CHECK_EQUAL(0, host.gpr[R15]);
	CHECK_EQUAL(0x200 + RBP, host.gpr[RBP]);

	host.gpr[R10] = 0x777;
	host.gpr[R12] = 0x888;
	soft_vmcall_to_td(vp, &host);
	CHECK_EQUAL(0x777, vp->regs.gpr[R10]);
	CHECK_EQUAL(0x100 + R12, vp->regs.gpr[R12]);
	CHECK_EQUAL(0, vp->regs.gpr[RAX]);
}

TEST(tdg_vmcall_mask)
{
	u64 invalid = STAT_OPERAND_INVALID | RCX;

	start();
	CHECK_EQUAL(invalid, tdcall(0, REG(RAX), 0, 0, 0));
	CHECK_EQUAL(invalid, tdcall(0, REG(RCX), 0, 0, 0));
	CHECK_EQUAL(invalid, tdcall(0, REG(RSP), 0, 0, 0));
	CHECK_EQUAL(invalid, tdcall(0, REG(RBP), 0, 0, 0));
	CHECK_EQUAL(invalid, tdcall(0, 1ULL << 32, 0, 0, 0));
	CHECK_EQUAL(TDG_DONE, tdg.result.outcome);
	tdcs_of(&td)->config_flags = 0;
	tdcall(0, REG(RBP), 0, 0, 0);
	CHECK_EQUAL(TDG_VMCALL, tdg.result.outcome);
}

/* A page that the host gave is empty once the TD has it. */
TEST(tdg_accept)
{
	u64 page;

	start();
	page = aug(0, LEVEL_4K);
	CHECK_EQUAL(0, tdcall(6, 0, 0, 0, 0));
	CHECK_EQUAL(0, *(u64 *)soft_memory(page));
	CHECK_EQUAL(7, *td_entry(&td, 0, 0) & 7);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_SEPT_RD, 0, td.tdr, 0, 0));
	CHECK_EQUAL(4 << 8, machine.regs.gpr[RDX]);

	*(u64 *)soft_memory(page) = 5;
	CHECK_EQUAL(STAT_PAGE_ALREADY_ACCEPTED, tdcall(6, 0, 0, 0, 0));
	CHECK_EQUAL(5, *(u64 *)soft_memory(page));
}

TEST(tdg_accept_operands)
{
	u64 invalid = STAT_OPERAND_INVALID | RCX;

	start();
	CHECK_EQUAL(invalid, tdcall(6, 2, 0, 0, 0));
	CHECK_EQUAL(invalid, tdcall(6, 8, 0, 0, 0));
	CHECK_EQUAL(invalid, tdcall(6, 4096 | 1, 0, 0, 0));
	CHECK_EQUAL(invalid, tdcall(6, 1ULL << 47, 0, 0, 0));
	CHECK_EQUAL(invalid, tdcall(6, 1ULL << 48, 0, 0, 0));
}

static void check_violation(u64 gpa, u64 extended)
{
	CHECK_EQUAL(TDG_EPT_VIOLATION, tdg.result.outcome);
	CHECK_EQUAL(gpa, tdg.result.gpa);
	CHECK_EQUAL(extended, tdg.result.extended);
}

/* What cannot be accepted goes to the host, with the entry described. */
TEST(tdg_accept_exits)
{
	start();
	tdcall(6, 0, 0, 0, 0);
	check_violation(0, 1);
	CHECK_EQUAL(6, vp->regs.gpr[RAX]);

	/* No table: asked for level 0, ended at level 2 in a free entry. */
	tdcall(6, LEVEL_SIZE(2), 0, 0, 0);
	check_violation(LEVEL_SIZE(2), (2ULL << 3) << 32 | 1);

	aug(0, LEVEL_4K);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_RANGE_BLOCK, 0, td.tdr, 0, 0));
	tdcall(6, 0, 0, 0, 0);
	check_violation(0, (3ULL << 6 | 1 << 14) << 32 | 1);
}

TEST(tdg_accept_sizes)
{
	start();
	aug(LEVEL_SIZE(1), LEVEL_2M);
	aug(0, LEVEL_4K);
	CHECK_EQUAL(STAT_PAGE_SIZE_MISMATCH | 1, tdcall(6, 1, 0, 0, 0));
	tdcall(6, LEVEL_SIZE(1), 0, 0, 0);
	check_violation(LEVEL_SIZE(1), (1ULL << 3 | 2 << 6 | 1 << 14) << 32 | 1);
	CHECK_EQUAL(0, tdcall(6, LEVEL_SIZE(1) | 1, 0, 0, 0));
	CHECK_EQUAL(STAT_PAGE_ALREADY_ACCEPTED | 1,
		    tdcall(6, LEVEL_SIZE(1), 0, 0, 0));
}

/* A large page is accepted bit by bit where interrupts come. */
TEST(tdg_accept_interrupted)
{
	u64 page, last;

	start();
	page = aug(LEVEL_SIZE(1), LEVEL_2M);
	last = page + LEVEL_SIZE(1) - 8;
	*(u64 *)soft_memory(last) = 1;
	machine.interrupt_after = 100;
	tdcall(6, LEVEL_SIZE(1) | 1, 0, 0, 0);
	CHECK_EQUAL(TDG_AGAIN, tdg.result.outcome);
	CHECK_EQUAL(1, *(u64 *)soft_memory(last));
	CHECK_EQUAL(0, *td_entry(&td, LEVEL_SIZE(1), 1) & 7);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_SEPT_RD, LEVEL_SIZE(1) | 1, td.tdr,
				0, 0));
	CHECK_EQUAL(page, machine.regs.gpr[RCX] & 0xffffffffff000);

	/* What is done is not done again. */
	*(u64 *)soft_memory(page) = 7;
	CHECK_EQUAL(0, tdcall(6, LEVEL_SIZE(1) | 1, 0, 0, 0));
	CHECK_EQUAL(TDG_DONE, tdg.result.outcome);
	CHECK_EQUAL(0, *(u64 *)soft_memory(last));
	CHECK_EQUAL(7, *(u64 *)soft_memory(page));
	CHECK_EQUAL(page, *td_entry(&td, LEVEL_SIZE(1), 1) & 0xffffffffff000);
}

TEST(tdg_accept_contention)
{
	start();
	aug(0, LEVEL_4K);
	*td_entry(&td, 0, 0) |= 1 << 11;
	CHECK_EQUAL(STAT_OPERAND_BUSY | RCX, tdcall(6, 0, 0, 0, 0));
	*td_entry(&td, 0, 0) &= ~(1ULL << 11);
	*td_entry(&td, 0, 0) |= 1ULL << 55;
	CHECK_EQUAL(STAT_BUSY_HOST_PRIORITY | RCX, tdcall(6, 0, 0, 0, 0));
}

TEST(tdg_attributes)
{
	start();
	aug(0, LEVEL_4K);
	CHECK_EQUAL(0, tdcall(23, 0x123, 0, 0, 0));
	CHECK_EQUAL(1ULL << 62, vp->regs.gpr[RCX]);
	CHECK_EQUAL(0, tdcall(6, 0, 0, 0, 0));
	CHECK_EQUAL(0, tdcall(23, 0, 0, 0, 0));
	CHECK_EQUAL(0, vp->regs.gpr[RCX]);
	CHECK_EQUAL(0, tdcall(24, 0, 0, 0, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | RDX, tdcall(24, 0, 1, 0, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | R8, tdcall(24, 0, 0, 1, 0));
	CHECK_EQUAL(STAT_PAGE_SIZE_MISMATCH | 1, tdcall(24, 1, 0, 0, 0));
	tdcall(23, 4096, 0, 0, 0);
	check_violation(4096, 0);
	tdcall(24, 4096, 0, 0, 0);
	check_violation(4096, 5);
}

TEST(tdg_ve_info)
{
	struct ve_info ve = { 48, 1, 2, 3, 4, false };

	start();
	CHECK_EQUAL(STAT_NO_VALID_VE_INFO, tdcall(3, 9, 9, 9, 9));
	CHECK_EQUAL(0, vp->regs.gpr[RCX]);
	CHECK(soft_note_ve(vp, &ve));
	CHECK(!soft_note_ve(vp, &ve));
	CHECK_EQUAL(0, tdcall(3, 0, 0, 0, 0));
	CHECK_EQUAL(48, vp->regs.gpr[RCX]);
	CHECK_EQUAL(1, vp->regs.gpr[RDX]);
	CHECK_EQUAL(2, vp->regs.gpr[R8]);
	CHECK_EQUAL(3, vp->regs.gpr[R9]);
	CHECK_EQUAL(4, vp->regs.gpr[R10]);
	CHECK_EQUAL(STAT_NO_VALID_VE_INFO, tdcall(3, 0, 0, 0, 0));
}

TEST(tdg_cpuidve)
{
	start();
	CHECK_EQUAL(STAT_OPERAND_INVALID | RCX, tdcall(5, 4, 0, 0, 0));
	CHECK_EQUAL(0, tdcall(5, 1, 0, 0, 0));
	CHECK_EQUAL(1, vp->cpuid_supervisor_ve);
	CHECK_EQUAL(0, vp->cpuid_user_ve);
	CHECK_EQUAL(0, tdcall(5, 2, 0, 0, 0));
	CHECK_EQUAL(0, vp->cpuid_supervisor_ve);
	CHECK_EQUAL(1, vp->cpuid_user_ve);
}

/* What an EPT violation means depends on who is to answer it. */
TEST(tdg_violation_private)
{
	start();
	soft_ept_violation(&tdg, 0x123, 1);
	check_violation(0x123, 0);
	aug(0, LEVEL_4K);
	soft_ept_violation(&tdg, 0x123, 1);
	CHECK_EQUAL(TDG_VE, tdg.result.outcome);
	CHECK_EQUAL(0, tdcall(8, 0, 0x9110000300000017, 1, 1));
	soft_ept_violation(&tdg, 0x123, 1);
	check_violation(0x123, 6);
	CHECK_EQUAL(0, seamcall(SOFT_MEM_RANGE_BLOCK, 0, td.tdr, 0, 0));
	soft_ept_violation(&tdg, 0x123, 1);
	check_violation(0x123, 0);
}

TEST(tdg_violation_shared)
{
	u64 gpa = 1ULL << 47 | 0x5000;
	u64 *table;
	int level;

	start();
	soft_ept_violation(&tdg, gpa, 1);
	CHECK_EQUAL(TDG_VE, tdg.result.outcome);

	vp->shared_eptp = shared_page();
	table = soft_memory(vp->shared_eptp);
	for (level = 3; level; level--) {
		u64 next = shared_page();

		table[gpa >> (12 + 9 * level) & 511] = next | 7;
		table = soft_memory(next);
	}
	table[5] = 1ULL << 63;
	soft_ept_violation(&tdg, gpa, 1);
	check_violation(gpa, 0);
	table[5] = 0;
	soft_ept_violation(&tdg, gpa, 1);
	CHECK_EQUAL(TDG_VE, tdg.result.outcome);
}

TEST(tdg_vm_fields)
{
	start();
	CHECK_EQUAL(0, tdcall(7, 0, 0x1110000300000000, 0, 0));
	CHECK_EQUAL(TD_ATTR_DEBUG, vp->regs.gpr[R8]);
	CHECK_EQUAL(STAT_FIELD_NOT_READABLE,
		    tdcall(7, 0, 0x9210000300000000, 0, 0));
	CHECK_EQUAL(STAT_FIELD_ID_INCORRECT,
		    tdcall(7, 0, 0x1110000300000fff, 0, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | RCX,
		    tdcall(7, 1, 0x1110000300000000, 0, 0));
	CHECK_EQUAL(STAT_FIELD_NOT_WRITABLE,
		    tdcall(8, 0, 0x1110000300000000, 0, ~0ULL));
	CHECK_EQUAL(STAT_FIELD_VALUE_NOT_VALID,
		    tdcall(8, 0, 0x9110000300000017, 2, 3));
}

static const u8 rtmr_wanted[] = {
	0xfe, 0x83, 0xf7, 0x42, 0xd1, 0xca, 0xb5, 0xc7,
	0x09, 0xa0, 0xc4, 0x24, 0x72, 0x98, 0x31, 0xfb,
	0xff, 0x9b, 0x5b, 0xb9, 0x74, 0x8a, 0x61, 0x8f,
	0x0b, 0x6e, 0xa0, 0x4f, 0xe1, 0xfd, 0xe4, 0xd5,
	0x46, 0xf4, 0x04, 0x0e, 0x7f, 0xc9, 0x58, 0x7b,
	0x2e, 0x6b, 0xad, 0xad, 0xa6, 0xc9, 0x41, 0xb0,
};

TEST(tdg_rtmr_extend)
{
	u64 page;
	int i;

	start();
	page = aug(0, LEVEL_4K);
	tdcall(2, 0, 1, 0, 0);
	CHECK_EQUAL(TDG_VE, tdg.result.outcome);
	CHECK_EQUAL(0, tdcall(6, 0, 0, 0, 0));
	for (i = 0; i < 48; i++)
		((u8 *)soft_memory(page))[i] = i;
	CHECK_EQUAL(STAT_OPERAND_INVALID | RCX, tdcall(2, 8, 1, 0, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | RDX, tdcall(2, 0, 4, 0, 0));
	CHECK_EQUAL(0, tdcall(2, 0, 1, 0, 0));
	CHECK(!memcmp(rtmr_wanted, tdcs_of(&td)->rtmr[1], 48));
	CHECK_EQUAL(0, tdcs_of(&td)->rtmr[0][0]);
	tdcs_of(&td)->rtmr_lock = 1;
	CHECK_EQUAL(STAT_OPERAND_BUSY | OPERAND_RTMR, tdcall(2, 0, 1, 0, 0));
}

TEST(tdg_report)
{
	u64 page;
	u8 *bytes;

	start();
	page = aug(0, LEVEL_4K);
	CHECK_EQUAL(0, tdcall(6, 0, 0, 0, 0));
	bytes = soft_memory(page);
	bytes[2048] = 0x42;
	CHECK_EQUAL(STAT_OPERAND_INVALID | RCX, tdcall(4, 512, 2048, 0, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | RDX, tdcall(4, 0, 2049, 0, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | R8, tdcall(4, 0, 2048, 1, 0));
	CHECK_EQUAL(0, tdcall(4, 0, 2048, 0, 0));
	CHECK_EQUAL(0x81, bytes[0]);
	CHECK_EQUAL(0x42, bytes[128]);
	CHECK(!memcmp(bytes + 512 + 16, tdcs_of(&td)->mrtd, 48));
	/* No key, no MAC. */
	CHECK_EQUAL(0, bytes[224] | bytes[255]);
}
