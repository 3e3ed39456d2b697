/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What walks of a small guest may answer after any sequence of operations.
 *
 * The model is told what is done to a VM and keeps, for every page, what the
 * contract (docs/contract.md) says of it: it must be mapped, it must not, or
 * the contract leaves it open.  It knows nothing of page tables, of the order in
 * which a kernel does things, or of any kernel's code; it goes page by page.
 *
 *	GPAs	| range 0: 512 pages | range 1: 512 pages |	what slots show
 *	memory	| range 0	     | range 1		  |	slots' own memory
 *	file	| range 0	     | range 1		  |	the guest_memfd
 *
 * All addresses are page numbers in one of the three, all of which begin at a
 * multiple of 2M.  Nothing here needs KVM or a kernel: the model's own tests
 * run anywhere.
 */
#ifndef SELFTEST_TDP_MODEL_H
#define SELFTEST_TDP_MODEL_H

#include <stdbool.h>

/* 4K pages in 2M; ranges of that size; pages of GPAs, of memory and of the file. */
#define TDP_MODEL_HUGE		512
#define TDP_MODEL_RANGES	2
#define TDP_MODEL_PAGES		(TDP_MODEL_RANGES * TDP_MODEL_HUGE)

#define TDP_MODEL_SLOTS		3
#define TDP_MODEL_VCPUS		2

/* Levels as walks report them: PG_LEVEL_4K and PG_LEVEL_2M. */
#define TDP_MODEL_4K		1
#define TDP_MODEL_2M		2

/* A slot without guest_memfd. */
#define TDP_MODEL_NO_FILE	0xffff

/* In order: what is less certain of being mapped is less. */
enum tdp_model_presence {
	TDP_MUST_NOT,
	TDP_MAY,
	TDP_MUST,
};

enum tdp_model_root {
	/* The only one, but for a TD: its shared memory. */
	TDP_DIRECT,
	/* A TD's private memory. */
	TDP_MIRROR,
	TDP_MODEL_ROOTS,
};

/* Where a page that is mapped comes from. */
enum tdp_model_source {
	TDP_FROM_NOWHERE,
	TDP_FROM_MEMORY,
	TDP_FROM_FILE,
};

/* How a range of memory is backed when the VM starts. */
enum tdp_model_backing {
	TDP_SMALL,
	TDP_THP,
	TDP_HUGETLB,
};

/* What an access does. */
enum tdp_model_access {
	TDP_READ,
	TDP_WRITE,
	TDP_PREFAULT,
};

/**
 * struct tdp_model_config - what kind of VM it is
 * @has_private: memory may be private, and slots may have a guest_memfd
 * @has_mirror: a TD: private memory has a root of its own
 * @zaps_all: deleting or moving a slot unmaps all (slot.zap-all)
 * @splits_eagerly: kvm.eager_page_split is on
 * @has_guest: vCPUs run, and access memory
 * @vcpus: number of vCPUs, 1 to TDP_MODEL_VCPUS
 * @never_denied: memory is never protected
 * @stale_mmio: of this kernel it is known that a guest never reaches a private
 *	page where there was MMIO before, against mmio.replaced
 * @log_warns: of this kernel it is known that it WARNs when logging ends in a
 *	slot without guest_memfd whose pages have the private attribute
 * @backing: how each range of memory is backed; all of it is present at first
 */
struct tdp_model_config {
	bool has_private;
	bool has_mirror;
	bool zaps_all;
	bool splits_eagerly;
	bool has_guest;
	unsigned int vcpus;
	bool never_denied;
	bool stale_mmio;
	bool log_warns;
	enum tdp_model_backing backing[TDP_MODEL_RANGES];
};

/**
 * struct tdp_model_slot - a memslot
 * @used: there is one
 * @logging: its dirty pages are logged
 * @gpa: first page
 * @npages: number of pages
 * @memory: first page of memory
 * @file: first page of the guest_memfd, or TDP_MODEL_NO_FILE
 */
struct tdp_model_slot {
	bool used;
	bool logging;
	unsigned int gpa;
	unsigned int npages;
	unsigned int memory;
	unsigned int file;
};

/**
 * struct tdp_model_leaf - what is known of a page in a root
 * @presence: whether it is mapped
 * @lowest: the lowest level, if it is mapped
 * @highest: the highest level, if it is mapped
 */
struct tdp_model_leaf {
	enum tdp_model_presence presence;
	int lowest;
	int highest;
};

/**
 * struct tdp_model_memory - what is known of a page of memory
 * @present: the process has a page there
 * @zero: it may be the zero page, which a write replaces
 * @denied: mprotect(PROT_NONE)
 */
