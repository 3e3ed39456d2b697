/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * ABI of the probe, /dev/kvm_tdp_walk: what the module and the tests share.
 *
 * The probe reports facts about KVM's second-level page tables and passes no
 * verdict.  Every address is in bytes unless a name says otherwise, every PFN
 * counts 4K pages, every level is a PG_LEVEL_* (1 is 4K, 2 is 2M, 3 is 1G).
 *
 * All structures have the same layout in 32-bit and 64-bit userspace.  Flags
 * that are not defined here and reserved fields must be zero, else -EINVAL.
 */
#ifndef _KVM_TDP_WALK_H
#define _KVM_TDP_WALK_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define KVM_TDP_WALK_DEVICE		"/dev/kvm_tdp_walk"

/* Changes with every incompatible change of this file. */
#define KVM_TDP_WALK_ABI		1

/* The most GPAs, or pages of a guest_memfd, that one ioctl takes. */
#define KVM_TDP_WALK_MAX_COUNT		0x40000

/* Stands where no PFN was reported; no page has this PFN. */
#define KVM_TDP_WALK_NO_PFN		(~0ULL)

/* How to walk. */
enum kvm_tdp_walk_method {
	/* KVM's own kvm_tdp_mmu_gpa_to_pfn(). */
	KVM_TDP_WALK_HELPER,
	/* The probe's own reading of the page tables. */
	KVM_TDP_WALK_TABLE,
	KVM_TDP_WALK_NR_METHODS,
};

/**
 * struct kvm_tdp_walk_info - what this probe can do
 * @abi: KVM_TDP_WALK_ABI of the module
 * @methods: bit n is set if method n is usable on this kernel
 * @max_count: KVM_TDP_WALK_MAX_COUNT of the module
 * @reserved: zero
 */
struct kvm_tdp_walk_info {
	__u32 abi;
	__u32 methods;
	__u64 max_count;
	__u64 reserved[2];
};

/* A root page table is loaded; the fields that describe it are valid. */
#define KVM_TDP_ROOT_DIRECT		0x1
/* So is a mirror root, KVM's copy of the Secure EPT. */
#define KVM_TDP_ROOT_MIRROR		0x2
/* The direct root belongs to the TDP MMU, not to the shadow MMU. */
#define KVM_TDP_ROOT_TDP_MMU		0x4
/* The direct root is invalidated: the vCPU drops it before it runs again. */
#define KVM_TDP_ROOT_INVALID		0x8

/**
 * struct kvm_tdp_roots - the roots that a vCPU has loaded
 * @vcpu_fd: in: file descriptor of the vCPU
 * @flags: in: zero
 * @roots: out: KVM_TDP_ROOT_*
 * @level: out: level of the direct root (4 or 5 with the TDP MMU), 0 without one
 *	and for a root of the shadow MMU that is no page table
 * @as_id: out: address space of the direct root (0 normal, 1 SMM)
 * @reserved32: zero
 * @shared_bits: out: GPA bits that make a GPA a shared one (0 but for a TD)
 * @reserved: zero
 */
struct kvm_tdp_roots {
	__s32 vcpu_fd;
	__u32 flags;
	__u32 roots;
	__u32 level;
	__u32 as_id;
	__u32 reserved32;
	__u64 shared_bits;
	__u64 reserved[2];
};

/* Walk for a private page: the mirror root where the VM has one. */
#define KVM_TDP_WALK_PRIVATE		0x1

/**
 * struct kvm_tdp_walk_entry - the answer for one GPA
 * @ret: level of the leaf, or -ENOENT, or -EOPNOTSUPP (no TDP MMU)
 * @level: TABLE: level at which the walk ended, 0 if it did not begin.  HELPER:
 *	level of the leaf, 0 without one
 * @pfn: HELPER: what the helper left in *pfn, which the probe sets to
 *	KVM_TDP_WALK_NO_PFN before each call.  TABLE: base PFN of the leaf, or
 *	KVM_TDP_WALK_NO_PFN
 * @spte: TABLE: the last SPTE that was read, 0 if none.  HELPER: 0
 */
struct kvm_tdp_walk_entry {
	__s32 ret;
	__u32 level;
	__u64 pfn;
	__u64 spte;
};

/**
 * struct kvm_tdp_walk - walk many GPAs, all under one hold of mmu_lock
 * @vcpu_fd: file descriptor of a vCPU; its loaded roots are walked
 * @method: enum kvm_tdp_walk_method
 * @flags: KVM_TDP_WALK_PRIVATE or zero
 * @reserved32: zero
 * @gpa: the first GPA, in bytes; need not be aligned
 * @stride: bytes from one GPA to the next; may be zero
 * @count: number of GPAs, 1 to KVM_TDP_WALK_MAX_COUNT
 * @entries: user address of @count struct kvm_tdp_walk_entry
 * @reserved: zero
 */
