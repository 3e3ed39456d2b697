// SPDX-License-Identifier: GPL-2.0
/*
 * The PAMT: what every physical page is used for, and by whom.
 *
 *	            TDH.MNG.CREATE, ADDCX, VP.CREATE,
 *	            MEM.SEPT.ADD, PAGE.ADD, PAGE.AUG
 *	  PT_FREE --------------------------------> PT_TDR, PT_TDCX, ...
 *	     ^                                              |
 *	     +----------------------------------------------+
 *	            MEM.PAGE.REMOVE, MEM.SEPT.REMOVE,
 *	            PHYMEM.PAGE.RECLAIM
 *
 * Each gigabyte of a TDMR has one entry for 1G, 512 for 2M and 512 * 512 for
 * 4K.  A page belongs to the largest level whose entry is PT_REGULAR; a free
 * or a reserved 4K page has PT_FREE above it.
 *
 * A walk holds the entries above the one that it ends at for reading, so that
 * nobody promotes a huge page around it.
 */
#include "soft.h"

struct tdmr *pamt_tdmr(u64 pa)
{
	u32 i;

	for (i = 0; i < soft_module.nr_tdmrs; i++) {
		struct tdmr *tdmr = &soft_module.tdmrs[i];

		if (pa >= tdmr->base && pa - tdmr->base < tdmr->size)
			return tdmr;
	}
	return NULL;
}

/* NULL if no initialized gigabyte of a TDMR covers @pa. */
struct pamt_entry *pamt_entry(u64 pa, int level)
{
	struct tdmr *tdmr = pamt_tdmr(pa);
	u64 index;

	if (!tdmr || pa >= (tdmr->initialized & ~(LEVEL_SIZE(LEVEL_1G) - 1)))
		return NULL;

	index = (pa - tdmr->base) >> LEVEL_SHIFT(level);
	return soft_memory(tdmr->pamt[level] +
			   index * sizeof(struct pamt_entry));
}

u64 pamt_owner(const struct pamt_entry *entry)
{
	return ((u64)entry->owner_hi << 32 | entry->owner_lo) << 12;
}

void pamt_give(struct pamt_entry *entry, enum pamt_type type, u64 owner)
{
	entry->owner_lo = owner >> 12;
	entry->owner_hi = owner >> 44;
	entry->epoch = 0;
	entry->type = type;
}

void pamt_free(struct pamt_entry *entry)
{
	entry->type = PT_FREE;
}

/*
 * Where no page of 2M was ever used there is no entry to look at: a visit of all
 * pages would take longer than what it is to judge.  The epoch of an entry for 2M
 * says it, which has no other meaning but for a huge page.
 */
static void note_use(struct pamt_entry *entry)
{
	entry->epoch = 1;
}

static bool was_used(const struct pamt_entry *entry)
{
	return entry->epoch;
}

static struct pamt_entry *raw_entry(const struct tdmr *tdmr, u64 offset,
				    int level)
{
	struct pamt_entry *entries = soft_memory(tdmr->pamt[level]);

	return entries + (offset >> LEVEL_SHIFT(level));
}

static void clear_entries(const struct tdmr *tdmr, u64 offset, u64 end, int level)
{
	u64 size = LEVEL_SIZE(level);
	u64 first = (offset + size - 1) & ~(size - 1);
	u64 last = (end + size - 1) & ~(size - 1);

	memset(raw_entry(tdmr, first, level), 0,
	       (last - first) / size * sizeof(struct pamt_entry));
}

static void reserve_entries(const struct tdmr *tdmr, u64 offset, u64 end)
{
	for (; offset < end; offset += SOFT_PAGE_SIZE) {
		raw_entry(tdmr, offset, LEVEL_4K)->type = PT_RESERVED;
		note_use(raw_entry(tdmr, offset, LEVEL_2M));
	}
}

/* Writes the entries of @pages 4K pages from @base on, at every level. */
void pamt_initialize(struct tdmr *tdmr, u64 base, u64 pages)
{
	u64 offset = base - tdmr->base;
	u64 end = offset + pages * SOFT_PAGE_SIZE;
	int level;
	u32 i;

	for (level = LEVEL_4K; level <= LEVEL_1G; level++)
		clear_entries(tdmr, offset, end, level);
	for (i = 0; i < tdmr->nr_reserved; i++)
		reserve_entries(tdmr, max(offset, tdmr->reserved[i].offset),
				min(end, tdmr->reserved[i].offset +
					 tdmr->reserved[i].size));
}

/* The entry where a walk ends that may go down to @lowest. */
static u64 lock_walk(struct soft_call *call, u64 pa, int lowest,
		     enum soft_lock_mode mode, struct pamt_entry **found,
		     int *found_level)
{
	struct pamt_entry *entry;
	int level;
	u64 status;

	for (level = LEVEL_1G; level >= LEVEL_4K; level--) {
		bool last = level == LEVEL_4K;

		entry = pamt_entry(pa, level);
		status = call_lock(call, &entry->lock, last ? mode : SHARED);
		if (status)
			return status;
		if (last || level == lowest || entry->type == PT_REGULAR)
			break;
	}

	if (level > LEVEL_4K && mode == EXCLUSIVE) {
		status = soft_promote(&entry->lock);
		if (status)
			return status;
		call->held[call->nr_held - 1].mode = EXCLUSIVE;
	}

	*found = entry;
	*found_level = level;
	return STAT_SUCCESS;
}

