// SPDX-License-Identifier: GPL-2.0
/*
 * Locks that are tried once and never waited for.
 *
 * Bit 0 says that there is a writer, bit 1 that the host failed to get the
 * lock while a TD had it, the rest counts readers.  A TD's own calls stay
 * away from a lock that the host waits for: otherwise a TD could keep the
 * host out by calling in a loop.
 */
#include "soft.h"
#include "sept.h"

#define LOCK_WRITER		1
#define LOCK_HOST_FIRST		2
#define LOCK_READER		4

static bool lock_change(soft_lock_t *lock, soft_lock_t *old, soft_lock_t new)
{
	return __atomic_compare_exchange_n(lock, old, new, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static bool lock_is_busy(soft_lock_t value, enum soft_lock_mode mode)
{
	return mode == EXCLUSIVE ? value >= LOCK_READER || value & LOCK_WRITER :
				   value & LOCK_WRITER;
}

static soft_lock_t lock_taken(soft_lock_t value, enum soft_lock_mode mode)
{
	value &= ~LOCK_HOST_FIRST;
	return mode == EXCLUSIVE ? value | LOCK_WRITER : value + LOCK_READER;
}

/* The host's attempt.  A failure leaves the mark that TDs respect. */
u64 soft_trylock(soft_lock_t *lock, enum soft_lock_mode mode)
{
	soft_lock_t old = __atomic_load_n(lock, __ATOMIC_RELAXED);

	do {
		if (lock_is_busy(old, mode)) {
			__atomic_fetch_or(lock, LOCK_HOST_FIRST, __ATOMIC_RELAXED);
			return STAT_OPERAND_BUSY;
		}
	} while (!lock_change(lock, &old, lock_taken(old, mode)));

	return STAT_SUCCESS;
}

/* A TD's attempt, always for itself alone. */
u64 soft_trylock_guest(soft_lock_t *lock)
{
	soft_lock_t old = __atomic_load_n(lock, __ATOMIC_RELAXED);

	do {
		if (old & LOCK_HOST_FIRST)
			return STAT_BUSY_HOST_PRIORITY;
		if (lock_is_busy(old, EXCLUSIVE))
			return STAT_OPERAND_BUSY;
	} while (!lock_change(lock, &old, lock_taken(old, EXCLUSIVE)));

	return STAT_SUCCESS;
}

/* The only reader becomes the writer. */
u64 soft_promote(soft_lock_t *lock)
{
	soft_lock_t old = __atomic_load_n(lock, __ATOMIC_RELAXED);

	do {
		if (old >= 2 * LOCK_READER)
			return STAT_OPERAND_BUSY;
	} while (!lock_change(lock, &old, LOCK_WRITER));

	return STAT_SUCCESS;
}

void soft_unlock(soft_lock_t *lock, enum soft_lock_mode mode)
{
	__atomic_fetch_sub(lock, mode == EXCLUSIVE ? LOCK_WRITER : LOCK_READER,
			   __ATOMIC_RELEASE);
}

void call_holds(struct soft_call *call, void *lock, enum soft_lock_mode mode,
		bool is_entry)
{
	struct soft_held *held = &call->held[call->nr_held++];

	held->lock = lock;
	held->mode = mode;
	held->is_entry = is_entry;
}

/* The lock has gone already, as an entry's does that was written anew. */
void call_forgets(struct soft_call *call, void *lock)
{
	u32 i;

	for (i = 0; i < call->nr_held; i++)
		if (call->held[i].lock == lock)
			call->held[i].lock = NULL;
}

u64 call_lock(struct soft_call *call, soft_lock_t *lock,
	      enum soft_lock_mode mode)
{
	u64 status = soft_trylock(lock, mode);

	if (!status)
		call_holds(call, lock, mode, false);
	return status;
}

void call_unlock_all(struct soft_call *call)
{
	while (call->nr_held) {
		struct soft_held *held = &call->held[--call->nr_held];

		if (!held->lock)
			continue;
		if (held->is_entry)
			sept_unlock(held->lock);
		else
			soft_unlock(held->lock, held->mode);
	}
}
