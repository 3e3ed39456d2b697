// SPDX-License-Identifier: GPL-2.0
#include <linux/sizes.h>

#include "tdp_huge.h"

static bool tdp_is_hugetlb(enum vm_mem_backing_src_type src)
{
	return src == VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB;
}

/* Room for @size bytes at a multiple of 2M. */
static void *tdp_huge_map(enum vm_mem_backing_src_type src, u64 size)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *mem;

	if (tdp_is_hugetlb(src))
		flags |= MAP_HUGETLB | MAP_HUGE_2MB;
	else
		size += SZ_2M;

	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (mem == MAP_FAILED)
		return NULL;
	return align_ptr_up(mem, SZ_2M);
}

static void tdp_advise(void *mem, u64 size, int advice)
{
	TDP_ASSERT(!madvise(mem, size, advice), "madvise(%d) failed: %s",
		   advice, strerror(errno));
}

static void tdp_touch(void *mem, u64 size)
{
	u64 i;

	for (i = 0; i < size / PAGE_SIZE; i++)
		WRITE_ONCE(*(u64 *)(mem + i * PAGE_SIZE), i);
}

/* Memory of the host may be in pieces; then ask for it to be put together. */
static bool tdp_thp_populate(void *mem, u64 size)
{
	tdp_advise(mem, size, MADV_HUGEPAGE);
	tdp_touch(mem, size);
	if (!tdp_hva_is_huge(mem, size) &&
	    (madvise(mem, size, MADV_COLLAPSE) || !tdp_hva_is_huge(mem, size)))
		return false;
	tdp_advise(mem, size, MADV_NOHUGEPAGE);
	return true;
}

/* What a huge page is: 512 pages in a row, from a multiple of 512 on. */
static void tdp_assert_huge(const void *mem, u64 size)
{
	u64 pfns[SZ_2M / PAGE_SIZE], at, i;

	TDP_ASSERT(tdp_hva_is_huge(mem, size), "%p is not mapped with huge pages",
		   mem);
	for (at = 0; at < size; at += SZ_2M) {
		tdp_hva_pfns(mem + at, ARRAY_SIZE(pfns), pfns);
		for (i = 0; i < ARRAY_SIZE(pfns); i++)
			TDP_ASSERT(pfns[i] == pfns[0] + i &&
				   pfns[0] % ARRAY_SIZE(pfns) == 0,
				   "Page %lu of the huge page with pfn 0x%lx has pfn 0x%lx",
				   i, pfns[0], pfns[i]);
	}
}

void *tdp_huge_alloc(enum vm_mem_backing_src_type src, u64 size)
{
	void *mem = tdp_huge_map(src, size);

	if (!mem)
		return NULL;

	switch (src) {
	case VM_MEM_SRC_ANONYMOUS:
		tdp_advise(mem, size, MADV_NOHUGEPAGE);
		tdp_touch(mem, size);
		return mem;
	case VM_MEM_SRC_ANONYMOUS_THP:
		if (!tdp_thp_populate(mem, size))
			return NULL;
		break;
	default:
		tdp_touch(mem, size);
		break;
	}

	tdp_assert_huge(mem, size);
	return mem;
}

bool tdp_huge_vm_create(struct tdp_vm *t, const struct tdp_mem *mem,
			enum vm_mem_backing_src_type src, u64 npages)
{
	u64 guest_size = npages * PAGE_SIZE + SZ_2M;
	void *hva = tdp_huge_alloc(src, npages * PAGE_SIZE);

	if (!hva)
		return false;

	tdp_vm_create(t, mem);
	t->gpa = TDP_GPA;
	t->npages = npages;
	t->hva = hva;
	if (mem->gmem)
		t->gmem_fd = vm_create_guest_memfd(t->vm, npages * PAGE_SIZE, 0);
	if (mem->is_private)
		vm_mem_set_private(t->vm, t->gpa, guest_size);
	guest_map(t->vm, t->gpa, guest_size);
	return true;
}

bool tdp_check_levels(struct tdp_vm *t, const int *rets, struct tdp_msg *msg)
{
	u64 *pfns = calloc(t->npages, sizeof(*pfns));
	const struct tdp_expect want = {
		.gpa = t->gpa,
		.stride = PAGE_SIZE,
		.nr = t->npages,
		.rets = rets,
		.pfns = pfns,
	};
	bool ok;

	TDP_ASSERT(pfns, "No memory for %lu PFNs", t->npages);
	tdp_vm_pfns(t, t->gpa, t->npages, t->mem.is_private, pfns);
	ok = tdp_check(t->vcpu, &want, msg);
	free(pfns);
	return ok;
}
