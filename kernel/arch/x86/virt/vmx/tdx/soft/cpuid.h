/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CPUID as a TD sees it.
 */
#ifndef _SOFT_CPUID_H
#define _SOFT_CPUID_H

#include "soft.h"

#define CPUID_NO_SUBLEAF	0xffffffffu

/* Leaves that the host configures, in the order of TD_PARAMS. */
u32 cpuid_nr_configurable(void);
u64 cpuid_configurable_leaf(u32 index);
u64 cpuid_configurable_bits(u32 index, u32 half);

u64 cpuid_configure(struct soft_call *call,
		    const struct td_params_page *params);

/* False if the leaf is not virtualized: the TD gets a #VE then. */
bool td_cpuid(const struct tdr *tdr, u32 leaf, u32 subleaf,
	      struct soft_cpuid_value *value);
bool td_cpuid_exact(const struct tdr *tdr, u32 leaf, u32 subleaf,
		    struct soft_cpuid_value *value);

#endif /* _SOFT_CPUID_H */
