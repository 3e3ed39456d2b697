// SPDX-License-Identifier: GPL-2.0
/*
 * The table of SEAMCALLs, and what is common to all of them.
 */
#include "refuse.h"

#define TDHLEAF(name_, number_, version_, system_, td_, td_lock_, vp_,	\
		vp_lock_, vp_states_, op_states_, zeroed_, stops_,	\
		handler_)						\
{									\
	.name = "TDH_" #name_,						\
	.number = (number_),						\
	.version = (version_),						\
	.system = (system_),						\
	.td = (td_),							\
	.td_lock = (td_lock_),						\
	.vp = (vp_),							\
	.vp_lock = (vp_lock_),						\
	.vp_states = (vp_states_),					\
	.op_states = (op_states_),					\
	.zeroed = (zeroed_),						\
	.stops = (stops_),						\
	.handler = (handler_),						\
},

const struct soft_leaf soft_leaves[SOFT_NR_LEAVES] = {
#include "leaf_table.h"
};

struct soft_count soft_counts[SOFT_NR_LEAVES];
struct soft_module soft_module = { .state = SYS_INIT_PENDING };

/* RAX: the leaf in bits 15:0, its version in bits 23:16. */
static const struct soft_leaf *find_leaf(u64 rax)
{
	u32 i;

	for (i = 0; i < SOFT_NR_LEAVES; i++)
		if (soft_leaves[i].number == (rax & 0xffff))
			return &soft_leaves[i];
	return NULL;
}

static bool version_is_known(const struct soft_leaf *leaf, u64 rax)
{
	return rax >> 16 <= (leaf ? leaf->version : 0);
}

/* Whether there is such a leaf at all matters only once all are allowed. */
static u64 check_system(const struct soft_leaf *leaf)
{
	u32 state = __atomic_load_n(&soft_module.state, __ATOMIC_ACQUIRE);

	if (state & (SYS_SHUTDOWN | SYS_DISABLING) &&
	    !(leaf && leaf->system & state))
		return STAT_SYS_SHUTDOWN;
	if (!((leaf ? leaf->system : SYS_READY) & state))
		return STAT_SYS_NOT_READY;
	return leaf ? STAT_SUCCESS : with_operand(STAT_OPERAND_INVALID, RAX);
}

static u64 check_vp(const struct tdvps *vp, u32 states)
{
	if (states & VP_COMPLETE && vp->nr_pages < TDVPS_NR_PAGES)
		return STAT_TDCX_NUM_INCORRECT;
	if (states && !(states & (1u << vp->state)))
		return STAT_VCPU_STATE_INCORRECT;
	return STAT_SUCCESS;
}

/* Version 1 of VP.INIT compares x2APIC IDs, and needs the TD for itself. */
static enum soft_lock_mode td_lock_mode(const struct soft_leaf *leaf,
					u32 version)
{
	bool alone = leaf->number == SOFT_VP_INIT && version;

	return alone ? EXCLUSIVE : leaf->td_lock;
}

/* Locks and checks the vCPU and the TD, as far as the row names them. */
static u64 check_operands(struct soft_call *call, const struct soft_leaf *leaf)
{
	enum soft_lock_mode td_lock_as = td_lock_mode(leaf, call->version);
	u64 status;

	if (leaf->vp) {
		status = vp_lock(call, call->in[leaf->vp], leaf->vp,
				 leaf->vp_lock);
		if (status)
			return status;
		status = td_lock_owner(call, call->tdr_pa, td_lock_as);
		if (status)
			return status;
	} else if (leaf->td) {
		status = td_lock(call, call->in[leaf->td], leaf->td, td_lock_as);
		if (status)
			return status;
	}

	if (leaf->op_states) {
		status = td_check_state(call, leaf->op_states,
					leaf->td_lock == SHARED);
		if (status)
			return status;
	}
	return leaf->vp ? check_vp(call->vp, leaf->vp_states) : STAT_SUCCESS;
}

static void zero_outputs(const struct soft_leaf *leaf, struct soft_regs *regs)
{
	u32 left;

	for (left = leaf->zeroed; left; left &= left - 1)
		regs->gpr[__builtin_ctz(left)] = 0;
}

static u64 serve(const struct soft_leaf *leaf, struct soft_regs *regs)
{
	struct soft_regs in = *regs;
	struct soft_call call = {
		.row = leaf - soft_leaves,
		.version = in.gpr[RAX] >> 16,
		.in = in.gpr,
		.out = regs->gpr,
	};
	u64 status;

	zero_outputs(leaf, regs);
	status = check_operands(&call, leaf);
	if (!status)
		status = leaf->handler(&call);
	call_unlock_all(&call);
	return status;
}

static void count(u32 row, u64 status, u64 cycles)
{
	struct soft_count *counts = &soft_counts[row];

	__atomic_fetch_add(&counts->calls, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&counts->cycles, cycles, __ATOMIC_RELAXED);
	if (status >> 32)
		__atomic_fetch_add(&counts->failures, 1, __ATOMIC_RELAXED);
}

void soft_seamcall(struct soft_regs *regs)
{
	u64 rax = regs->gpr[RAX];
	const struct soft_leaf *leaf = find_leaf(rax);
	u64 begin = soft_tsc();
	u64 status;

	if (!version_is_known(leaf, rax))
		status = with_operand(STAT_OPERAND_INVALID, RAX);
	else
		status = check_system(leaf);
	if (!status)
		status = soft_refuse(leaf - soft_leaves, regs);
	if (!status)
		status = serve(leaf, regs);
	if (leaf)
		count(leaf - soft_leaves, status, soft_tsc() - begin);
	regs->gpr[RAX] = status;
}
