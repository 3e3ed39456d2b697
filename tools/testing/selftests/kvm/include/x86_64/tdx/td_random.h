/* SPDX-License-Identifier: GPL-2.0 */
/* TDs for random sequences. */
#ifndef SELFTEST_TDX_TD_RANDOM_H
#define SELFTEST_TDX_TD_RANDOM_H

#include "tdp_random.h"

/*
 * A TD that never runs: pages are added, and pre-faulted.  Its vCPU is at work by
 * pre-faulting.
 */
extern const struct tdp_random_vm td_random_vm;

#endif /* SELFTEST_TDX_TD_RANDOM_H */
