/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TDs: creating, populating, finalizing and running them on the KVM library.
 *
 * A TD is a struct kvm_vm, and most of the library works on it: vm_alloc*(),
 * vm_alloc_shared(), virt_map(), sync_global_to_guest(), vcpu_run(), ucalls,
 * exception handlers.  What the host writes into a TD's memory has to be there
 * before the TD is finalized; shared memory can be written at any time.
 * Registers of a vCPU can be neither read nor written.
 */
#ifndef SELFTEST_TDX_TD_H
#define SELFTEST_TDX_TD_H

#include "tdp_util.h"
#include "tdx/tdx_cmd.h"

/*
 * TDs here have GPAs of 48 bits, unless td_use_gpa_bits() says otherwise; the
 * highest of them says shared.
 */
#define TD_GPA_BITS	48
#define TD_SHARED_BIT	BIT_ULL(TD_GPA_BITS - 1)

/* Attributes and XFAM; source: TDX Module ABI, ATTRIBUTES and XFAM. */
#define TD_ATTR_DEBUG		BIT_ULL(0)
#define TD_ATTR_SEPT_VE_DISABLE	BIT_ULL(28)
#define TD_XFAM_FP_SSE		0x3

/* The slot of the page that vCPUs start in; slot 0 is all else of the TD. */
#define TD_BOOT_SLOT	1

/**
 * td_host_lacks() - why no case with TDs can run on this host
 *
 * Return: one sentence without a full stop, or NULL if it can.
 */
const char *td_host_lacks(void);

/**
 * td_use_gpa_bits() - how many bits the GPAs of further TDs have
 * @bits: TD_GPA_BITS, or 52, which takes an EPT of five levels
 */
void td_use_gpa_bits(u32 bits);

/*
 * The first of the words that name a TD's configuration, its owner and the
 * owner's configuration; each further word is one more.
 */
#define TD_MRCONFIGID		0xc0f16000ULL
#define TD_MROWNER		0x03e40000ULL
#define TD_MROWNERCONFIG	0x03ec0000ULL
#define TD_NR_MR_WORDS		6

/**
 * td_open() - create a TD, and nothing of it
 *
 * KVM_CREATE_VM, and what the KVM library has to know of a TD's addresses.
 * For tests of what comes afterwards; others call td_create().
 *
 * Return: the TD.
 */
struct kvm_vm *td_open(void);

/**
 * td_init() - KVM_TDX_INIT_VM with the configuration of a TD of td_create()
 * @vm: a TD from td_open()
 */
void td_init(struct kvm_vm *vm);

/**
 * td_init_params() - that configuration, to be changed before it is used
 * @vm: a TD from td_open()
 *
 * SEPT_VE_DISABLE is set, so that an access to a private page that was not
 * accepted ends the TD and is no #VE; XFAM has x87 and SSE; every CPUID bit
 * that the host may choose is as KVM supports it; GPAs are as wide as the
 * TD was opened with.
 *
 * Return: parameters for __tdx_init_vm(); free() them.
 */
struct kvm_tdx_init_vm *td_init_params(struct kvm_vm *vm);

/**
 * td_create() - create a TD that lacks vCPUs only
 * @nr_vcpus: the most vCPUs that it will have
 *
 * Slot 0 holds this program's code and data, the stacks and the TD's page
 * tables, slot TD_BOOT_SLOT the code from the reset vector on.  KVM asks
 * userspace for conversions (KVM_HC_MAP_GPA_RANGE).
 *
 * Return: the TD, not finalized.
 */
struct kvm_vm *td_create(u32 nr_vcpus);

/**
 * td_vcpu_add() - add a vCPU
 * @vm: a TD that is not finalized
 * @id: the vCPU's id
 * @guest_code: where it starts, in 64-bit mode; must not return
 * @arg: the function's first argument
 *
 * Return: the vCPU, initialized.
 */
struct kvm_vcpu *td_vcpu_add(struct kvm_vm *vm, u32 id, void *guest_code,
			     u64 arg);

