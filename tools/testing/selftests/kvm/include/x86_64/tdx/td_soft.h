/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What only the software TDX module tells and does: who has which pages and key
 * ids, why TDs stopped, NMIs on demand.  docs/software-tdx-module.md has it all.
 */
#ifndef SELFTEST_TDX_TD_SOFT_H
#define SELFTEST_TDX_TD_SOFT_H

#include "tdp_check.h"

#define TD_SOFT_DIR	"/sys/kernel/debug/tdx_soft"

/* VMX exit reasons; source: SDM, VMX basic exit reasons. */
enum td_exit_reason {
	TD_EXIT_NMI = 0,
	TD_EXIT_INTERRUPT = 1,
};

/**
 * td_soft_lacks() - why this host's TDX module has none of this
 *
 * Return: one sentence without a full stop, or NULL if it has.
 */
const char *td_soft_lacks(void);

#define TD_CENSUS_MAX	16

/**
 * struct td_census - what the module has counted
 * @nr: number of entries in @counts
 * @counts: a type of pages or a state of key ids, and how many there are
 */
struct td_census {
	u32 nr;
	struct {
		char name[16];
		u64 count;
	} counts[TD_CENSUS_MAX];
};

/**
 * td_take_census() - have the module count, or end the case as failed
 * @census: out: pages by type, key ids by state
 *
 * Pages are counted in the PAMT, one by one.
 */
void td_take_census(struct td_census *census);

/**
 * td_census_count() - one of the counts, or end the case as failed
 * @census: what td_take_census() left
 * @name: as in "regular" (pages) or "assigned" (key ids)
 *
 * Return: how many.
 */
u64 td_census_count(const struct td_census *census, const char *name);

/**
 * td_check_census() - everything is as it was
 * @before: what td_take_census() left then
 * @msg: out: the first difference
 *
 * Return: true if it is.
 */
bool td_check_census(const struct td_census *before, struct tdp_msg *msg);

/**
 * td_check_tds() - each TD has as many pages as it believes
 * @nr: how many TDs there must be
 * @msg: out: what is wrong
 *
 * Return: true if so.
 */
bool td_check_tds(u32 nr, struct tdp_msg *msg);

/**
 * td_reclaim_lost() - take back what KVM left to TDs that it gave up
 *
 * After a KVM_BUG_ON some pages of a TD stay the TD's, while the kernel uses them
 * again.  The next TD that gets such a page would fail.
 *
 * Return: number of TDs that were still there.
 */
u32 td_reclaim_lost(void);

/**
 * td_exit_count() - how often TDs of this host have stopped
 * @reason: for this reason
 *
 * Return: the number since the host was booted.
 */
u64 td_exit_count(enum td_exit_reason reason);

/**
 * td_send_nmi() - send a CPU an NMI that harms nobody, or end the case
 * @cpu: its number
 *
 * Returns once the NMI has arrived.
 */
void td_send_nmi(u32 cpu);

#endif /* SELFTEST_TDX_TD_SOFT_H */
