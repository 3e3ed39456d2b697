// SPDX-License-Identifier: GPL-2.0
/*
 * Refusals on demand: see refuse.h.
 */
#include "refuse.h"

struct soft_refusal soft_refusals[SOFT_NR_LEAVES];

/* The operand that a leaf finds busy if others use the TD at the same time. */
static u64 busy_operand(const struct soft_leaf *leaf)
{
	switch (leaf->number) {
	case SOFT_VP_ENTER:
	case SOFT_MEM_TRACK:
		return OPERAND_TD_EPOCH;
	case SOFT_MEM_SEPT_ADD:
	case SOFT_MEM_PAGE_AUG:
	case SOFT_MEM_RANGE_BLOCK:
	case SOFT_MEM_RANGE_UNBLOCK:
	case SOFT_MEM_PAGE_PROMOTE:
	case SOFT_MEM_PAGE_DEMOTE:
	case SOFT_MEM_PAGE_REMOVE:
	case SOFT_MEM_SEPT_REMOVE:
	case SOFT_MEM_SEPT_RD:
		return OPERAND_SEPT_TREE;
	case SOFT_MNG_CREATE:
		return OPERAND_KOT;
	case SOFT_PHYMEM_CACHE_WB:
		return OPERAND_WBCACHE;
	default:
		return leaf->vp ?: leaf->td ?: RCX;
	}
}

bool soft_refusal_set(u32 row, u64 status, u32 every, bool twice)
{
	struct soft_refusal *refusal = &soft_refusals[row];
	const struct soft_leaf *leaf = &soft_leaves[row];
	u32 i;

	if (status == STAT_INTERRUPTED_RESUMABLE && !leaf->stops)
		return false;
	if (status == STAT_OPERAND_BUSY)
		status = with_operand(status, busy_operand(leaf));

	__atomic_store_n(&refusal->status, 0, __ATOMIC_SEQ_CST);
	for (i = 0; i < SOFT_MAX_REMEMBERED; i++)
		__atomic_store_n(&refusal->remembered[i], 0, __ATOMIC_RELAXED);
	__atomic_store_n(&refusal->every, every, __ATOMIC_RELAXED);
	__atomic_store_n(&refusal->twice, twice, __ATOMIC_RELAXED);
	__atomic_store_n(&refusal->seen, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&refusal->status, status, __ATOMIC_RELEASE);
	return true;
}

/*
 * What a repetition has in common with the first call: RCX, the TD and the
 * vCPU.  Where the row names none, its register is RAX, the same in all calls.
 */
static u64 identity(u32 row, const struct soft_regs *regs)
{
	const struct soft_leaf *leaf = &soft_leaves[row];
	u64 mix = regs->gpr[RCX];

	mix = mix * 0x9e3779b97f4a7c15ULL + regs->gpr[leaf->td];
	mix = mix * 0x9e3779b97f4a7c15ULL + regs->gpr[leaf->vp];
	return mix ?: 1;
}

/* Puts @to where @from is remembered.  Return: false if it is nowhere. */
static bool replace(struct soft_refusal *refusal, u64 from, u64 to)
{
	u64 old;
	u32 i;

	for (i = 0; i < SOFT_MAX_REMEMBERED; i++) {
		old = from;
		if (__atomic_compare_exchange_n(&refusal->remembered[i], &old, to,
						false, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			return true;
	}
	return false;
}

/* Whether this call, or this stop, is the one of so many. */
static bool is_due(struct soft_refusal *refusal, u64 status)
{
	u32 every = __atomic_load_n(&refusal->every, __ATOMIC_RELAXED);

	if (every)
		return !(__atomic_add_fetch(&refusal->seen, 1,
					    __ATOMIC_RELAXED) % every);
	/* Of several CPUs one gets it. */
	return __atomic_compare_exchange_n(&refusal->status, &status, 0, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static u64 refused(u32 row, u64 status)
{
	__atomic_fetch_add(&soft_counts[row].refusals, 1, __ATOMIC_RELAXED);
	return status;
}

u64 soft_refuse(u32 row, const struct soft_regs *regs)
{
	struct soft_refusal *refusal = &soft_refusals[row];
	u64 status = __atomic_load_n(&refusal->status, __ATOMIC_ACQUIRE);
	u64 call = identity(row, regs);

	if (!status || status == STAT_INTERRUPTED_RESUMABLE)
		return STAT_SUCCESS;
	if (__atomic_load_n(&refusal->twice, __ATOMIC_RELAXED))
		return is_due(refusal, status) ? refused(row, status) :
						 STAT_SUCCESS;
	if (replace(refusal, call, 0))
		return STAT_SUCCESS;
	if (!is_due(refusal, status) || !replace(refusal, 0, call))
		return STAT_SUCCESS;
	return refused(row, status);
}

/* Progress is made between two stops, hence none of them is one too many. */
bool soft_must_stop(const struct soft_call *call)
{
	struct soft_refusal *refusal = &soft_refusals[call->row];
	u64 status = __atomic_load_n(&refusal->status, __ATOMIC_ACQUIRE);

	if (status != STAT_INTERRUPTED_RESUMABLE || !is_due(refusal, status))
		return soft_interrupt_pending();
	refused(call->row, status);
	return true;
}
