/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Secure EPT entries.
 *
 *	            SEPT.ADD                   RANGE.BLOCK
 *	   FREE ------------------> NL_MAPPED <----------> NL_BLOCKED
 *	    | ^                         |     RANGE.UNBLOCK     |
 *	    | +-------------------------+-----------------------+
 *	    |               SEPT.REMOVE, PROMOTE
 *	    |
 *	    | PAGE.ADD               RANGE.BLOCK
 *	    +----------------> MAPPED <---------> BLOCKED
 *	    |                    ^     UNBLOCK       |
 *	    |            ACCEPT  |                   |
 *	    | PAGE.AUG           |   RANGE.BLOCK     |
 *	    +----------------> PENDING <------> PENDING_BLOCKED
 *	                         |     UNBLOCK       |
 *	                         +--- PAGE.REMOVE ---+--------> FREE
 *
 * The processor walks these entries, so that only bits which it ignores can
 * tell the states apart: bits 54:52 hold the state, bit 11 the entry's lock,
 * bit 55 that the host waits for it.  Whatever is not mapped has no
 * permissions; bit 63 (suppress #VE) is always set.
 */
#ifndef _SOFT_SEPT_H
#define _SOFT_SEPT_H

#include "soft.h"

enum sept_state {
	SEPT_FREE,
	SEPT_NL_MAPPED,
	SEPT_NL_BLOCKED,
	SEPT_MAPPED,
	SEPT_BLOCKED,
	SEPT_PENDING,
	SEPT_PENDING_BLOCKED,
	SEPT_NR_STATES,
};

#define SEPT_RWX		0x7ULL
#define SEPT_WRITE_BACK		(6ULL << 3)
#define SEPT_IGNORE_PAT		BIT_ULL(6)
#define SEPT_LEAF		BIT_ULL(7)
#define SEPT_LOCK		BIT_ULL(11)
#define SEPT_ADDRESS		0x000ffffffffff000ULL
#define SEPT_STATE_SHIFT	52
#define SEPT_STATE_BITS		(7ULL << SEPT_STATE_SHIFT)
#define SEPT_HOST_FIRST		BIT_ULL(55)
#define SEPT_SUPPRESS_VE	BIT_ULL(63)

/*
 * How much of a pending 2M page has been accepted, in 4K pages.  The address
 * of a 2M page has zeroes there, and nothing but ACCEPT looks at it.
 */
#define SEPT_ACCEPTED_SHIFT	12
#define SEPT_ACCEPTED		(0x1ffULL << SEPT_ACCEPTED_SHIFT)

#define SEPT_IN(state)		(1u << (state))
#define SEPT_ANY_BLOCKED	(SEPT_IN(SEPT_BLOCKED) | \
				 SEPT_IN(SEPT_PENDING_BLOCKED) | \
				 SEPT_IN(SEPT_NL_BLOCKED))
#define SEPT_ANY_LEAF		(SEPT_IN(SEPT_MAPPED) | SEPT_IN(SEPT_BLOCKED) | \
				 SEPT_IN(SEPT_PENDING) | \
				 SEPT_IN(SEPT_PENDING_BLOCKED))
#define SEPT_ANY_TABLE		(SEPT_IN(SEPT_NL_MAPPED) | \
				 SEPT_IN(SEPT_NL_BLOCKED))

static inline enum sept_state sept_state(u64 entry)
{
	return (entry & SEPT_STATE_BITS) >> SEPT_STATE_SHIFT;
}

static inline bool sept_is_in(u64 entry, u32 states)
{
	return SEPT_IN(sept_state(entry)) & states;
}

static inline bool sept_is_leaf(u64 entry)
{
	return entry & SEPT_LEAF;
}

static inline bool sept_is_present(u64 entry)
{
	return entry & SEPT_RWX;
}

static inline u64 sept_with_state(u64 entry, enum sept_state state)
{
	return (entry & ~SEPT_STATE_BITS) | (u64)state << SEPT_STATE_SHIFT;
}

static inline u64 sept_make_free(void)
{
	return sept_with_state(SEPT_SUPPRESS_VE, SEPT_FREE);
}

static inline u64 sept_make_table(u64 pa)
{
	return sept_with_state(SEPT_SUPPRESS_VE | pa | SEPT_RWX,
			       SEPT_NL_MAPPED);
}

static inline u64 sept_make_pending(u64 pa)
{
	return sept_with_state(SEPT_SUPPRESS_VE | pa | SEPT_LEAF |
			       SEPT_WRITE_BACK | SEPT_IGNORE_PAT,
			       SEPT_PENDING);
}

static inline u64 sept_make_mapped(u64 pa)
{
	return sept_with_state(sept_make_pending(pa) | SEPT_RWX, SEPT_MAPPED);
}

/*
 * @level matters for pages that the TD has accepted in part: their address
 * carries a count.
 */
static inline u64 sept_address(u64 entry, int level)
{
	u64 address = entry & SEPT_ADDRESS;

	return sept_is_leaf(entry) ? address & ~(LEVEL_SIZE(level) - 1) : address;
}

/* Only NL_MAPPED, MAPPED and PENDING can be blocked. */
static inline u64 sept_make_blocked(u64 entry, int level)
{
	entry = (entry & ~(SEPT_ADDRESS | SEPT_RWX)) |
		sept_address(entry, level);
	return sept_with_state(entry, sept_state(entry) + 1);
}

/* What sept_make_blocked() was given, in a state nobody has locked. */
static inline u64 sept_make_unblocked(u64 entry)
{
	entry = sept_with_state(entry, sept_state(entry) - 1);
	if (sept_state(entry) != SEPT_PENDING)
		entry |= SEPT_RWX;
	return entry & ~(SEPT_LOCK | SEPT_HOST_FIRST);
}

static_assert(SEPT_NL_MAPPED + 1 == SEPT_NL_BLOCKED);
static_assert(SEPT_MAPPED + 1 == SEPT_BLOCKED);
static_assert(SEPT_PENDING + 1 == SEPT_PENDING_BLOCKED);

/**
 * struct sept_walk - where a walk ended
 * @entry: the entry itself
 * @value: what it held
 * @level: its level
 */
struct sept_walk {
	u64 *entry;
	u64 value;
	int level;
};

void sept_walk(const struct tdcs *tdcs, u64 gpa, int level,
	       struct sept_walk *walk);
u64 sept_read(const u64 *entry);
void sept_write(u64 *entry, u64 value);
u64 sept_trylock(u64 *entry);
u64 sept_trylock_guest(u64 *entry);
void sept_unlock(u64 *entry);
void sept_report(struct soft_call *call, u64 value, int level);
bool sept_is_tracked(const struct tdcs *tdcs, u64 epoch);
bool gpa_is_shared(const struct tdcs *tdcs, u64 gpa);
bool gpa_is_valid(const struct tdcs *tdcs, u64 gpa);

#endif /* _SOFT_SEPT_H */
