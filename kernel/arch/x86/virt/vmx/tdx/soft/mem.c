// SPDX-License-Identifier: GPL-2.0
/*
 * TDH.MEM.*: the host gives a TD memory, and takes it back.
 *
 * Every handler follows one order: operand, tree, entry, page, and only then
 * any change.  A call that fails has changed nothing.
 */
#include "leaves.h"
#include "sept.h"

/* Bits of RCX. */
#define GPA_LEVEL		7ULL
#define GPA_RESERVED		0xfff0000000000ff8ULL

static u64 gpa_operand(const struct soft_call *call, int lowest, int highest,
		       u64 *gpa, int *level)
{
	u64 rcx = call->in[RCX];

	*level = rcx & GPA_LEVEL;
	*gpa = rcx & ~GPA_LEVEL;
	if (rcx & GPA_RESERVED || *level < lowest || *level > highest ||
	    *gpa % LEVEL_SIZE(*level))
		return with_operand(STAT_OPERAND_INVALID, RCX);
	if (!gpa_is_valid(call->tdcs, *gpa) || gpa_is_shared(call->tdcs, *gpa))
		return with_operand(STAT_OPERAND_INVALID, RCX);
	return STAT_SUCCESS;
}

static u64 fail_with_entry(struct soft_call *call, u64 status,
			   const struct sept_walk *walk)
{
	sept_report(call, walk->value, walk->level);
	return with_operand(status, RCX);
}

static u64 lock_tree(struct soft_call *call, enum soft_lock_mode mode)
{
	if (mode == UNLOCKED)
		return STAT_SUCCESS;
	return with_operand(call_lock(call, &call->tdcs->sept_lock, mode),
			    OPERAND_SEPT_TREE);
}

/* The entry is read again, now that nobody else changes it. */
static u64 lock_entry(struct soft_call *call, struct sept_walk *walk)
{
	u64 status = sept_trylock(walk->entry);

	if (status)
		return fail_with_entry(call, status, walk);
	call_holds(call, walk->entry, EXCLUSIVE, true);
	walk->value = sept_read(walk->entry);
	return STAT_SUCCESS;
}

/*
 * Walks to the entry that RCX names, and locks the tree by @mode and the
 * entry.  Nothing is locked if the caller has the whole TD for itself.
 */
static u64 find_entry(struct soft_call *call, int lowest, int highest,
		      enum soft_lock_mode mode, struct sept_walk *walk)
{
	u64 status, gpa;
	int level;

	status = gpa_operand(call, lowest, highest, &gpa, &level);
	if (status)
		return status;
	status = lock_tree(call, mode);
	if (status)
		return status;

	sept_walk(call->tdcs, gpa, level, walk);
	if (walk->level != level)
		return fail_with_entry(call, STAT_EPT_WALK_FAILED, walk);
	return mode == UNLOCKED ? STAT_SUCCESS : lock_entry(call, walk);
}

static u64 check_state(struct soft_call *call, const struct sept_walk *walk,
		       u32 allowed)
{
	if (sept_is_in(walk->value, allowed))
		return STAT_SUCCESS;
	return fail_with_entry(call, STAT_EPT_ENTRY_STATE_INCORRECT, walk);
}

/* The PAMT entry of what an entry maps or points to. */
static struct pamt_entry *mapped_pamt_entry(const struct sept_walk *walk)
{
	int level = sept_is_leaf(walk->value) ? walk->level : LEVEL_4K;

	return pamt_entry(sept_address(walk->value, walk->level), level);
}

/* While vCPUs may run, whatever goes away must be blocked and tracked. */
static u64 check_tracked(struct soft_call *call, const struct sept_walk *walk)
{
	if (!td_may_run(call->tdcs))
		return STAT_SUCCESS;
	if (!sept_is_in(walk->value, SEPT_ANY_BLOCKED))
		return fail_with_entry(call, STAT_GPA_RANGE_NOT_BLOCKED, walk);
	if (!sept_is_tracked(call->tdcs, mapped_pamt_entry(walk)->epoch))
		return with_operand(STAT_TLB_TRACKING_NOT_DONE, RCX);
	return STAT_SUCCESS;
}

/* Writes the locked entry; it is free for others with that. */
static void set_entry(struct soft_call *call, struct sept_walk *walk, u64 value)
{
	call_forgets(call, walk->entry);
	sept_write(walk->entry, value);
}

static void fill_table(u64 pa, u64 value)
{
	u64 *entries = soft_memory(pa);
	int i;

	for (i = 0; i < SOFT_ENTRIES; i++)
		entries[i] = value;
}