struct kvm_tdp_walk {
	__s32 vcpu_fd;
	__u32 method;
	__u32 flags;
	__u32 reserved32;
	__u64 gpa;
	__u64 stride;
	__u64 count;
	__u64 entries;
	__u64 reserved[2];
};

/**
 * struct kvm_tdp_gmem - which PFNs a guest_memfd's page cache holds
 * @gmem_fd: file descriptor of the guest_memfd
 * @flags: zero
 * @offset: first byte in the guest_memfd; a multiple of 4096
 * @count: number of pages, 1 to KVM_TDP_WALK_MAX_COUNT
 * @pfns: user address of @count __u64; KVM_TDP_WALK_NO_PFN marks a hole
 * @reserved: zero
 */
struct kvm_tdp_gmem {
	__s32 gmem_fd;
	__u32 flags;
	__u64 offset;
	__u64 count;
	__u64 pfns;
	__u64 reserved[2];
};

/**
 * struct kvm_tdp_sept_entry - what the TDX module says of one private GPA
 * @status: completion code (RAX) of TDH.MEM.SEPT.RD for the 4K entry of the GPA
 * @entry: RCX: the entry, or, if the walk ended early, the last that it found
 * @info: RDX: level of @entry in bits 2:0 (0 is 4K), its state in bits 15:8
 * @page_status: completion code of TDH.PHYMEM.PAGE.RDMD for the page that @entry
 *	maps; only for a leaf, else zero, as are the next two
 * @page_type: RCX: the page's type
 * @page_owner: RDX: physical address of the owner's TDR, in bytes
 *
 * Codes, types and states are those of Intel's TDX Module ABI, uninterpreted.
 */
struct kvm_tdp_sept_entry {
	__u64 status;
	__u64 entry;
	__u64 info;
	__u64 page_status;
	__u64 page_type;
	__u64 page_owner;
};

/**
 * struct kvm_tdp_sept - ask the TDX module what a TD's Secure EPT holds
 * @vcpu_fd: file descriptor of a vCPU of the TD
 * @flags: zero
 * @gpa: the first GPA, in bytes, a multiple of 4096 without the shared bit
 * @stride: bytes from one GPA to the next, a multiple of 4096
 * @count: number of GPAs, 1 to KVM_TDP_WALK_MAX_COUNT
 * @entries: user address of @count struct kvm_tdp_sept_entry
 * @tdr: out: physical address of the TD's TDR, in bytes
 * @reserved: zero
 *
 * Neither KVM's tables nor KVM's view of the TD have a part in the answers, but
 * for where the TDR is.  Not a snapshot: the Secure EPT may change between two
 * GPAs, and a change in progress shows as TDX_OPERAND_BUSY.
 */
struct kvm_tdp_sept {
	__s32 vcpu_fd;
	__u32 flags;
	__u64 gpa;
	__u64 stride;
	__u64 count;
	__u64 entries;
	__u64 tdr;
	__u64 reserved[2];
};

/**
 * struct kvm_tdp_module - ask the TDX module for a field of its own
 * @vcpu_fd: file descriptor of a vCPU of a TD
 * @flags: zero
 * @field: the field's identifier, as Intel's TDX Module ABI has it
 * @status: out: completion code (RAX) of TDH.SYS.RD
 * @value: out: R8, the field's value if @status is zero
 * @reserved: zero
 */
struct kvm_tdp_module {
	__s32 vcpu_fd;
	__u32 flags;
	__u64 field;
	__u64 status;
	__u64 value;
	__u64 reserved[2];
};

/*
 * Errors of every ioctl: -EINVAL for unknown flags or methods, a non-zero
 * reserved field, a count of zero, a range past 2^64, or a file descriptor
 * that is open but is no vCPU (no guest_memfd); -EBADF for one that is not
 * open; -E2BIG for a count above KVM_TDP_WALK_MAX_COUNT; -EFAULT for memory
 * that cannot be written; -ENOMEM; -ENOTTY for an unknown ioctl.
 * KVM_TDP_WALK alone: -EOPNOTSUPP if the kernel lacks the method.
 * KVM_TDP_SEPT and KVM_TDP_MODULE: -EOPNOTSUPP for a VM that is no TD, or a kernel without
 * them; -ENXIO for a TD without a TDR; -EINTR.
 * After an error the output may have been written in part.
 */
#define KVM_TDP_WALK_INFO	_IOR(0xB7, 0x00, struct kvm_tdp_walk_info)
#define KVM_TDP_ROOTS		_IOWR(0xB7, 0x01, struct kvm_tdp_roots)
#define KVM_TDP_WALK		_IOW(0xB7, 0x02, struct kvm_tdp_walk)
#define KVM_TDP_GMEM		_IOW(0xB7, 0x03, struct kvm_tdp_gmem)
#define KVM_TDP_SEPT		_IOWR(0xB7, 0x04, struct kvm_tdp_sept)
#define KVM_TDP_MODULE		_IOWR(0xB7, 0x05, struct kvm_tdp_module)

#endif /* _KVM_TDP_WALK_H */
