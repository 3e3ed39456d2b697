/* SPDX-License-Identifier: GPL-2.0 */
/* Where expectations come from: never from what is being judged. */
#ifndef SELFTEST_TDP_TRUTH_H
#define SELFTEST_TDP_TRUTH_H

#include "tdp_walk.h"

/**
 * tdp_hva_pfns() - the pages behind a range of this process's memory
 * @hva: first address, a multiple of the page size
 * @nr: number of 4K pages
 * @pfns: out: @nr PFNs, TDP_NO_PFN for a page that is not present
 *
 * Reads /proc/self/pagemap, so the page tables of the process, not KVM's, are
 * the source.  Does not fault anything in.  Ends the case as failed if PFNs
 * are hidden from it (CAP_SYS_ADMIN is needed).
 */
void tdp_hva_pfns(const void *hva, u64 nr, u64 *pfns);

/**
 * tdp_hva_pfn() - the page behind one address
 * @hva: any address in it
 *
 * Return: the PFN, or TDP_NO_PFN if the page is not present.
 */
u64 tdp_hva_pfn(const void *hva);

/**
 * tdp_hva_is_huge() - whether the process maps all of a range with huge pages
 * @hva: first address, a multiple of the page size
 * @size: bytes
 *
 * True for hugetlb memory that is present and for transparent huge pages that
 * are mapped as such.  A huge leaf in KVM's tables needs one in the process's.
 * Source: PAGEMAP_SCAN, Documentation/admin-guide/mm/pagemap.rst.
 *
 * Return: true if it does.
 */
bool tdp_hva_is_huge(const void *hva, u64 size);

/**
 * tdp_gmem_pfn() - the page that a guest_memfd's page cache holds at an offset
 * @gmem_fd: the guest_memfd
 * @offset: any byte offset in the page
 *
 * Return: the PFN, or TDP_NO_PFN for a hole.
 */
u64 tdp_gmem_pfn(int gmem_fd, u64 offset);

/**
 * struct tdp_stats - how many leaves KVM counts
 * @pages: number of leaves by level, PG_LEVEL_4K to PG_LEVEL_1G
 */
struct tdp_stats {
	u64 pages[PG_LEVEL_1G + 1];
};

/**
 * tdp_stats() - KVM's statistics pages_4k, pages_2m and pages_1g of a VM
 * @vm: the VM
 *
 * Counts the leaves of all roots and slots of the VM, slot 0 with the guest's
 * own code among them: compare differences.
 *
 * Return: the counts of this moment.
 */
struct tdp_stats tdp_stats(struct kvm_vm *vm);

/**
 * tdp_stats_since() - what was added to the counts
 * @vm: the VM
 * @before: an earlier tdp_stats() of it
 * @level: level of the leaves
 *
 * Return: number of leaves of @level now, less that number before.
 */
s64 tdp_stats_since(struct kvm_vm *vm, const struct tdp_stats *before, int level);

#endif /* SELFTEST_TDP_TRUTH_H */