u64 leaf_mem_sept_add(struct soft_call *call)
{
	u64 page = call->in[R8];
	struct pamt_entry *entry;
	struct sept_walk walk;
	u64 status;

	status = find_entry(call, LEVEL_2M, call->tdcs->ept_top, SHARED, &walk);
	if (status)
		return status;
	status = check_state(call, &walk, SEPT_IN(SEPT_FREE));
	if (status)
		return status;
	status = pamt_lock_free(call, page, LEVEL_4K, R8, &entry);
	if (status)
		return status;

	fill_table(page, sept_make_free());
	pamt_give(entry, PT_SEPT, call->tdr_pa);
	td_add_children(call->tdr, 1);
	set_entry(call, &walk, sept_make_table(page));
	return STAT_SUCCESS;
}

u64 leaf_mem_page_add(struct soft_call *call)
{
	u64 page = call->in[R8], source = call->in[R9];
	struct pamt_entry *entry;
	struct sept_walk walk;
	u64 status;

	status = find_entry(call, LEVEL_4K, LEVEL_4K, UNLOCKED, &walk);
	if (status)
		return status;
	status = check_state(call, &walk, SEPT_IN(SEPT_FREE));
	if (status)
		return status;
	status = shared_address_check(source, SOFT_PAGE_SIZE, SOFT_PAGE_SIZE);
	if (status)
		return with_operand(status, R9);
	status = pamt_lock_free(call, page, LEVEL_4K, R8, &entry);
	if (status)
		return status;

	/* The host may add a page to itself: source and target are the same. */
	soft_copy_page(soft_memory(page),
		       soft_memory(address_without_keyid(source)));
	measure_page_add(call->tdcs, call->in[RCX] & ~GPA_LEVEL);
	pamt_give(entry, PT_REGULAR, call->tdr_pa);
	td_add_children(call->tdr, 1);
	sept_write(walk.entry, sept_make_mapped(page));
	return STAT_SUCCESS;
}

u64 leaf_mem_page_aug(struct soft_call *call)
{
	u64 page = call->in[R8];
	struct pamt_entry *entry;
	struct sept_walk walk;
	u64 status;

	status = find_entry(call, LEVEL_4K, LEVEL_2M, SHARED, &walk);
	if (status)
		return status;
	status = check_state(call, &walk, SEPT_IN(SEPT_FREE));
	if (status)
		return status;
	status = pamt_lock_free(call, page, walk.level, R8, &entry);
	if (status)
		return status;

	pamt_give(entry, PT_REGULAR, call->tdr_pa);
	td_add_children(call->tdr, LEVEL_PAGES(walk.level));
	set_entry(call, &walk, sept_make_pending(page));
	return STAT_SUCCESS;
}

u64 leaf_mem_range_block(struct soft_call *call)
{
	struct sept_walk walk;
	u64 status;

	status = find_entry(call, LEVEL_4K, call->tdcs->ept_top, EXCLUSIVE,
			    &walk);
	if (status)
		return status;
	if (sept_is_in(walk.value, SEPT_ANY_BLOCKED))
		return fail_with_entry(call, STAT_GPA_RANGE_ALREADY_BLOCKED,
				       &walk);
	status = check_state(call, &walk, SEPT_IN(SEPT_NL_MAPPED) |
			     SEPT_IN(SEPT_MAPPED) | SEPT_IN(SEPT_PENDING));
	if (status)
		return status;

	/* The lock stays in the entry until the epoch is noted. */
	sept_write(walk.entry, sept_make_blocked(walk.value, walk.level));
	mapped_pamt_entry(&walk)->epoch = call->tdcs->epoch;
	return STAT_SUCCESS;
}

u64 leaf_mem_range_unblock(struct soft_call *call)
{
	struct sept_walk walk;
	u64 status;

	status = find_entry(call, LEVEL_4K, call->tdcs->ept_top, EXCLUSIVE,
			    &walk);
	if (status)
		return status;
	status = check_state(call, &walk, SEPT_ANY_BLOCKED);
	if (status)
		return status;
	status = check_tracked(call, &walk);
	if (status)
		return status;

	set_entry(call, &walk, sept_make_unblocked(walk.value));
	return STAT_SUCCESS;
}

/* Waits for nobody: a vCPU that is still in the epoch before makes it fail. */
u64 leaf_mem_track(struct soft_call *call)
{
	struct tdcs *tdcs = call->tdcs;
	u64 status;

	status = call_lock(call, &tdcs->epoch_lock, EXCLUSIVE);
	if (status)
		return with_operand(status, OPERAND_TD_EPOCH);
	if (__atomic_load_n(&tdcs->running[!(tdcs->epoch & 1)], __ATOMIC_ACQUIRE))
		return STAT_PREVIOUS_EPOCH_BUSY;

	tdcs->epoch++;
	return STAT_SUCCESS;
}

