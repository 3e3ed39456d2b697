// SPDX-License-Identifier: GPL-2.0
/*
 * What the page cache of a guest_memfd holds.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/xarray.h>

#include "probe.h"

/**
 * tdp_gmem_pfn - look up one page in a page cache
 * @mapping: the guest_memfd's
 * @index: in pages
 *
 * Looks at the tree under RCU and takes not even a reference to the folio: one
 * more reference, however short-lived, is what conversions and migrations fail
 * on.  The PFN needs none, as it follows from the place in the tree and from
 * the address of the folio, whose content is never looked at.
 *
 * Return: the PFN at the time of the lookup, KVM_TDP_WALK_NO_PFN for a hole
 */
u64 tdp_gmem_pfn(struct address_space *mapping, pgoff_t index)
{
	XA_STATE(xas, &mapping->i_pages, index);
	struct folio *folio;

	guard(rcu)();

	do {
		folio = xas_load(&xas);
	} while (xas_retry(&xas, folio));

	/* A value stands for a folio that was evicted. */
	if (!folio || xa_is_value(folio))
		return KVM_TDP_WALK_NO_PFN;

	return folio_pfn(folio) + (index & (BIT(xas_get_order(&xas)) - 1));
}
