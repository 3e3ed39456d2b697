// SPDX-License-Identifier: GPL-2.0
/*
 * Physical addresses: how wide, which KeyID, what kind of memory.
 */
#include "soft.h"

static bool address_fits(u64 pa)
{
	return !(pa >> soft_host.max_pa);
}

static u64 keyid_mask(void)
{
	return ((1ULL << soft_host.max_pa) - 1) &
	       ~((1ULL << soft_host.keyid_shift) - 1);
}

u32 address_keyid(u64 pa)
{
	return (pa & keyid_mask()) >> soft_host.keyid_shift;
}

u64 address_without_keyid(u64 pa)
{
	return pa & ~keyid_mask();
}

bool keyid_is_private(u64 keyid)
{
	return keyid >= soft_host.keyid_first &&
	       keyid < soft_host.keyid_first + soft_host.keyid_count;
}

/* An address that names a page to be private carries no KeyID itself. */
u64 private_address_check(u64 pa, u64 alignment)
{
	if (pa % alignment || !address_fits(pa) || address_keyid(pa))
		return STAT_OPERAND_INVALID;
	return STAT_SUCCESS;
}

/*
 * An address that the module reads on the host's behalf.  Here it must be
 * memory too, which the real module need not ask: it maps what it is given.
 */
u64 shared_address_check(u64 pa, u64 size, u64 alignment)
{
	if (pa % alignment || !address_fits(pa))
		return STAT_OPERAND_INVALID;
	if (address_keyid(pa) >= soft_host.keyid_first)
		return STAT_OPERAND_INVALID;
	if (!soft_is_memory(address_without_keyid(pa)) ||
	    !soft_is_memory(address_without_keyid(pa) + size - 1))
		return STAT_OPERAND_INVALID;
	return STAT_SUCCESS;
}

/* Ranges that touch each other count as one. */
bool range_is_convertible(u64 start, u64 end)
{
	u64 from = 0, to = 0;
	u32 i;

	for (i = 0; i < soft_host.nr_cmrs; i++) {
		const struct soft_cmr *cmr = &soft_host.cmrs[i];

		if (cmr->base != to)
			from = cmr->base;
		to = cmr->base + cmr->size;
		if (start >= from && end <= to)
			return true;
	}
	return false;
}