/* The page whose entry is about to go. */
static u64 lock_mapped_page(struct soft_call *call,
			    const struct sept_walk *walk,
			    struct pamt_entry **entry)
{
	*entry = mapped_pamt_entry(walk);
	return with_operand(call_lock(call, &(*entry)->lock, EXCLUSIVE), RCX);
}

u64 leaf_mem_page_remove(struct soft_call *call)
{
	struct pamt_entry *entry;
	struct sept_walk walk;
	u64 status;

	status = find_entry(call, LEVEL_4K, LEVEL_1G, SHARED, &walk);
	if (status)
		return status;
	status = check_state(call, &walk, SEPT_ANY_LEAF);
	if (status)
		return status;
	status = lock_mapped_page(call, &walk, &entry);
	if (status)
		return status;
	status = check_tracked(call, &walk);
	if (status)
		return status;

	set_entry(call, &walk, sept_make_free());
	td_add_children(call->tdr, -LEVEL_PAGES(walk.level));
	pamt_free(entry);
	call->out[RCX] = sept_address(walk.value, walk.level);
	return STAT_SUCCESS;
}

static bool table_is_free(u64 pa)
{
	const u64 *entries = soft_memory(pa);
	int i;

	for (i = 0; i < SOFT_ENTRIES; i++)
		if (!sept_is_in(sept_read(&entries[i]), SEPT_IN(SEPT_FREE)))
			return false;
	return true;
}

u64 leaf_mem_sept_remove(struct soft_call *call)
{
	struct pamt_entry *entry;
	struct sept_walk walk;
	u64 status, table;

	status = find_entry(call, LEVEL_2M, call->tdcs->ept_top, EXCLUSIVE,
			    &walk);
	if (status)
		return status;
	status = check_state(call, &walk, SEPT_ANY_TABLE);
	if (status)
		return status;
	status = lock_mapped_page(call, &walk, &entry);
	if (status)
		return status;
	status = check_tracked(call, &walk);
	if (status)
		return status;
	table = sept_address(walk.value, walk.level);
	if (!table_is_free(table))
		return fail_with_entry(call, STAT_EPT_PAGE_NOT_FREE, &walk);

	set_entry(call, &walk, sept_make_free());
	td_add_children(call->tdr, -1);
	pamt_free(entry);
	call->out[RCX] = table;
	return STAT_SUCCESS;
}

u64 leaf_mem_sept_rd(struct soft_call *call)
{
	struct sept_walk walk;
	u64 status;

	status = find_entry(call, LEVEL_4K, call->tdcs->ept_top, SHARED, &walk);
	if (status)
		return status;

	sept_report(call, walk.value, walk.level);
	return STAT_SUCCESS;
}

/* An entry without the TD's progress in accepting it. */
static u64 without_progress(u64 value, int level)
{
	return (value & ~SEPT_ADDRESS) | sept_address(value, level);
}

/* The 512 entries below map one range without a gap, all in one state. */
static u64 check_mergeable(struct soft_call *call, const u64 *entries,
			   const struct sept_walk *walk)
{
	int i, level = walk->level - 1;
	u64 first = without_progress(entries[0], level);

	if (!sept_is_in(first, SEPT_IN(SEPT_MAPPED) | SEPT_IN(SEPT_PENDING)) ||
	    (first & SEPT_ADDRESS) % LEVEL_SIZE(walk->level))
		return fail_with_entry(call, STAT_EPT_INVALID_PROMOTE, walk);

	for (i = 1; i < SOFT_ENTRIES; i++)
		if (without_progress(entries[i], level) !=
		    first + i * LEVEL_SIZE(level))
			return fail_with_entry(call, STAT_EPT_INVALID_PROMOTE,
					       walk);
	return STAT_SUCCESS;
}

/*
 * 512 pages and the table that maps them become one page.  The table must be
 * blocked and tracked if the TD may run, so that the TD can change none of the
 * entries meanwhile.
 */
u64 leaf_mem_page_promote(struct soft_call *call)
{
	struct pamt_entry *entry;
	struct sept_walk walk;
	u64 status, table, page;
	u64 *entries;

	status = find_entry(call, LEVEL_2M, LEVEL_1G, SHARED, &walk);
	if (status)
		return status;
	status = check_state(call, &walk, SEPT_ANY_TABLE);
	if (status)
		return status;
	status = lock_mapped_page(call, &walk, &entry);
	if (status)
		return status;
	status = check_tracked(call, &walk);
	if (status)
		return status;

	table = sept_address(walk.value, walk.level);
	entries = soft_memory(table);
	status = check_mergeable(call, entries, &walk);
	if (status)
		return status;
	page = sept_address(entries[0], walk.level - 1);
	status = pamt_promote(page, walk.level);
	if (status)
		return with_operand(status, RCX);

	set_entry(call, &walk, without_progress(entries[0], walk.level - 1));
	td_add_children(call->tdr, -1);
	pamt_free(entry);
	call->out[RCX] = table;
	return STAT_SUCCESS;
}

