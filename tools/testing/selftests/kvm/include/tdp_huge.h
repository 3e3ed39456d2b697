/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that is backed by huge pages, and slots that cut it anywhere. */
#ifndef SELFTEST_TDP_HUGE_H
#define SELFTEST_TDP_HUGE_H

#include "tdp_slot.h"

/**
 * tdp_huge_alloc() - memory whose pages all exist, in the size that @src says
 * @src: VM_MEM_SRC_ANONYMOUS (4K pages), VM_MEM_SRC_ANONYMOUS_THP or
 *	VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB
 * @size: bytes, a multiple of 2M
 *
 * Keeps khugepaged away from the memory, so that what a test splits is not put
 * together behind its back.  Lives until the process ends.
 *
 * Return: an address that is a multiple of 2M, or NULL if the host has no huge
 * pages to give at the moment.
 */
void *tdp_huge_alloc(enum vm_mem_backing_src_type src, u64 size);

/**
 * tdp_huge_vm_create() - a VM, and a slot not yet known to KVM
 * @t: out: the VM; @t->hva is memory from tdp_huge_alloc() for @npages, at
 *	@t->gpa, with a guest_memfd of the same size if @mem asks for one
 * @mem: the kind of memory
 * @src: backing of the slot's own memory
 * @npages: number of 4K pages, a multiple of 512
 *
 * The guest sees, and the attribute covers, 512 pages more than the slot has, so
 * that a test can move it a little.  Call tdp_slot_set() to create it.
 *
 * Return: false if the host has no huge pages to give at the moment.
 */
bool tdp_huge_vm_create(struct tdp_vm *t, const struct tdp_mem *mem,
			enum vm_mem_backing_src_type src, u64 npages);

/* For use in FIXTURE_SETUP() only: the same, or skip the case. */
#define TDP_SETUP_HUGE(t, mem, src, npages) do {			\
	TDP_REQUIRE_NOT(tdp_mem_lacks(mem));				\
	TDP_REQUIRE_NOT(tdp_backing_lacks(src, (npages) * PAGE_SIZE));	\
	TDP_REQUIRE(tdp_huge_vm_create(t, mem, src, npages),		\
		    "the host has no huge pages to give");		\
} while (0)

/**
 * tdp_check_levels() - all of the slot under test is mapped as a picture says
 * @t: the VM
 * @rets: @t->npages levels or -ENOENT, one for each 4K page of the slot
 * @msg: out: the first difference
 *
 * The PFNs must be those of the backing, guest_memfd if @t->mem is private,
 * else the slot's own memory.
 *
 * Return: true if it is.
 */
bool tdp_check_levels(struct tdp_vm *t, const int *rets, struct tdp_msg *msg);

/* struct tdp_vm *, level or -ENOENT of each 4K page of the slot */
#define ASSERT_TDP_LEVELS(...)	__TDP_JUDGE(1, tdp_check_levels, __VA_ARGS__)
#define EXPECT_TDP_LEVELS(...)	__TDP_JUDGE(0, tdp_check_levels, __VA_ARGS__)

/* Let @nr entries of a picture, from @first on, be @ret. */
static inline void tdp_levels_set(int *rets, u64 first, u64 nr, int ret)
{
	u64 i;

	for (i = 0; i < nr; i++)
		rets[first + i] = ret;
}

#endif /* SELFTEST_TDP_HUGE_H */
