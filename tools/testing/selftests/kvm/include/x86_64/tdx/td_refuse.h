/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Have the TDX module refuse SEAMCALLs.  Only the software TDX module does so on
 * demand: docs/software-tdx-module.md.
 */
#ifndef SELFTEST_TDX_TD_REFUSE_H
#define SELFTEST_TDX_TD_REFUSE_H

#include "tdp_util.h"

/**
 * struct td_leaf_count - what the software TDX module counts of a leaf
 * @calls: how often it was called
 * @failures: how often it did not succeed, refusals on demand among them
 * @refusals: how often it was refused on demand
 */
struct td_leaf_count {
	u64 calls;
	u64 failures;
	u64 refusals;
};

/**
 * td_refuse_lacks() - why this host's TDX module does not refuse on demand
 *
 * Return: one sentence without a full stop, or NULL if it does.
 */
const char *td_refuse_lacks(void);

/**
 * td_leaf_count() - the counts of a leaf
 * @leaf: its name, as in "TDH_MEM_TRACK"
 *
 * Return: the counts since the host was booted.
 */
struct td_leaf_count td_leaf_count(const char *leaf);

/**
 * __td_refuse() - have a leaf refused
 * @line: "LEAF STATUS [EVERY [twice]]"
 *
 * Return: 0, or the negative errno.
 */
int __td_refuse(const char *line);

/**
 * td_refuse() - have a leaf refused, or end the case as failed
 * @leaf: its name
 * @status: "busy", "no-entropy", "interrupted", or "none" to end it
 * @every: every how many calls; a call that repeats a refused one is let
 *	through
 *
 * Lasts until td_refuse_nothing(), which belongs into FIXTURE_TEARDOWN_PARENT():
 * that is run even if the case ended early.
 */
void td_refuse(const char *leaf, const char *status, int every);

/**
 * td_refuse_nothing() - end all refusals; nothing to do on other hosts
 */
void td_refuse_nothing(void);

#endif /* SELFTEST_TDX_TD_REFUSE_H */