/* The table maps what the page mapped; blocked pages come back unblocked. */
static void split_entry(u64 table, u64 value, int level)
{
	u64 *entries = soft_memory(table);
	u64 address = sept_address(value, level);
	bool pending = sept_is_in(value, SEPT_IN(SEPT_PENDING) |
				  SEPT_IN(SEPT_PENDING_BLOCKED));
	int i;

	for (i = 0; i < SOFT_ENTRIES; i++) {
		u64 page = address + i * LEVEL_SIZE(level - 1);

		entries[i] = pending ? sept_make_pending(page) :
				       sept_make_mapped(page);
	}
}

u64 leaf_mem_page_demote(struct soft_call *call)
{
	u64 table = call->in[R8];
	struct pamt_entry *entry;
	struct sept_walk walk;
	u64 status;

	status = find_entry(call, LEVEL_2M, LEVEL_1G, SHARED, &walk);
	if (status)
		return status;
	status = check_state(call, &walk, SEPT_ANY_LEAF);
	if (status)
		return status;
	status = check_tracked(call, &walk);
	if (status)
		return status;
	status = pamt_lock_free(call, table, LEVEL_4K, R8, &entry);
	if (status)
		return status;
	if (soft_must_stop(call)) {
		call->out[RCX] = call->in[RCX];
		call->out[RDX] = call->in[RDX];
		return STAT_INTERRUPTED_RESTARTABLE;
	}
	status = pamt_demote(sept_address(walk.value, walk.level), walk.level);
	if (status)
		return with_operand(status, RCX);

	split_entry(table, walk.value, walk.level);
	pamt_give(entry, PT_SEPT, call->tdr_pa);
	td_add_children(call->tdr, 1);
	set_entry(call, &walk, sept_make_table(table));
	return STAT_SUCCESS;
}

/* The page that @gpa is in, whatever its size; it must be there for the TD. */
static u64 find_page(struct soft_call *call, u64 gpa, struct sept_walk *walk)
{
	if (!gpa_is_valid(call->tdcs, gpa) || gpa_is_shared(call->tdcs, gpa))
		return with_operand(STAT_OPERAND_INVALID, RCX);

	sept_walk(call->tdcs, gpa, LEVEL_4K, walk);
	if (!sept_is_leaf(walk->value) || !sept_is_present(walk->value))
		return fail_with_entry(call, STAT_EPT_ENTRY_NOT_PRESENT, walk);
	return STAT_SUCCESS;
}

static u64 page_address(const struct sept_walk *walk, u64 gpa)
{
	return sept_address(walk->value, walk->level) |
	       (gpa & (LEVEL_SIZE(walk->level) - 1));
}

/* Debug TDs show and change their memory, eight bytes at a time. */
static u64 debug_access(struct soft_call *call, u64 **data)
{
	u64 gpa = call->in[RCX];
	struct sept_walk walk;
	u64 status;

	if (!(call->tdcs->attributes & TD_ATTR_DEBUG))
		return STAT_TD_NON_DEBUG;
	if (gpa % sizeof(u64))
		return with_operand(STAT_OPERAND_INVALID, RCX);
	status = lock_tree(call, SHARED);
	if (status)
		return status;
	status = find_page(call, gpa, &walk);
	if (status)
		return status;
	status = lock_entry(call, &walk);
	if (status)
		return status;
	status = check_state(call, &walk, SEPT_IN(SEPT_MAPPED));
	if (status)
		return status;

	*data = soft_memory(page_address(&walk, gpa));
	call->out[R8] = **data;
	return STAT_SUCCESS;
}

u64 leaf_mem_rd(struct soft_call *call)
{
	u64 *data;

	return debug_access(call, &data);
}

u64 leaf_mem_wr(struct soft_call *call)
{
	u64 value = call->in[R8];
	u64 status, *data;

	status = debug_access(call, &data);
	if (!status)
		*data = value;
	return status;
}

u64 leaf_mr_extend(struct soft_call *call)
{
	u64 gpa = call->in[RCX];
	struct sept_walk walk;
	u64 status;

	if (gpa % MEASURED_CHUNK)
		return with_operand(STAT_OPERAND_INVALID, RCX);
	status = find_page(call, gpa, &walk);
	if (status)
		return status;

	measure_chunk(call->tdcs, gpa, soft_memory(page_address(&walk, gpa)));
	return STAT_SUCCESS;
}
