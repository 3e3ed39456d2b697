/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module's core needs from the place it runs in.
 *
 * The core is freestanding: the same files are linked into the kernel under
 * test and into its unit tests in userspace.  It neither allocates nor sleeps
 * nor prints; everything else that it asks for is declared here, and provided
 * by glue.c and vmx.c in the kernel, by tests/machine.c in userspace.
 */
#ifndef _SOFT_ENV_H
#define _SOFT_ENV_H

#ifdef __KERNEL__
#include <linux/array_size.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>
#else
#include "tests/kernel.h"
#endif

#define SOFT_MAX_CPUS		256
#define SOFT_MAX_PACKAGES	8
#define SOFT_MAX_KEYIDS		256
#define SOFT_MAX_CMRS		32

/* Memory that the platform calls convertible, the only kind TDX may use. */
struct soft_cmr {
	u64 base;
	u64 size;
};

/**
 * struct soft_host - the machine, as found before TDH.SYS.INIT
 * @max_pa: width of a physical address, KeyID bits included
 * @keyid_shift: the KeyID's lowest bit in a physical address
 * @keyid_first: the first private KeyID
 * @keyid_count: how many private KeyIDs follow from there
 * @cpus: how many logical processors have to be initialized
 * @packages: one bit for each package
 * @tsc_khz: native TSC frequency
 * @xfam: the state components that a TD can be given
 * @ept5: five levels of EPT are there
 * @cmrs: convertible memory, ascending
 * @nr_cmrs: number of entries in @cmrs
 */
struct soft_host {
	u8 max_pa;
	u8 keyid_shift;
	u16 keyid_first;
	u16 keyid_count;
	u32 cpus;
	u32 packages;
	u32 tsc_khz;
	u64 xfam;
	bool ept5;
	struct soft_cmr cmrs[SOFT_MAX_CMRS];
	u32 nr_cmrs;
};

extern struct soft_host soft_host;

/* The memory at @pa, which carries no KeyID.  It is never unmapped. */
void *soft_memory(u64 pa);

/* One page of 4K, by words; @to and @from may be the same. */
void soft_copy_page(void *to, const void *from);

/*
 * One block of SHA-512, if the processor has instructions for it, otherwise
 * false.  @constants are the 80 of FIPS 180-4.
 */
bool soft_sha512(u64 state[8], const u8 block[128], const u64 constants[80]);

/* True if soft_memory() may be called for the page at @pa. */
bool soft_is_memory(u64 pa);

u32 soft_this_cpu(void);
u32 soft_this_package(void);
u64 soft_tsc(void);

/* False if there is no entropy at the moment. */
bool soft_random(u64 *value);

/* Long operations ask this between steps, and stop early if it is so. */
bool soft_interrupt_pending(void);

void soft_cpuid(u32 leaf, u32 subleaf, u32 regs[4]);

/* Forget what this CPU has cached of any TD's translations. */
void soft_flush_translations(void);

/* Write what the CPU holds of a VMCS back to its page. */
void soft_flush_vmcs(u64 pa);

/* One vCPU runs until it exits; VP.ENTER's state has been checked. */
struct soft_call;
u64 soft_run_vcpu(struct soft_call *call);

#endif /* _SOFT_ENV_H */
