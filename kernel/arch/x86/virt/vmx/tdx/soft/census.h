/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who has what: pages by type and owner, key ids by state.
 */
#ifndef _SOFT_CENSUS_H
#define _SOFT_CENSUS_H

#include "soft.h"

#define CENSUS_MAX_TDS		64

/**
 * struct td_census - what the PAMT has of a TD
 * @tdr: address of its TDR
 * @pages: number of 4K pages of each type, the TDR among them
 */
struct td_census {
	u64 tdr;
	u64 pages[PT_NR_TYPES];
};

/**
 * struct soft_census - what the PAMT and the table of key ids have in all
 * @pages: number of 4K pages of each type but PT_FREE
 * @orphans: how many of them have an owner that is no TDR
 * @missed: how many belong to TDs beyond the first CENSUS_MAX_TDS
 * @keyids: number of private key ids in each state
 * @tds: a TD, or an owner that is none, each
 * @nr_tds: number of entries in @tds
 */
struct soft_census {
	u64 pages[PT_NR_TYPES];
	u64 orphans;
	u64 missed;
	u32 keyids[KEYID_NR_STATES];
	struct td_census tds[CENSUS_MAX_TDS];
	u32 nr_tds;
};

/**
 * soft_take_census() - count
 * @census: out: all of it
 *
 * Looks at every entry, and takes no lock: where SEAMCALLs are under way the
 * result belongs to no single moment.
 */
void soft_take_census(struct soft_census *census);

#endif /* _SOFT_CENSUS_H */