struct tdp_model_memory {
	bool present;
	bool zero;
	bool denied;
};

/**
 * struct tdp_model - the state; for the functions below alone to change
 * @config: what kind of VM it is
 * @slots: the memslots
 * @leaves: what is known of each page
 * @is_private: the attribute of each page
 * @was_mmio: a page was accessed where it had no slot, and not mapped since
 * @memory: the process's memory
 * @huge: a range of memory is, or would be when touched, a huge page
 * @merges: the next access makes a huge leaf of what was split for logging
 * @loaded: whether each vCPU has a root
 * @final: KVM_TDX_FINALIZE_VM was done
 */
struct tdp_model {
	struct tdp_model_config config;
	struct tdp_model_slot slots[TDP_MODEL_SLOTS];
	struct tdp_model_leaf leaves[TDP_MODEL_ROOTS][TDP_MODEL_PAGES];
	bool is_private[TDP_MODEL_PAGES];
	bool was_mmio[TDP_MODEL_PAGES];
	struct tdp_model_memory memory[TDP_MODEL_PAGES];
	bool huge[TDP_MODEL_RANGES];
	bool merges[TDP_MODEL_RANGES];
	enum tdp_model_presence loaded[TDP_MODEL_VCPUS];
	bool final;
};

/**
 * struct tdp_model_answer - what a walk may answer
 * @presence: whether it finds a leaf
 * @lowest: the lowest level that a leaf may have
 * @highest: the highest level that a leaf may have
 * @source: which pages @page counts
 * @page: the page that the GPA must be mapped to
 */
struct tdp_model_answer {
	enum tdp_model_presence presence;
	int lowest;
	int highest;
	enum tdp_model_source source;
	unsigned int page;
};

/**
 * tdp_model_init() - a VM without slots, all of whose memory is shared
 * @m: out: the model
 * @config: what kind of VM it is
 */
void tdp_model_init(struct tdp_model *m, const struct tdp_model_config *config);

/**
 * tdp_model_ask() - what a walk of a page may answer now
 * @m: the model
 * @vcpu: through whose roots
 * @root: which of them
 * @page: of the GPAs
 *
 * Source: walk.absent, walk.no-root, walk.no-slot, tdx.two-roots.
 *
 * Return: the answer.
 */
struct tdp_model_answer tdp_model_ask(const struct tdp_model *m,
				      unsigned int vcpu,
				      enum tdp_model_root root,
				      unsigned int page);

/**
 * tdp_model_slot_of() - the slot that has a page
 * @m: the model
 * @page: of the GPAs
 *
 * Return: the slot, or NULL.
 */
const struct tdp_model_slot *tdp_model_slot_of(const struct tdp_model *m,
					       unsigned int page);

/**
 * tdp_model_reaches() - whether an access to a page finds memory
 * @m: the model
 * @page: of the GPAs
 *
 * Not outside slots, not where memory is denied, and not where private memory
 * has no guest_memfd.  Source: walk.no-slot, gmem.no-slot, gmem.none.
 *
 * Return: true if it does.
 */
bool tdp_model_reaches(const struct tdp_model *m, unsigned int page);

/**
 * tdp_model_guest_reaches() - whether a guest's access finds memory
 * @m: the model
 * @page: of the GPAs
 *
 * The same, but for what is known to fail on this kernel.
 *
 * Return: true if it does.
 */
bool tdp_model_guest_reaches(const struct tdp_model *m, unsigned int page);

/**
 * tdp_model_slot_create() - KVM_SET_USER_MEMORY_REGION2 of a new slot
 * @m: the model
 * @slot: which
 * @new: gpa, npages, memory and file; no other slot has any of its GPAs or of
 *	its pages of the file
 *
 * Source: slot.recreate: nothing is mapped by it.
 */
void tdp_model_slot_create(struct tdp_model *m, unsigned int slot,
			   const struct tdp_model_slot *new);

/**
 * tdp_model_slot_delete() - the end of a slot
 * @m: the model
 * @slot: which
 *
 * Source: slot.delete, slot.zap-all, slot.zap-own.
 */
void tdp_model_slot_delete(struct tdp_model *m, unsigned int slot);

/**
 * tdp_model_slot_move() - a slot gets another address
 * @m: the model
 * @slot: which; it has no guest_memfd
 * @gpa: its new first page
 *
 * Source: slot.move, slot.zap-all, slot.zap-own.
 */
void tdp_model_slot_move(struct tdp_model *m, unsigned int slot,
			 unsigned int gpa);

/**
 * tdp_model_slot_log() - logging of dirty pages starts or ends
 * @m: the model
 * @slot: which; it has no guest_memfd
 * @on: starts
 *
 * Source: split.dirty-log-eager, split.dirty-log-lazy, split.merge, slot.flags.
 */
