/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the software TDX module share.
 *
 * Where state lives: what describes a page is in the PAMT, what describes a
 * TD in its TDR and TDCS pages, a vCPU in its TDVPR and TDCX pages, a mapping
 * in the Secure EPT.  The host donates all of it.  Only what describes the
 * machine (struct soft_module) belongs to the module itself.
 */
#ifndef _SOFT_H
#define _SOFT_H

#include "abi.h"
#include "sha384.h"

struct soft_regs {
	u64 gpr[SOFT_NR_REGS];
};

/* Locks: 0 is free; all are try-locks, see lock.c. */
typedef u16 soft_lock_t;

enum soft_lock_mode {
	UNLOCKED,
	SHARED,
	EXCLUSIVE,
};

/* PAMT: one entry a page, see pamt.c. */
struct pamt_entry {
	soft_lock_t lock;
	u8 type;
	u8 owner_hi;
	u32 owner_lo;
	u64 epoch;
};

static_assert(sizeof(struct pamt_entry) == 16);

/* The pages of a TDCS and of a TDVPS, in the order in which they are added. */
enum tdcs_page {
	TDCS_CONTROL,
	TDCS_SEPT_ROOT,
	TDCS_CPUID,
	TDCS_MSR_BITMAP,
	TDCS_X2APIC_IDS,
	TDCS_NR_PAGES,
};

enum tdvps_page {
	TDVPS_TDVPR,
	TDVPS_VMCS,
	TDVPS_EPT_ROOT,
	TDVPS_VAPIC,
	TDVPS_XSAVE,
	TDVPS_MSRS,
	TDVPS_NR_PAGES,
};

struct tdr {
	u8 fatal;
	u8 lifecycle;
	u16 keyid;
	u32 nr_tdcx;
	u64 children;
	u64 packages;
	u64 uuid[4];
	u64 tdcx[TDCS_NR_PAGES];
};

struct tdcs {
	soft_lock_t op_state_lock;
	soft_lock_t sept_lock;
	soft_lock_t epoch_lock;
	soft_lock_t rtmr_lock;
	u32 op_state;
	u32 nr_vcpus;
	u32 nr_associated;
	u16 max_vcpus;
	u16 tsc_frequency;

	/* TLB tracking: vCPUs inside the TD, by the parity of their epoch. */
	u64 epoch;
	u16 running[2];

	u8 gpaw;
	u8 virt_maxpa;
	u8 topology_configured;
	u8 ept_top;
	u64 sept_root;
	u64 attributes;
	u64 xfam;
	u64 config_flags;
	u64 td_ctls;
	u64 notify_enables;
	u64 tsc_multiplier;
	u64 tsc_offset;

	struct sha384 mrtd_context;
	u64 mrtd[6];
	u64 mrconfigid[6];
	u64 mrowner[6];
	u64 mrownerconfig[6];
	u64 rtmr[4][6];
};

/* What the last #VE was about; the TD asks for it with TDG.VP.VEINFO.GET. */
struct ve_info {
	u64 exit_reason;
	u64 exit_qualification;
	u64 gla;
	u64 gpa;
	u64 instruction;
	bool valid;
};

#define NO_CPU			0xffffffffu
#define NO_PA			(~0ULL)
#define NO_VECTOR		0xffffu

enum last_exit {
	LAST_EXIT_ASYNC,
	LAST_EXIT_VMCALL,
};

struct tdvps {
	u8 state;
	u8 nr_pages;
	u8 last_exit;
	u8 launched;
	u8 pend_nmi;
	u8 cpuid_supervisor_ve;
	u8 cpuid_user_ve;
	u32 cpu;
	u32 index;
	u64 epoch;
	u64 pages[TDVPS_NR_PAGES];
	u64 xfam;
	u64 last_exit_tsc;

	/* Controls that the host writes with TDH.VP.WR. */
	u64 shared_eptp;
	u64 pi_descriptor;
	u32 pin_controls;
	u32 proc2_controls;
	u32 instruction_timeout;
	u16 pi_vector;

	struct soft_regs regs;
	struct ve_info ve;

	/* Guest state that a VMCS has no place for. */
	u64 xcr0;
	u64 cr2;
	u64 dr[4];
	u64 dr6;
	u64 star;
	u64 lstar;
	u64 fmask;
	u64 kernel_gs_base;
	u64 tsc_aux;
	u64 xss;
};

static_assert(sizeof(struct tdr) <= SOFT_PAGE_SIZE);
static_assert(sizeof(struct tdcs) <= SOFT_PAGE_SIZE);
static_assert(sizeof(struct tdvps) <= SOFT_PAGE_SIZE);
static_assert(TD_MAX_VCPUS * sizeof(u32) <= SOFT_PAGE_SIZE);

/* States of the module as a whole; bits, so that a leaf can allow several. */
enum soft_system_state {
	SYS_INIT_PENDING	= 1,
	SYS_INIT_DONE		= 2,
	SYS_CONFIG_DONE		= 4,
	SYS_READY		= 8,
	SYS_SHUTDOWN		= 16,
	SYS_DISABLING		= 32,
};

#define SYS_BEFORE_SHUTDOWN	(SYS_INIT_PENDING | SYS_INIT_DONE | \
				 SYS_CONFIG_DONE | SYS_READY)

enum keyid_state {
	KEYID_FREE,
	KEYID_ASSIGNED,
	KEYID_FLUSHED,
	KEYID_RESERVED,
	KEYID_NR_STATES,
};

struct keyid {
	u8 state;
	u32 packages_to_flush;
};

/* A cache write-back that was interrupted, one a package. */
struct cache_wb {
	soft_lock_t lock;
	u32 resume;
	bool keyids[SOFT_MAX_KEYIDS];
};

