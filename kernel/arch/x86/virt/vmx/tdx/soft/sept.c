// SPDX-License-Identifier: GPL-2.0
/*
 * The Secure EPT: walk it, lock its entries, describe them to the host.
 */
#include "sept.h"

u64 sept_read(const u64 *entry)
{
	return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

void sept_write(u64 *entry, u64 value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

/*
 * Goes down to the entry of @level that maps @gpa, or as far as there are
 * tables.  Takes no lock: a table stays as long as the tree is locked or the
 * calling vCPU runs, see sept_is_tracked().
 */
void sept_walk(const struct tdcs *tdcs, u64 gpa, int level,
	       struct sept_walk *walk)
{
	u64 table = tdcs->sept_root;

	for (walk->level = tdcs->ept_top; ; walk->level--) {
		u64 *entries = soft_memory(table);

		walk->entry = &entries[(gpa >> LEVEL_SHIFT(walk->level)) %
				       SOFT_ENTRIES];
		walk->value = sept_read(walk->entry);
		if (walk->level == level || !sept_is_present(walk->value) ||
		    sept_is_leaf(walk->value))
			return;
		table = walk->value & SEPT_ADDRESS;
	}
}

/* As for other locks, a TD makes way for the host. */
u64 sept_trylock(u64 *entry)
{
	if (__atomic_fetch_or(entry, SEPT_LOCK, __ATOMIC_ACQUIRE) & SEPT_LOCK) {
		__atomic_fetch_or(entry, SEPT_HOST_FIRST, __ATOMIC_RELAXED);
		return STAT_OPERAND_BUSY;
	}
	__atomic_fetch_and(entry, ~SEPT_HOST_FIRST, __ATOMIC_RELAXED);
	return STAT_SUCCESS;
}

u64 sept_trylock_guest(u64 *entry)
{
	u64 old = __atomic_fetch_or(entry, SEPT_LOCK, __ATOMIC_ACQUIRE);

	if (old & SEPT_LOCK)
		return STAT_OPERAND_BUSY;
	if (old & SEPT_HOST_FIRST) {
		sept_unlock(entry);
		return STAT_BUSY_HOST_PRIORITY;
	}
	return STAT_SUCCESS;
}

void sept_unlock(u64 *entry)
{
	__atomic_fetch_and(entry, ~SEPT_LOCK, __ATOMIC_RELEASE);
}

static u8 public_state(u64 value)
{
	static const u8 states[SEPT_NR_STATES] = {
		[SEPT_FREE]		= SEPT_PUBLIC_FREE,
		[SEPT_NL_MAPPED]	= SEPT_PUBLIC_NL_MAPPED,
		[SEPT_NL_BLOCKED]	= SEPT_PUBLIC_NL_BLOCKED,
		[SEPT_MAPPED]		= SEPT_PUBLIC_MAPPED,
		[SEPT_BLOCKED]		= SEPT_PUBLIC_BLOCKED,
		[SEPT_PENDING]		= SEPT_PUBLIC_PENDING,
		[SEPT_PENDING_BLOCKED]	= SEPT_PUBLIC_PENDING_BLOCKED,
	};

	return states[sept_state(value)];
}

/* RCX: the entry as the ABI shows it.  RDX: its level and state. */
void sept_report(struct soft_call *call, u64 value, int level)
{
	u64 shown = SEPT_SUPPRESS_VE;

	if (sept_is_leaf(value))
		shown = (value & (SEPT_RWX | SEPT_WRITE_BACK | SEPT_IGNORE_PAT |
				  SEPT_LEAF | SEPT_SUPPRESS_VE)) |
			sept_address(value, level);
	else if (sept_state(value) != SEPT_FREE)
		shown = value & SEPT_RWX;

	call->out[RCX] = shown;
	call->out[RDX] = (u64)public_state(value) << 8 | level;
}

/*
 * Nobody can have a translation any more that was taken away at @epoch: every
 * vCPU that was inside the TD then has left it since.
 */
bool sept_is_tracked(const struct tdcs *tdcs, u64 epoch)
{
	if (epoch + 1 == tdcs->epoch)
		return !__atomic_load_n(&tdcs->running[epoch & 1],
					__ATOMIC_ACQUIRE);
	return epoch + 1 < tdcs->epoch;
}

static int gpa_width(const struct tdcs *tdcs)
{
	return tdcs->gpaw ? 52 : 48;
}

bool gpa_is_shared(const struct tdcs *tdcs, u64 gpa)
{
	return gpa >> (gpa_width(tdcs) - 1) & 1;
}

/* True if @gpa, its shared bit left aside, is an address that the TD has. */
bool gpa_is_valid(const struct tdcs *tdcs, u64 gpa)
{
	int width = gpa_width(tdcs);
	u64 shared_bit = 1ULL << (width - 1);

	if (tdcs->virt_maxpa && tdcs->virt_maxpa < width)
		width = tdcs->virt_maxpa;
	return !((gpa & ~shared_bit) >> width);
}
