/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A machine for the module: memory, CPUs, and a host that makes SEAMCALLs.
 */
#ifndef _SOFT_TESTS_MACHINE_H
#define _SOFT_TESTS_MACHINE_H

#include <stdio.h>

#include "../refuse.h"
#include "../sept.h"
#include "../tdg.h"

/*
 * Memory is 3G: one TDMR from 1G to 2G, its PAMTs from 2G on, everything else
 * for the host.  KeyIDs are in bits 45:40; 32 to 47 are private ones.
 */
#define MACHINE_MEMORY		(3ULL << 30)
#define MACHINE_TDMR		BIT_ULL(30)
#define MACHINE_TDMR_SIZE	BIT_ULL(30)
#define MACHINE_PAMT		(2ULL << 30)
#define MACHINE_KEYID_SHIFT	40
#define MACHINE_MAX_PA		46
#define MACHINE_GLOBAL_KEYID	32
#define MACHINE_TD_KEYID	33
#define MACHINE_KEYIDS		16

/* The last 16M of the TDMR are reserved. */
#define MACHINE_RESERVED	(MACHINE_TDMR + MACHINE_TDMR_SIZE - (16 << 20))

struct machine {
	u32 cpu;
	u32 package;
	u64 tsc;
	bool no_entropy;
	u32 interrupt_after;
	u32 flushes;
	u32 vmcs_flushes;
	u64 (*run)(struct soft_call *call);
	u64 next_private;
	u64 next_shared;
	struct soft_regs regs;
};

extern struct machine machine;

/* A new machine: memory is zero, the module was never called. */
void machine_power_on(void);

/* Fills TDMR_INFO for the machine's one TDMR, and returns its address. */
u64 machine_tdmr_info(void);

/* Brings the module up to state @until. */
void machine_start(enum soft_system_state until);

/* A page of the TDMR that nobody has used yet, and one of the host's. */
u64 private_page(void);
u64 private_range(int level);
u64 shared_page(void);

/* A SEAMCALL; the other registers are in machine.regs before and after. */
u64 seamcall(u64 leaf, u64 rcx, u64 rdx, u64 r8, u64 r9);

struct pamt_entry *pamt_of(u64 pa, int level);

/* A TD and its pages. */
struct td {
	u64 tdr;
	u64 keyid;
	u64 pages[TDCS_NR_PAGES];
	u64 params;
};

struct tdr *tdr_of(const struct td *td);
struct tdcs *tdcs_of(const struct td *td);
u64 td_params(void);

/* Steps of building a TD, each on top of the one before. */
void td_create(struct td *td);
void td_configure(struct td *td);
void td_add_pages(struct td *td);
void td_init(struct td *td);
u64 td_add_vcpu(struct td *td);
void td_finalize(struct td *td);
void td_tear_down(struct td *td);

u64 vcpu_create(struct td *td);
void vcpu_add_pages(u64 tdvpr);

/* Adds the tables that an entry of @level for @gpa needs. */
void td_map_tables(struct td *td, u64 gpa, int level);

/* The entry of @level for @gpa, as it is in memory; 0 if there is no table. */
u64 *td_entry(struct td *td, u64 gpa, int level);

#endif /* _SOFT_TESTS_MACHINE_H */
