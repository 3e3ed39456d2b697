// SPDX-License-Identifier: GPL-2.0
#include "ktap.h"
#include "machine.h"

#define VP_INIT_V1	(SOFT_VP_INIT | 1 << 16)

static struct tdvps *vp_of(u64 tdvpr)
{
	return soft_memory(tdvpr);
}

TEST(vp_build)
{
	struct td td;
	u64 tdvpr;
	int i;

	machine_start(SYS_READY);
	td_init(&td);
	tdvpr = vcpu_create(&td);
	for (i = 1; i < TDVPS_NR_PAGES; i++) {
		CHECK_EQUAL(STAT_TDCX_NUM_INCORRECT,
			    seamcall(SOFT_VP_INIT, tdvpr, 0, 0, 0));
		CHECK_EQUAL(0, seamcall(SOFT_VP_ADDCX, private_page(), tdvpr,
					0, 0));
	}
	CHECK_EQUAL(STAT_TDCX_NUM_INCORRECT,
		    seamcall(SOFT_VP_ADDCX, private_page(), tdvpr, 0, 0));
	CHECK_EQUAL(0, seamcall(VP_INIT_V1, tdvpr, 0x77, 0, 0));
	CHECK_EQUAL(STAT_VCPU_STATE_INCORRECT,
		    seamcall(VP_INIT_V1, tdvpr, 0, 0, 0));
	CHECK_EQUAL(STAT_VCPU_STATE_INCORRECT,
		    seamcall(SOFT_VP_ADDCX, private_page(), tdvpr, 0, 0));
}

TEST(vp_initial_registers)
{
	struct td td;
	u64 first, second;

	machine_start(SYS_READY);
	td_init(&td);
	first = td_add_vcpu(&td);
	second = td_add_vcpu(&td);
	CHECK_EQUAL(0x1234, vp_of(first)->regs.gpr[RCX]);
	CHECK_EQUAL(0x1234, vp_of(first)->regs.gpr[R8]);
	CHECK_EQUAL(48, vp_of(first)->regs.gpr[RBX]);
	CHECK_EQUAL(0, vp_of(first)->regs.gpr[RSI]);
	CHECK_EQUAL(1, vp_of(second)->regs.gpr[RSI]);
}

TEST(vp_operand)
{
	static const u8 leaves[] = { SOFT_VP_INIT, SOFT_VP_FLUSH, SOFT_VP_RD,
				     SOFT_VP_WR, SOFT_VP_ENTER };
	struct td td;
	u64 tdvpr;
	size_t i;

	machine_start(SYS_READY);
	td_init(&td);
	tdvpr = td_add_vcpu(&td);
	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		ktap_case("leaf %d", leaves[i]);
		CHECK_EQUAL(STAT_OPERAND_INVALID | RCX,
			    seamcall(leaves[i], tdvpr + 1, 0, 0, 0));
		CHECK_EQUAL(STAT_ADDR_RANGE_ERROR | RCX,
			    seamcall(leaves[i], 0, 0, 0, 0));
		CHECK_EQUAL(STAT_PAGE_METADATA_INCORRECT | RCX,
			    seamcall(leaves[i], td.tdr, 0, 0, 0));
		pamt_of(tdvpr, 0)->lock = 1;
		CHECK_EQUAL(STAT_OPERAND_BUSY | RCX,
			    seamcall(leaves[i], tdvpr, 0, 0, 0));
		pamt_of(tdvpr, 0)->lock = 0;
		pamt_of(td.tdr, 0)->lock = 1;
		CHECK_EQUAL(STAT_OPERAND_BUSY | OPERAND_TDR,
			    seamcall(leaves[i], tdvpr, 0, 0, 0));
		pamt_of(td.tdr, 0)->lock = 0;
	}
}

