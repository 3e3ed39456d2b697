// SPDX-License-Identifier: GPL-2.0
/*
 * Who has what.  Counted anew from the PAMT itself each time, so that it also
 * finds what a TD's own count of its pages has missed.
 */
#include "census.h"

static struct td_census *find_td(struct soft_census *census, u64 tdr)
{
	u32 i;

	for (i = 0; i < census->nr_tds; i++)
		if (census->tds[i].tdr == tdr)
			return &census->tds[i];
	if (i == CENSUS_MAX_TDS)
		return NULL;
	census->tds[i].tdr = tdr;
	census->nr_tds++;
	return &census->tds[i];
}

static void count_page(const struct pamt_entry *entry, u64 pa, int level,
		       void *arg)
{
	struct soft_census *census = arg;
	u64 nr = LEVEL_PAGES(level);
	u8 type = entry->type;
	struct td_census *td;

	census->pages[type] += nr;
	if (type == PT_RESERVED)
		return;
	td = find_td(census, type == PT_TDR ? pa : pamt_owner(entry));
	if (td)
		td->pages[type] += nr;
	else
		census->missed += nr;
}

static void count_orphans(struct soft_census *census)
{
	u32 i, type;

	for (i = 0; i < census->nr_tds; i++) {
		const struct td_census *td = &census->tds[i];

		for (type = 0; !td->pages[PT_TDR] && type < PT_NR_TYPES; type++)
			census->orphans += td->pages[type];
	}
}

static void count_keyids(struct soft_census *census)
{
	u32 i;

	for (i = 0; i < soft_host.keyid_count; i++)
		census->keyids[soft_module.keyids[soft_host.keyid_first + i].state]++;
}

void soft_take_census(struct soft_census *census)
{
	memset(census, 0, sizeof(*census));
	pamt_visit_used(count_page, census);
	count_orphans(census);
	count_keyids(census);
}