/* Whatever entry describes the page at @pa now. */
u64 pamt_lock_any(struct soft_call *call, u64 pa, enum soft_lock_mode mode,
		  struct pamt_entry **entry, int *level)
{
	return lock_walk(call, pa, LEVEL_4K, mode, entry, level);
}

/*
 * The page at @pa, which must be exactly a @type page of @level.  Every check
 * names @operand in the completion code.
 */
u64 pamt_lock_page(struct soft_call *call, u64 pa, int level, int operand,
		   enum soft_lock_mode mode, enum pamt_type type,
		   struct pamt_entry **entry)
{
	int found;
	u64 status;

	status = private_address_check(pa, LEVEL_SIZE(level));
	if (status)
		return with_operand(status, operand);
	if (!pamt_entry(pa, level))
		return with_operand(STAT_ADDR_RANGE_ERROR, operand);

	status = lock_walk(call, pa, level, mode, entry, &found);
	if (status)
		return with_operand(status, operand);
	if (found != level || (*entry)->type != type)
		return with_operand(STAT_PAGE_METADATA_INCORRECT, operand);
	return STAT_SUCCESS;
}

static bool is_range_free(u64 pa)
{
	u64 end = pa + LEVEL_SIZE(LEVEL_2M);

	for (; pa < end; pa += SOFT_PAGE_SIZE)
		if (pamt_entry(pa, LEVEL_4K)->type != PT_FREE)
			return false;
	return true;
}

/* A page that nobody uses, to be given away.  2M is the largest. */
u64 pamt_lock_free(struct soft_call *call, u64 pa, int level, int operand,
		   struct pamt_entry **entry)
{
	u64 status;

	status = pamt_lock_page(call, pa, level, operand, EXCLUSIVE, PT_FREE,
				entry);
	if (status)
		return status;
	if (level == LEVEL_2M && !is_range_free(pa))
		return with_operand(STAT_PAGE_METADATA_INCORRECT, operand);
	note_use(pamt_entry(pa, LEVEL_2M));
	return STAT_SUCCESS;
}

/* 512 pages become one of @level; all of them have the same owner. */
u64 pamt_promote(u64 pa, int level)
{
	struct pamt_entry *whole = pamt_entry(pa, level);
	struct pamt_entry *part = pamt_entry(pa, level - 1);
	u64 status;
	int i;

	status = soft_trylock(&whole->lock, EXCLUSIVE);
	if (status)
		return status;

	pamt_give(whole, PT_REGULAR, pamt_owner(part));
	for (i = 0; i < SOFT_ENTRIES; i++)
		pamt_free(&part[i]);
	soft_unlock(&whole->lock, EXCLUSIVE);
	return STAT_SUCCESS;
}

/* A page of @level becomes 512 of the level below. */
u64 pamt_demote(u64 pa, int level)
{
	struct pamt_entry *whole = pamt_entry(pa, level);
	struct pamt_entry *part = pamt_entry(pa, level - 1);
	u64 status;
	int i;

	status = soft_trylock(&whole->lock, EXCLUSIVE);
	if (status)
		return status;

	for (i = 0; i < SOFT_ENTRIES; i++)
		pamt_give(&part[i], PT_REGULAR, pamt_owner(whole));
	pamt_free(whole);
	if (level == LEVEL_2M)
		note_use(whole);
	soft_unlock(&whole->lock, EXCLUSIVE);
	return STAT_SUCCESS;
}

static void visit_small_pages(u64 start, pamt_visit_fn fn, void *arg)
{
	const struct pamt_entry *entries = pamt_entry(start, LEVEL_4K);
	int i;

	for (i = 0; i < SOFT_ENTRIES; i++)
		if (entries[i].type != PT_FREE)
			fn(&entries[i], start + i * SOFT_PAGE_SIZE, LEVEL_4K, arg);
}

/* Return: how far it went, 2M or 1G. */
static u64 visit_pages(u64 start, pamt_visit_fn fn, void *arg)
{
	const struct pamt_entry *entry = pamt_entry(start, LEVEL_1G);

	if (entry->type == PT_REGULAR) {
		fn(entry, start, LEVEL_1G, arg);
		return LEVEL_SIZE(LEVEL_1G);
	}
	entry = pamt_entry(start, LEVEL_2M);
	if (entry->type == PT_REGULAR)
		fn(entry, start, LEVEL_2M, arg);
	else if (was_used(entry))
		visit_small_pages(start, fn, arg);
	return LEVEL_SIZE(LEVEL_2M);
}

void pamt_visit_used(pamt_visit_fn fn, void *arg)
{
	u64 pa, end;
	u32 i;

	for (i = 0; i < soft_module.nr_tdmrs; i++) {
		const struct tdmr *tdmr = &soft_module.tdmrs[i];

		end = tdmr->initialized & ~(LEVEL_SIZE(LEVEL_1G) - 1);
		for (pa = tdmr->base; pa < end; pa += visit_pages(pa, fn, arg))
			;
	}
}
