// SPDX-License-Identifier: GPL-2.0
/* Private pages that are taken from a TD. */
#include "tdx/td_test.h"
#include "tdx/tdcall.h"

#define NPAGES		16
#define SIZE		(NPAGES * PAGE_SIZE)

/* What is taken. */
#define FIRST		5
#define NR		4

FIXTURE(zap) {
	struct tdp_vm t;
	u64 pfns[NPAGES];
};

FIXTURE_VARIANT(zap) {
	bool finalized;
};

FIXTURE_VARIANT_ADD(zap, under_construction) {
	.finalized = false,
};

FIXTURE_VARIANT_ADD(zap, finalized) {
	.finalized = true,
};

/* All pages of the slot are the TD's. */
FIXTURE_SETUP(zap)
{
	struct tdp_vm *t = &self->t;

	td_vm_create_idle(t);
	tdp_vm_add_slot(t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, NPAGES);
	tdp_vm_touch(t);
	tdx_init_mem_region(t->vcpu, t->hva, t->gpa, NPAGES, 0);
	if (variant->finalized)
		tdx_finalize_vm(t->vm);
	tdp_vm_pfns(t, t->gpa, NPAGES, true, self->pfns);
	ASSERT_TD_PRIVATE(t->vcpu, t->gpa, NPAGES, self->pfns);
}

FIXTURE_TEARDOWN(zap)
{
	tdp_vm_free(&self->t);
}

/* The part is gone from both roots, and the rest is as it was. */
static void expect_part_gone(struct __test_metadata *_metadata,
			     struct tdp_vm *t, const u64 *pfns)
{
	u64 gpa = t->gpa + FIRST * PAGE_SIZE, behind = FIRST + NR;

	EXPECT_TDP_ABSENT(t->vcpu, gpa, NR);
	EXPECT_TDP_ABSENT(t->vcpu, gpa | TD_SHARED_BIT, NR);
	EXPECT_TD_PRIVATE(t->vcpu, t->gpa, FIRST, pfns);
	EXPECT_TD_PRIVATE(t->vcpu, t->gpa + behind * PAGE_SIZE, NPAGES - behind,
			  pfns + behind);
	EXPECT_EQ(tdp_stats(t->vm).pages[PG_LEVEL_4K], NPAGES - NR);
}

/* As the TD's state allows: by pre-fault, or added anew. */
static void populate(struct tdp_vm *t, bool finalized, u64 gpa, u64 nr)
{
	if (finalized)
		tdp_prefault(t->vcpu, gpa, nr * PAGE_SIZE);
	else
		tdx_init_mem_region(t->vcpu, t->hva, gpa, nr, 0);
}

/* Rules: tdx.zap tdx.two-roots */
TEST_F(zap, hole)
{
	struct tdp_vm *t = &self->t;
	u64 gpa = t->gpa + FIRST * PAGE_SIZE, i;

	vm_guest_mem_punch_hole(t->vm, gpa, NR * PAGE_SIZE);
	expect_part_gone(_metadata, t, self->pfns);
	for (i = 0; i < NR; i++)
		EXPECT_EQ(tdp_gmem_pfn(t->gmem_fd, (FIRST + i) * PAGE_SIZE),
			  TDP_NO_PFN);

	populate(t, variant->finalized, gpa, NR);
	tdp_vm_pfns(t, t->gpa, NPAGES, true, self->pfns);
	EXPECT_TD_PRIVATE(t->vcpu, t->gpa, NPAGES, self->pfns);
}

/* Rules: tdx.zap tdx.convert tdx.two-roots */
TEST_F(zap, conversion)
{
	struct tdp_vm *t = &self->t;
	u64 gpa = t->gpa + FIRST * PAGE_SIZE;
	u64 shared[NR];

	vm_mem_set_shared(t->vm, gpa, NR * PAGE_SIZE);
	expect_part_gone(_metadata, t, self->pfns);
	if (!variant->finalized)
		return;

	tdp_prefault(t->vcpu, gpa, NR * PAGE_SIZE);
	tdp_vm_pfns(t, gpa, NR, false, shared);
	EXPECT_TD_SHARED(t->vcpu, gpa, NR, PG_LEVEL_4K, shared);

	vm_mem_set_private(t->vm, gpa, NR * PAGE_SIZE);
	expect_part_gone(_metadata, t, self->pfns);
	tdp_prefault(t->vcpu, gpa, NR * PAGE_SIZE);
	EXPECT_TD_PRIVATE(t->vcpu, t->gpa, NPAGES, self->pfns);
}

/* Rules: tdx.zap tdx.two-roots */
TEST_F(zap, end_of_slot)
{
	struct tdp_vm *t = &self->t;
	struct userspace_mem_region *region = memslot2region(t->vm, TDP_SLOT);

	vm_mem_region_reload(t->vm, TDP_SLOT);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, NPAGES);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa | TD_SHARED_BIT, NPAGES);
	EXPECT_EQ(tdp_stats(t->vm).pages[PG_LEVEL_4K], 0);

	/* The file has kept its pages. */
	ASSERT_EQ(region->region.guest_memfd, t->gmem_fd);
	populate(t, variant->finalized, t->gpa, NPAGES);
	EXPECT_TD_PRIVATE(t->vcpu, t->gpa, NPAGES, self->pfns);
}

TD_HARNESS_MAIN