/**
 * td_vcpu_add_bare() - add a vCPU that is not initialized and never runs
 * @vm: a TD that went through td_init()
 * @id: the vCPU's id
 *
 * The vCPU has its CPUID; __tdx_init_vcpu() comes next.
 *
 * Return: the vCPU.
 */
struct kvm_vcpu *td_vcpu_add_bare(struct kvm_vm *vm, u32 id);

/**
 * __td_try_vcpu() - whether KVM lets a TD have one more vCPU
 * @vm: a TD
 * @id: the vCPU's id
 *
 * The vCPU's file descriptor is closed again; the vCPU stays.
 *
 * Return: 0; -EIO for a TD that is not initialized, or finalized; -EINVAL
 * without a split interrupt controller or for a vCPU too many.
 */
int __td_try_vcpu(struct kvm_vm *vm, u32 id);

/**
 * td_create_idle() - create a TD with one vCPU that never runs
 * @vcpu: out: vCPU 0, initialized
 *
 * It has no slot, hence no program; what needs no more is there in a fraction
 * of the time that td_create() takes.
 *
 * Return: the TD, not finalized.
 */
struct kvm_vm *td_create_idle(struct kvm_vcpu **vcpu);

/**
 * typedef td_range_fn - do something with pages that a TD is to start with
 * @vcpu: the TD's first vCPU
 * @gpa: the first page, in bytes
 * @source: their contents, in the slot's own memory
 * @npages: number of 4K pages
 * @arg: the caller's
 */
typedef void (*td_range_fn)(struct kvm_vcpu *vcpu, u64 gpa, void *source,
			    u64 npages, void *arg);

/**
 * td_visit_ranges() - the ranges that td_finalize() adds, in its order
 * @vm: a TD with at least one vCPU
 * @fn: called for each range
 * @arg: for @fn
 */
void td_visit_ranges(struct kvm_vm *vm, td_range_fn fn, void *arg);

/**
 * td_finalize() - populate a TD and finalize it
 * @vm: a TD with at least one vCPU
 *
 * Every page of its slots that was allocated as private (vm_alloc*() and their
 * like) gets the private attribute and goes into the TD with the contents that
 * the slot's own memory has, not measured.  Call it after the last slot was added
 * and the last private page was written; td_create_with_one_vcpu() does it.
 */
void td_finalize(struct kvm_vm *vm);

/**
 * td_create_with_one_vcpu() - create a TD that can run
 * @vcpu: out: vCPU 0
 * @guest_code: where it starts
 *
 * Return: the TD, finalized; kvm_vm_free() it.
 */
struct kvm_vm *td_create_with_one_vcpu(struct kvm_vcpu **vcpu,
				       void *guest_code);

/**
 * td_map_private() - let the TD see GPAs as private
 * @vm: a TD that is not finalized
 * @gva: the first virtual address, a multiple of the page size
 * @gpa: the first GPA, a multiple of the page size, in a slot
 * @npages: number of 4K pages
 *
 * Fills the TD's own page tables only: the pages neither get the attribute nor
 * are they populated.
 */
void td_map_private(struct kvm_vm *vm, u64 gva, u64 gpa, u64 npages);

/**
 * td_map_shared() - let the TD see GPAs as shared
 * @vm: as above
 * @gva: as above; not the same as that of td_map_private()
 * @gpa: as above, without the shared bit
 * @npages: as above
 */
void td_map_shared(struct kvm_vm *vm, u64 gva, u64 gpa, u64 npages);

/**
 * td_handle_map_gpa() - do what a TD's MapGPA asked for
 * @vcpu: a vCPU that left with KVM_EXIT_HYPERCALL
 *
 * KVM_SET_MEMORY_ATTRIBUTES, and success for the TD when it runs again.
 * Source: api.rst, KVM_HC_MAP_GPA_RANGE.
 */
void td_handle_map_gpa(struct kvm_vcpu *vcpu);

#endif /* SELFTEST_TDX_TD_H */