TEST(vp_limit_and_ids)
{
	struct td td;
	u64 vps[3];
	int i;

	machine_start(SYS_READY);
	td_init(&td);
	for (i = 0; i < 3; i++) {
		vps[i] = vcpu_create(&td);
		vcpu_add_pages(vps[i]);
	}
	CHECK_EQUAL(0, seamcall(VP_INIT_V1, vps[0], 0, 7, 0));
	CHECK_EQUAL(STAT_X2APIC_ID_NOT_UNIQUE | 7,
		    seamcall(VP_INIT_V1, vps[1], 0, 7, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | R8,
		    seamcall(VP_INIT_V1, vps[1], 0, 1ULL << 32, 0));
	CHECK_EQUAL(1, tdcs_of(&td)->nr_vcpus);
	CHECK_EQUAL(1, tdcs_of(&td)->topology_configured);
	CHECK_EQUAL(0, seamcall(SOFT_VP_INIT, vps[1], 0, 7, 0));
	CHECK_EQUAL(0, tdcs_of(&td)->topology_configured);
	CHECK_EQUAL(STAT_MAX_VCPUS_EXCEEDED,
		    seamcall(VP_INIT_V1, vps[2], 0, 8, 0));
}

/* A vCPU belongs to one CPU until that CPU flushes it. */
TEST(vp_association)
{
	struct td td;
	u64 tdvpr;

	machine_start(SYS_READY);
	td_init(&td);
	tdvpr = td_add_vcpu(&td);
	CHECK_EQUAL(0, seamcall(SOFT_MR_FINALIZE, td.tdr, 0, 0, 0));

	machine.cpu = 1;
	CHECK_EQUAL(STAT_VCPU_ASSOCIATED,
		    seamcall(SOFT_VP_ENTER, tdvpr, 0, 0, 0));
	CHECK_EQUAL(STAT_VCPU_NOT_ASSOCIATED,
		    seamcall(SOFT_VP_FLUSH, tdvpr, 0, 0, 0));
	machine.cpu = 0;
	CHECK_EQUAL(STAT_FLUSHVP_NOT_DONE,
		    seamcall(SOFT_MNG_VPFLUSHDONE, td.tdr, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_VP_FLUSH, tdvpr, 0, 0, 0));
	CHECK_EQUAL(1, machine.vmcs_flushes);
	CHECK_EQUAL(STAT_VCPU_NOT_ASSOCIATED,
		    seamcall(SOFT_VP_FLUSH, tdvpr, 0, 0, 0));

	machine.cpu = 1;
	CHECK_EQUAL(0, seamcall(SOFT_VP_ENTER, tdvpr, 0, 0, 0));
	CHECK_EQUAL(1, tdcs_of(&td)->nr_associated);
	CHECK_EQUAL(0, seamcall(SOFT_VP_FLUSH, tdvpr, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MNG_VPFLUSHDONE, td.tdr, 0, 0, 0));
}

TEST(vp_enter_states)
{
	struct td td;
	u64 tdvpr;

	machine_start(SYS_READY);
	td_init(&td);
	tdvpr = td_add_vcpu(&td);
	CHECK_EQUAL(STAT_OP_STATE_INCORRECT,
		    seamcall(SOFT_VP_ENTER, tdvpr, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_MR_FINALIZE, td.tdr, 0, 0, 0));
	CHECK_EQUAL(0, seamcall(SOFT_VP_ENTER, tdvpr, 0, 0, 0));
	vp_of(tdvpr)->state = VCPU_DISABLED;
	CHECK_EQUAL(STAT_VCPU_STATE_INCORRECT,
		    seamcall(SOFT_VP_ENTER, tdvpr, 0, 0, 0));
	CHECK_EQUAL(STAT_VCPU_STATE_INCORRECT,
		    seamcall(SOFT_VP_WR, tdvpr, 0x203c, 0, ~0ULL));
	CHECK_EQUAL(0, seamcall(SOFT_VP_RD, tdvpr, 0x203c, 0, 0));
	vp_of(tdvpr)->state = VCPU_READY;
	tdcs_of(&td)->epoch_lock = 1;
	CHECK_EQUAL(STAT_OPERAND_BUSY | OPERAND_TD_EPOCH,
		    seamcall(SOFT_VP_ENTER, tdvpr, 0, 0, 0));
}

static u64 vp_wr(u64 tdvpr, u64 field, u64 value, u64 mask)
{
	return seamcall(SOFT_VP_WR, tdvpr, field, value, mask);
}

/* The fields that KVM writes, by the short names that it uses. */
TEST(vp_wr_what_kvm_writes)
{
	struct td td;
	u64 tdvpr, root, desc;

	machine_start(SYS_READY);
	td_init(&td);
	tdvpr = td_add_vcpu(&td);
	root = shared_page();
	desc = shared_page() + 64;

	CHECK_EQUAL(STAT_VMCS_FIELD_NOT_INITIALIZED | 2,
		    vp_wr(tdvpr, 0x4000, 1 << 7, 1 << 7));
	CHECK_EQUAL(0, vp_wr(tdvpr, 0x0002, 0xf2, 0xffff));
	CHECK_EQUAL(STAT_VMCS_FIELD_NOT_INITIALIZED | 0x2016,
		    vp_wr(tdvpr, 0x4000, 1 << 7, 1 << 7));
	CHECK_EQUAL(0, vp_wr(tdvpr, 0x2016, desc, ~0ULL));
	CHECK_EQUAL(0, vp_wr(tdvpr, 0x4000, 1 << 7, 1 << 7));
	CHECK_EQUAL(0, vp_wr(tdvpr, 0x203c, root, ~0ULL));
	CHECK_EQUAL(0, vp_wr(tdvpr, 0x200000000000000b, 1, 0xff));
	CHECK_EQUAL(root, vp_of(tdvpr)->shared_eptp);
	CHECK_EQUAL(desc, vp_of(tdvpr)->pi_descriptor);
	CHECK_EQUAL(0xf2, vp_of(tdvpr)->pi_vector);
	CHECK_EQUAL(1 << 7, vp_of(tdvpr)->pin_controls);
	CHECK_EQUAL(1, vp_of(tdvpr)->pend_nmi);
}

TEST(vp_wr_refused)
{
	struct td td;
	u64 tdvpr, page;

	machine_start(SYS_READY);
	td_init(&td);
	tdvpr = td_add_vcpu(&td);
	page = shared_page();

	CHECK_EQUAL(STAT_FIELD_VALUE_NOT_VALID,
		    vp_wr(tdvpr, 0x0002, 0x100, 0xffff));
	CHECK_EQUAL(STAT_FIELD_VALUE_NOT_VALID,
		    vp_wr(tdvpr, 0x2016, page + 8, ~0ULL));
	CHECK_EQUAL(STAT_FIELD_VALUE_NOT_VALID,
		    vp_wr(tdvpr, 0x203c, page | 33ULL << 40, ~0ULL));
	CHECK_EQUAL(STAT_FIELD_VALUE_NOT_VALID,
		    vp_wr(tdvpr, 0x203c, page | 6, ~0ULL));
	CHECK_EQUAL(STAT_FIELD_NOT_WRITABLE, vp_wr(tdvpr, 0x203c, page, 0xfff));
	CHECK_EQUAL(STAT_FIELD_NOT_WRITABLE,
		    vp_wr(tdvpr, 0xa020000200000002, 5, ~0ULL));
	CHECK_EQUAL(STAT_FIELD_ID_INCORRECT, vp_wr(tdvpr, 0x681e, 0, ~0ULL));
	CHECK_EQUAL(0, vp_of(tdvpr)->shared_eptp);
}

/* VCPU_STATE_DETAILS: an interrupt that the priority lets through. */
TEST(vp_rd_interrupt_pending)
{
	u64 details = 0x9100000000000100;
	struct td td;
	u64 tdvpr;
	u8 *vapic;

	machine_start(SYS_READY);
	td_init(&td);
	tdvpr = td_add_vcpu(&td);
	vapic = soft_memory(vp_of(tdvpr)->pages[TDVPS_VAPIC]);
	CHECK_EQUAL(0, seamcall(SOFT_VP_RD, tdvpr, details, 0, 0));
	CHECK_EQUAL(0, machine.regs.gpr[R8]);
	/* Vector 42. */
	vapic[0x200 + 0x10 + 1] = 1 << 2;
	CHECK_EQUAL(0, seamcall(SOFT_VP_RD, tdvpr, details, 0, 0));
	CHECK_EQUAL(1, machine.regs.gpr[R8]);
	vapic[0xa0] = 0x1f;
	CHECK_EQUAL(0, seamcall(SOFT_VP_RD, tdvpr, details, 0, 0));
	CHECK_EQUAL(1, machine.regs.gpr[R8]);
	vapic[0xa0] = 0x20;
	CHECK_EQUAL(0, seamcall(SOFT_VP_RD, tdvpr, details, 0, 0));
	CHECK_EQUAL(0, machine.regs.gpr[R8]);
}
