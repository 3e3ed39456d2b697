// SPDX-License-Identifier: GPL-2.0
#include <linux/fs.h>

#include "tdp_truth.h"

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT		BIT_ULL(63)
#define PAGEMAP_PFN		GENMASK_ULL(54, 0)

/*
 * The file shows the process that opened it, so that one that was forked opens its
 * own.  Not for each question: to open it takes longer than to read a page's PFN.
 * Each thread has its own, so that none closes another's.
 */
static int tdp_pagemap_fd(void)
{
	static __thread int fd = -1;
	static __thread pid_t owner;

	if (owner == getpid())
		return fd;
	if (owner)
		close(fd);
	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	TDP_ASSERT(fd >= 0, "Cannot open /proc/self/pagemap: %s",
		   strerror(errno));
	owner = getpid();
	return fd;
}

static u64 tdp_pagemap_pfn(u64 entry)
{
	if (!(entry & PAGEMAP_PRESENT))
		return TDP_NO_PFN;
	TDP_ASSERT(entry & PAGEMAP_PFN,
		   "/proc/self/pagemap hides PFNs: run as root");
	return entry & PAGEMAP_PFN;
}

void tdp_hva_pfns(const void *hva, u64 nr, u64 *pfns)
{
	off_t offset = (uintptr_t)hva / PAGE_SIZE * sizeof(*pfns);
	size_t size = nr * sizeof(*pfns);
	int fd = tdp_pagemap_fd();
	ssize_t r;
	u64 i;

	r = pread(fd, pfns, size, offset);
	TDP_ASSERT(r == (ssize_t)size, "Read %zd of %zu bytes of pagemap at %p",
		   r, size, hva);

	for (i = 0; i < nr; i++)
		pfns[i] = tdp_pagemap_pfn(pfns[i]);
}

u64 tdp_hva_pfn(const void *hva)
{
	u64 pfn;

	tdp_hva_pfns(hva, 1, &pfn);
	return pfn;
}

bool tdp_hva_is_huge(const void *hva, u64 size)
{
	struct page_region region = {};
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.start = (uintptr_t)hva,
		.end = (uintptr_t)hva + size,
		.vec = (uintptr_t)&region,
		.vec_len = 1,
		.category_mask = PAGE_IS_PRESENT | PAGE_IS_HUGE,
		.return_mask = PAGE_IS_PRESENT | PAGE_IS_HUGE,
	};
	int fd = tdp_pagemap_fd();
	int r = ioctl(fd, PAGEMAP_SCAN, &arg);

	TDP_ASSERT(r >= 0, "PAGEMAP_SCAN at %p failed: %s", hva, strerror(errno));
	return r == 1 && region.start == arg.start && region.end == arg.end;
}

u64 tdp_gmem_pfn(int gmem_fd, u64 offset)
{
	u64 pfn;

	tdp_gmem_pfns(gmem_fd, offset & ~(PAGE_SIZE - 1), 1, &pfn);
	return pfn;
}

struct tdp_stats tdp_stats(struct kvm_vm *vm)
{
	return (struct tdp_stats) {
		.pages[PG_LEVEL_4K] = vm_get_stat(vm, pages_4k),
		.pages[PG_LEVEL_2M] = vm_get_stat(vm, pages_2m),
		.pages[PG_LEVEL_1G] = vm_get_stat(vm, pages_1g),
	};
}

s64 tdp_stats_since(struct kvm_vm *vm, const struct tdp_stats *before, int level)
{
	struct tdp_stats now = tdp_stats(vm);

	return now.pages[level] - before->pages[level];
}
