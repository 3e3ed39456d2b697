/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The SEAMCALLs, whose table is in leaf_table.h.
 */
#ifndef _SOFT_LEAVES_H
#define _SOFT_LEAVES_H

#include "soft.h"

#define OP(state)	(1u << OP_##state)
#define VP(state)	(1u << VCPU_##state)
#define OP_BUILD	OP(UNINITIALIZED)
#define OP_INIT		OP(INITIALIZED)
#define OP_LIVE		(OP(INITIALIZED) | OP(RUNNABLE))

/* The vCPU must have all its pages. */
#define VP_COMPLETE	BIT(31)

#define STOPS		true
#define RUNS		false

#define ZERO_WALK	(REG(RCX) | REG(RDX))
#define ZERO_METADATA	(REG(RCX) | REG(RDX) | REG(R8) | REG(R9) | \
			 REG(R10) | REG(R11))

#define TDHLEAF(name, number, ...)	SOFT_##name = (number),
enum soft_leaf_number {
#include "leaf_table.h"
};

/* The order of the rows, which counts and refusals are kept by. */
#define TDHLEAF(name, ...)		SOFT_ROW_##name,
enum soft_leaf_row {
#include "leaf_table.h"
	SOFT_NR_LEAVES
};

struct soft_leaf {
	const char *name;
	u16 number;
	u8 version;
	u8 system;
	u8 td;
	u8 td_lock;
	u8 vp;
	u8 vp_lock;
	u32 vp_states;
	u32 op_states;
	u32 zeroed;
	bool stops;
	u64 (*handler)(struct soft_call *call);
};

u64 leaf_vp_enter(struct soft_call *call);
u64 leaf_mng_addcx(struct soft_call *call);
u64 leaf_mem_page_add(struct soft_call *call);
u64 leaf_mem_sept_add(struct soft_call *call);
u64 leaf_vp_addcx(struct soft_call *call);
u64 leaf_mem_page_aug(struct soft_call *call);
u64 leaf_mem_range_block(struct soft_call *call);
u64 leaf_mng_key_config(struct soft_call *call);
u64 leaf_mng_create(struct soft_call *call);
u64 leaf_vp_create(struct soft_call *call);
u64 leaf_mng_rd(struct soft_call *call);
u64 leaf_mem_rd(struct soft_call *call);
u64 leaf_mng_wr(struct soft_call *call);
u64 leaf_mem_wr(struct soft_call *call);
u64 leaf_mem_page_demote(struct soft_call *call);
u64 leaf_mr_extend(struct soft_call *call);
u64 leaf_mr_finalize(struct soft_call *call);
u64 leaf_vp_flush(struct soft_call *call);
u64 leaf_mng_vpflushdone(struct soft_call *call);
u64 leaf_mng_key_freeid(struct soft_call *call);
u64 leaf_mng_init(struct soft_call *call);
u64 leaf_vp_init(struct soft_call *call);
u64 leaf_mem_page_promote(struct soft_call *call);
u64 leaf_phymem_page_rdmd(struct soft_call *call);
u64 leaf_mem_sept_rd(struct soft_call *call);
u64 leaf_vp_rd(struct soft_call *call);
u64 leaf_phymem_page_reclaim(struct soft_call *call);
u64 leaf_mem_page_remove(struct soft_call *call);
u64 leaf_mem_sept_remove(struct soft_call *call);
u64 leaf_sys_key_config(struct soft_call *call);
u64 leaf_sys_init(struct soft_call *call);
u64 leaf_sys_rd(struct soft_call *call);
u64 leaf_sys_lp_init(struct soft_call *call);
u64 leaf_sys_tdmr_init(struct soft_call *call);
u64 leaf_mem_track(struct soft_call *call);
u64 leaf_mem_range_unblock(struct soft_call *call);
u64 leaf_phymem_cache_wb(struct soft_call *call);
u64 leaf_phymem_page_wbinvd(struct soft_call *call);
u64 leaf_vp_wr(struct soft_call *call);
u64 leaf_sys_config(struct soft_call *call);
u64 leaf_sys_shutdown(struct soft_call *call);
u64 leaf_sys_update(struct soft_call *call);
u64 leaf_sys_disable(struct soft_call *call);

extern const struct soft_leaf soft_leaves[SOFT_NR_LEAVES];

struct soft_count {
	u64 calls;
	u64 failures;
	u64 refusals;
	u64 cycles;
};

extern struct soft_count soft_counts[SOFT_NR_LEAVES];

/* Serves a SEAMCALL: the completion code is in RAX afterwards. */
void soft_seamcall(struct soft_regs *regs);

#endif /* _SOFT_LEAVES_H */
