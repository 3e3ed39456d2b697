// SPDX-License-Identifier: GPL-2.0
#include "ktap.h"
#include "machine.h"

TEST(lock_readers_share)
{
	soft_lock_t lock = 0;

	CHECK_EQUAL(0, soft_trylock(&lock, SHARED));
	CHECK_EQUAL(0, soft_trylock(&lock, SHARED));
	CHECK_EQUAL(STAT_OPERAND_BUSY, soft_trylock(&lock, EXCLUSIVE));
	soft_unlock(&lock, SHARED);
	CHECK_EQUAL(STAT_OPERAND_BUSY, soft_trylock(&lock, EXCLUSIVE));
	soft_unlock(&lock, SHARED);
	CHECK_EQUAL(0, soft_trylock(&lock, EXCLUSIVE));
}

TEST(lock_writer_is_alone)
{
	soft_lock_t lock = 0;

	CHECK_EQUAL(0, soft_trylock(&lock, EXCLUSIVE));
	CHECK_EQUAL(STAT_OPERAND_BUSY, soft_trylock(&lock, SHARED));
	CHECK_EQUAL(STAT_OPERAND_BUSY, soft_trylock(&lock, EXCLUSIVE));
	soft_unlock(&lock, EXCLUSIVE);
	CHECK_EQUAL(0, soft_trylock(&lock, SHARED));
}

/* A TD stays away from what the host waits for, until the host had it. */
TEST(lock_host_goes_first)
{
	soft_lock_t lock = 0;

	CHECK_EQUAL(0, soft_trylock_guest(&lock));
	CHECK_EQUAL(STAT_OPERAND_BUSY, soft_trylock(&lock, EXCLUSIVE));
	soft_unlock(&lock, EXCLUSIVE);
	CHECK_EQUAL(STAT_BUSY_HOST_PRIORITY, soft_trylock_guest(&lock));
	CHECK_EQUAL(0, soft_trylock(&lock, EXCLUSIVE));
	soft_unlock(&lock, EXCLUSIVE);
	CHECK_EQUAL(0, soft_trylock_guest(&lock));
}

TEST(lock_promotion)
{
	soft_lock_t lock = 0;

	CHECK_EQUAL(0, soft_trylock(&lock, SHARED));
	CHECK_EQUAL(0, soft_promote(&lock));
	CHECK_EQUAL(STAT_OPERAND_BUSY, soft_trylock(&lock, SHARED));
	soft_unlock(&lock, EXCLUSIVE);

	CHECK_EQUAL(0, soft_trylock(&lock, SHARED));
	CHECK_EQUAL(0, soft_trylock(&lock, SHARED));
	CHECK_EQUAL(STAT_OPERAND_BUSY, soft_promote(&lock));
}

TEST(lock_entry_host_goes_first)
{
	u64 entry = sept_make_pending(MACHINE_TDMR);

	CHECK_EQUAL(0, sept_trylock_guest(&entry));
	CHECK_EQUAL(STAT_OPERAND_BUSY, sept_trylock(&entry));
	sept_unlock(&entry);
	CHECK_EQUAL(STAT_BUSY_HOST_PRIORITY, sept_trylock_guest(&entry));
	CHECK_EQUAL(0, sept_trylock(&entry));
	sept_unlock(&entry);
	CHECK_EQUAL(sept_make_pending(MACHINE_TDMR), entry);
}
