// SPDX-License-Identifier: GPL-2.0
/*
 * TDH.PHYMEM.*: physical pages and caches, whoever they belong to.
 */
#include "leaves.h"

/* The caches of a package are written back in so many steps. */
#define CACHE_WB_STEPS		4

static u64 lock_target(struct soft_call *call, enum soft_lock_mode mode,
		       struct pamt_entry **entry, int *level)
{
	u64 pa = call->in[RCX];

	if (private_address_check(pa, SOFT_PAGE_SIZE))
		return with_operand(STAT_OPERAND_INVALID, RCX);
	if (!pamt_entry(pa, LEVEL_4K))
		return with_operand(STAT_ADDR_RANGE_ERROR, RCX);
	return with_operand(pamt_lock_any(call, pa, mode, entry, level), RCX);
}

static void report_page(struct soft_call *call, const struct pamt_entry *entry,
			int level)
{
	call->out[RCX] = entry->type;
	call->out[RDX] = pamt_owner(entry);
	call->out[R8] = level;
}

u64 leaf_phymem_page_rdmd(struct soft_call *call)
{
	struct pamt_entry *entry;
	u64 status;
	int level;

	status = lock_target(call, SHARED, &entry, &level);
	if (status)
		return status;

	report_page(call, entry, level);
	if (entry->type == PT_REGULAR || entry->type == PT_SEPT)
		call->out[R9] = entry->epoch;
	return STAT_SUCCESS;
}

static u64 reclaim_tdr(const struct tdr *tdr)
{
	if (tdr->lifecycle != TD_TEARDOWN)
		return STAT_LIFECYCLE_INCORRECT;
	return tdr->children ? STAT_ASSOCIATED_PAGES_EXIST : STAT_SUCCESS;
}

static u64 reclaim_child(struct soft_call *call, u64 owner, int level)
{
	u64 status = td_lock_owner(call, owner, SHARED);

	if (status)
		return status;
	if (call->tdr->lifecycle != TD_TEARDOWN)
		return STAT_LIFECYCLE_INCORRECT;

	td_add_children(call->tdr, -LEVEL_PAGES(level));
	return STAT_SUCCESS;
}

u64 leaf_phymem_page_reclaim(struct soft_call *call)
{
	u64 pa = call->in[RCX];
	struct pamt_entry *entry;
	u64 status;
	int level;

	status = lock_target(call, EXCLUSIVE, &entry, &level);
	if (status)
		return status;
	if (entry->type == PT_FREE || entry->type == PT_RESERVED)
		return with_operand(STAT_PAGE_METADATA_INCORRECT, RCX);
	report_page(call, entry, level);
	if (pa % LEVEL_SIZE(level))
		return with_operand(STAT_OPERAND_INVALID, RCX);

	status = entry->type == PT_TDR ? reclaim_tdr(soft_memory(pa)) :
		 reclaim_child(call, pamt_owner(entry), level);
	if (!status)
		pamt_free(entry);
	return status;
}

/* Lines of any KeyID may be cached of a page that is free by now. */
u64 leaf_phymem_page_wbinvd(struct soft_call *call)
{
	struct pamt_entry *entry;

	return pamt_lock_page(call, address_without_keyid(call->in[RCX]),
			      LEVEL_4K, RCX, SHARED, PT_FREE, &entry);
}

static bool note_flushed_keyids(struct cache_wb *wb)
{
	bool any = false;
	u32 i;

	for (i = 0; i < SOFT_MAX_KEYIDS; i++) {
		wb->keyids[i] = soft_module.keyids[i].state == KEYID_FLUSHED;
		any |= wb->keyids[i];
	}
	return any;
}

static void finish_flushed_keyids(struct cache_wb *wb, u32 package)
{
	u32 i;

	for (i = 0; i < SOFT_MAX_KEYIDS; i++)
		if (wb->keyids[i])
			__atomic_fetch_and(&soft_module.keyids[i].packages_to_flush,
					   ~(1u << package), __ATOMIC_RELAXED);
}

/*
 * Nothing is ever cached under a KeyID here.  What counts is the order: a
 * KeyID is free again after this ran on every package.
 */
u64 leaf_phymem_cache_wb(struct soft_call *call)
{
	u32 package = soft_this_package();
	struct cache_wb *wb = &soft_module.cache_wb[package];
	u64 status;

	if (call->in[RCX] > 1)
		return with_operand(STAT_OPERAND_INVALID, RCX);
	status = call_lock(call, &wb->lock, EXCLUSIVE);
	if (status)
		return with_operand(status, OPERAND_WBCACHE);
	status = call_lock(call, &soft_module.keyid_lock, SHARED);
	if (status)
		return with_operand(status, OPERAND_KOT);

	if (!call->in[RCX]) {
		wb->resume = 0;
		if (!note_flushed_keyids(wb))
			return STAT_NO_HKID_READY_TO_WBCACHE;
	} else if (!wb->resume) {
		return STAT_WBCACHE_RESUME_ERROR;
	}

	while (++wb->resume < CACHE_WB_STEPS)
		if (soft_must_stop(call))
			return STAT_INTERRUPTED_RESUMABLE;
	wb->resume = 0;
	finish_flushed_keyids(wb, package);
	return STAT_SUCCESS;
}