struct tdmr {
	soft_lock_t lock;
	u64 base;
	u64 size;
	u64 initialized;
	u64 pamt[3];
	u32 nr_reserved;
	struct tdmr_reserved reserved[TDMR_MAX_RESERVED];
};

struct soft_module {
	soft_lock_t lock;
	soft_lock_t keyid_lock;
	u32 state;
	u32 cpus_ready;
	u32 packages_ready;
	u16 global_keyid;
	u32 nr_tdmrs;
	u32 disabled_steps;
	bool cpu_ready[SOFT_MAX_CPUS];
	u64 last_vcpu[SOFT_MAX_CPUS];
	struct tdmr tdmrs[TDMR_MAX];
	struct tdmr_info_page tdmr_copy;
	struct keyid keyids[SOFT_MAX_KEYIDS];
	struct cache_wb cache_wb[SOFT_MAX_PACKAGES];
};

extern struct soft_module soft_module;

/**
 * struct soft_call - one SEAMCALL or TDCALL while it is served
 * @row: the leaf's row in the table of SEAMCALLs
 * @version: the version asked for
 * @in: registers as they came
 * @out: registers as they will be returned
 * @tdr: the TD, locked as the row says
 * @tdr_pa: its address
 * @tdcs: set when the row asks for a state of the TD
 * @vp: the vCPU, locked as the row says
 * @vp_pa: its address
 * @held: locks that are dropped, last one first, when the call ends
 * @nr_held: how many
 *
 * A handler returns at any point; nothing has to be unwound by hand.
 */
#define SOFT_MAX_HELD		20

struct soft_held {
	void *lock;
	u8 mode;
	bool is_entry;
};

struct soft_call {
	u32 row;
	u32 version;
	const u64 *in;
	u64 *out;
	struct tdr *tdr;
	u64 tdr_pa;
	struct tdcs *tdcs;
	struct tdvps *vp;
	u64 vp_pa;
	struct soft_held held[SOFT_MAX_HELD];
	u32 nr_held;
};

/* lock.c */
u64 soft_trylock(soft_lock_t *lock, enum soft_lock_mode mode);
u64 soft_trylock_guest(soft_lock_t *lock);
u64 soft_promote(soft_lock_t *lock);
void soft_unlock(soft_lock_t *lock, enum soft_lock_mode mode);
u64 call_lock(struct soft_call *call, soft_lock_t *lock,
	      enum soft_lock_mode mode);
void call_holds(struct soft_call *call, void *lock, enum soft_lock_mode mode,
		bool is_entry);
void call_forgets(struct soft_call *call, void *lock);
void call_unlock_all(struct soft_call *call);

/* refuse.c: asked between the steps of a SEAMCALL that takes long */
bool soft_must_stop(const struct soft_call *call);

/* pamt.c */
struct tdmr *pamt_tdmr(u64 pa);
struct pamt_entry *pamt_entry(u64 pa, int level);
u64 pamt_owner(const struct pamt_entry *entry);
void pamt_give(struct pamt_entry *entry, enum pamt_type type, u64 owner);
void pamt_free(struct pamt_entry *entry);
void pamt_initialize(struct tdmr *tdmr, u64 base, u64 pages);
u64 pamt_lock_any(struct soft_call *call, u64 pa, enum soft_lock_mode mode,
		  struct pamt_entry **entry, int *level);
u64 pamt_lock_page(struct soft_call *call, u64 pa, int level, int operand,
		   enum soft_lock_mode mode, enum pamt_type type,
		   struct pamt_entry **entry);
u64 pamt_lock_free(struct soft_call *call, u64 pa, int level, int operand,
		   struct pamt_entry **entry);

/* Called with each page that is not PT_FREE, as large as its entry. */
typedef void (*pamt_visit_fn)(const struct pamt_entry *entry, u64 pa, int level,
			      void *arg);

void pamt_visit_used(pamt_visit_fn fn, void *arg);
u64 pamt_promote(u64 pa, int level);
u64 pamt_demote(u64 pa, int level);

/* address.c */
u64 private_address_check(u64 pa, u64 alignment);
u64 shared_address_check(u64 pa, u64 size, u64 alignment);
u32 address_keyid(u64 pa);
u64 address_without_keyid(u64 pa);
bool keyid_is_private(u64 keyid);
bool range_is_convertible(u64 start, u64 end);

/* td.c */
u64 td_lock(struct soft_call *call, u64 pa, int operand,
	    enum soft_lock_mode mode);
u64 td_lock_owner(struct soft_call *call, u64 pa, enum soft_lock_mode mode);
u64 td_check_state(struct soft_call *call, u32 op_states, bool lock);
void *tdcs_page(const struct tdr *tdr, enum tdcs_page page);
void td_add_children(struct tdr *tdr, s64 pages);
u64 vp_lock(struct soft_call *call, u64 pa, int operand,
	    enum soft_lock_mode mode);
void *tdvps_page(const struct tdvps *vp, enum tdvps_page page);
bool td_may_run(const struct tdcs *tdcs);

/* vp.c */
u64 vp_associate(struct soft_call *call, bool *is_new);
u64 vp_enter_epoch(struct soft_call *call, bool is_new);
void vp_leave_epoch(struct tdcs *tdcs, struct tdvps *vp);

/* measure.c */
#define MEASURED_CHUNK		256

void measure_begin(struct tdcs *tdcs);
void measure_page_add(struct tdcs *tdcs, u64 gpa);
void measure_chunk(struct tdcs *tdcs, u64 gpa, const void *chunk);
void measure_end(struct tdcs *tdcs);
void measure_rtmr(struct tdcs *tdcs, int index, const void *digest);

static inline u64 with_operand(u64 status, u64 operand)
{
	return status ? status | operand : 0;
}

#endif /* _SOFT_H */
