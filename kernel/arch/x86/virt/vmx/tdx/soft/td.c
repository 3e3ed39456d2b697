// SPDX-License-Identifier: GPL-2.0
/*
 * TDs and vCPUs as operands: find, lock, look at their state.
 */
#include "soft.h"

/* The TD that the host names by the address of its TDR. */
u64 td_lock(struct soft_call *call, u64 pa, int operand,
	    enum soft_lock_mode mode)
{
	struct pamt_entry *entry;
	u64 status;

	status = pamt_lock_page(call, pa, LEVEL_4K, operand, mode, PT_TDR,
				&entry);
	if (status)
		return status;

	call->tdr_pa = pa;
	call->tdr = soft_memory(pa);
	return STAT_SUCCESS;
}

/* The TD that owns a page; the PAMT says so, hence it is known to be one. */
u64 td_lock_owner(struct soft_call *call, u64 pa, enum soft_lock_mode mode)
{
	u64 status;

	status = call_lock(call, &pamt_entry(pa, LEVEL_4K)->lock, mode);
	if (status)
		return with_operand(status, OPERAND_TDR);

	call->tdr_pa = pa;
	call->tdr = soft_memory(pa);
	return STAT_SUCCESS;
}

void *tdcs_page(const struct tdr *tdr, enum tdcs_page page)
{
	return soft_memory(tdr->tdcx[page]);
}

/*
 * The TD must have its keys and its control pages, and be in one of
 * @op_states.  With @lock, the state then stays until the call ends; a caller
 * that has the TDR for itself needs no lock.
 */
u64 td_check_state(struct soft_call *call, u32 op_states, bool lock)
{
	struct tdcs *tdcs;
	u64 status;

	if (call->tdr->fatal)
		return STAT_TD_FATAL;
	if (call->tdr->lifecycle != TD_KEYS_CONFIGURED)
		return STAT_TD_KEYS_NOT_CONFIGURED;
	if (call->tdr->nr_tdcx < TDCS_NR_PAGES)
		return STAT_TDCS_NOT_ALLOCATED;

	tdcs = tdcs_page(call->tdr, TDCS_CONTROL);
	if (lock) {
		status = call_lock(call, &tdcs->op_state_lock, SHARED);
		if (status)
			return with_operand(status, OPERAND_OP_STATE);
	}
	if (!(op_states & (1u << tdcs->op_state)))
		return STAT_OP_STATE_INCORRECT;

	call->tdcs = tdcs;
	return STAT_SUCCESS;
}

void td_add_children(struct tdr *tdr, s64 pages)
{
	__atomic_fetch_add(&tdr->children, pages, __ATOMIC_RELAXED);
}

/* Other CPUs may be inside the TD: what they have cached has to be tracked. */
bool td_may_run(const struct tdcs *tdcs)
{
	return tdcs->op_state == OP_RUNNABLE;
}

u64 vp_lock(struct soft_call *call, u64 pa, int operand,
	    enum soft_lock_mode mode)
{
	struct pamt_entry *entry;
	u64 status;

	status = pamt_lock_page(call, pa, LEVEL_4K, operand, mode, PT_TDVPR,
				&entry);
	if (status)
		return status;

	call->vp_pa = pa;
	call->vp = soft_memory(pa);
	call->tdr_pa = pamt_owner(entry);
	return STAT_SUCCESS;
}

void *tdvps_page(const struct tdvps *vp, enum tdvps_page page)
{
	return soft_memory(vp->pages[page]);
}