void tdp_model_slot_log(struct tdp_model *m, unsigned int slot, bool on);

/**
 * tdp_model_set_private() - KVM_SET_MEMORY_ATTRIBUTES
 * @m: the model
 * @first: first page of the GPAs
 * @nr: number of pages
 * @is_private: what they become
 *
 * Source: attr.convert-unmaps, attr.same, tdx.convert, tdx.zap.
 */
void tdp_model_set_private(struct tdp_model *m, unsigned int first,
			   unsigned int nr, bool is_private);

/**
 * tdp_model_access() - a vCPU accesses a page that tdp_model_guest_reaches()
 * @m: the model
 * @vcpu: which
 * @page: of the GPAs
 * @how: TDP_READ or TDP_WRITE
 *
 * Source: map.access, huge.backing, huge.alignment, huge.slot-edge, attr.mixed,
 * attr.uniform, split.dirty-log, split.merge.
 */
void tdp_model_access(struct tdp_model *m, unsigned int vcpu,
		      unsigned int page, enum tdp_model_access how);

/**
 * tdp_model_run() - a vCPU runs and accesses nothing
 * @m: the model
 * @vcpu: which
 */
void tdp_model_run(struct tdp_model *m, unsigned int vcpu);

/**
 * tdp_model_prefault() - KVM_PRE_FAULT_MEMORY
 * @m: the model
 * @vcpu: whose
 * @first: first page of the GPAs
 * @nr: number of pages
 *
 * Source: map.prefault, map.prefault-progress, tdx.prefault,
 * tdx.prefault-errno.
 *
 * Return: how many pages it populates before it ends; @nr if all.
 */
unsigned int tdp_model_prefault(struct tdp_model *m, unsigned int vcpu,
				unsigned int first, unsigned int nr);

/**
 * tdp_model_add() - KVM_TDX_INIT_MEM_REGION
 * @m: the model; of a TD
 * @vcpu: whose
 * @first: first page of the GPAs
 * @nr: number of pages, none of which TDP_MAY be mapped
 *
 * Source: tdx.add-maps, tdx.add-progress, tdx.add-errno, tdx.add-twice,
 * tdx.add-final.
 *
 * Return: how many pages it adds before it ends; @nr if all.
 */
unsigned int tdp_model_add(struct tdp_model *m, unsigned int vcpu,
			   unsigned int first, unsigned int nr);

/**
 * tdp_model_finalize() - KVM_TDX_FINALIZE_VM
 * @m: the model; of a TD
 */
void tdp_model_finalize(struct tdp_model *m);

/**
 * tdp_model_hole() - fallocate(PUNCH_HOLE) on the guest_memfd
 * @m: the model
 * @first: first page of the file
 * @nr: number of pages
 *
 * Source: gmem.punch-hole, tdx.zap.
 */
void tdp_model_hole(struct tdp_model *m, unsigned int first, unsigned int nr);

/**
 * tdp_model_drop() - MADV_DONTNEED on memory
 * @m: the model
 * @first: first page of memory
 * @nr: number of pages; of hugetlb memory whole ranges
 *
 * Source: split.zap-part, split.remap, slot.alias.
 */
void tdp_model_drop(struct tdp_model *m, unsigned int first, unsigned int nr);

/**
 * tdp_model_deny() - mprotect(PROT_NONE) on memory
 * @m: the model
 * @first: first page of memory
 * @nr: number of pages; of hugetlb memory whole ranges
 *
 * Source: split.zap-part, slot.alias.
 */
void tdp_model_deny(struct tdp_model *m, unsigned int first, unsigned int nr);

/**
 * tdp_model_allow() - undo tdp_model_deny() for all memory
 * @m: the model
 */
void tdp_model_allow(struct tdp_model *m);

/**
 * tdp_model_touch() - the process writes to its memory, where it is not denied
 * @m: the model
 * @first: first page of memory
 * @nr: number of pages
 *
 * Source: split.remap: a zero page becomes another one.
 */
void tdp_model_touch(struct tdp_model *m, unsigned int first, unsigned int nr);

/**
 * tdp_model_may_access() - vCPUs are at work meanwhile
 * @m: the model
 * @first: first page of the GPAs
 * @nr: number of pages
 *
 * To be called before and after each other operation that vCPUs run beside:
 * whatever can be reached may have been accessed.  Source: walk.concurrent.
 */
void tdp_model_may_access(struct tdp_model *m, unsigned int first,
			  unsigned int nr);

#endif /* SELFTEST_TDP_MODEL_H */
