// SPDX-License-Identifier: GPL-2.0
/* Which level a leaf has: by its backing, and by where its slot lies. */
#include "tdp_test.h"
#include "tdp_huge.h"

/* 4K pages in a huge page, and in the memory of these tests: three of them. */
#define HUGE	512
#define NPAGES	(3 * HUGE)

/* Slots reach up to one huge page past TDP_GPA + NPAGES. */
#define NGUEST	(NPAGES + HUGE)

/**
 * struct slot_shape - a slot, and what is in it once it is populated
 * @name: what is special about it
 * @hva: its first page, counted from the memory's first
 * @gpa: its first page, counted from TDP_GPA
 * @npages: its length
 * @head: 4K leaves before the first 2M leaf
 * @huge: 2M leaves; what is left is 4K leaves again
 */
struct slot_shape {
	const char *name;
	u64 hva;
	u64 gpa;
	u64 npages;
	u64 head;
	u64 huge;
};

static const struct slot_shape slot_shapes[] = {
	{ "whole huge pages",		0, 0, NPAGES, 0, 3 },
	{ "starts inside",		7, 7, NPAGES - 7, 505, 2 },
	{ "ends inside",		0, 0, 2 * HUGE + 9, 0, 2 },
	{ "one page on either side",	511, 511, HUGE + 2, 1, 1 },
	{ "one page short of two",	1, 1, 2 * HUGE - 1, 511, 1 },
	{ "within one",			100, 100, 300, 300, 0 },
	{ "parts of two",		300, 300, 700, 700, 0 },
	{ "shifted by a page",		0, 1, NPAGES, NPAGES, 0 },
	{ "shifted back by a page",	1, 0, NPAGES - 1, NPAGES - 1, 0 },
	{ "shifted by half",		0, HUGE / 2, NPAGES, NPAGES, 0 },
	{ "shifted by a huge page",	0, HUGE, NPAGES, 0, 3 },
};

FIXTURE(huge) {
	struct tdp_vm t;
	void *mem;
	int *rets;
};

/*
 * level: of the largest leaf that the memory allows.  Private memory is that of
 * guest_memfd, which has 4K pages only, whatever the slot's own memory is.
 */
FIXTURE_VARIANT(huge) {
	struct tdp_mem mem;
	enum vm_mem_backing_src_type src;
	int level;
};

TDP_VM_VARIANTS_OF(huge, thp, .src = VM_MEM_SRC_ANONYMOUS_THP,
		   .level = PG_LEVEL_2M);
TDP_VM_VARIANTS_OF(huge, hugetlb, .src = VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB,
		   .level = PG_LEVEL_2M);
FIXTURE_VARIANT_ADD(huge, default_vm_small) {
	.mem = TDP_MEM_DEFAULT,
	.src = VM_MEM_SRC_ANONYMOUS,
	.level = PG_LEVEL_4K,
};
FIXTURE_VARIANT_ADD(huge, sw_protected_private_hugetlb) {
	.mem = TDP_MEM_SW_PROTECTED_PRIVATE,
	.src = VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB,
	.level = PG_LEVEL_4K,
};

FIXTURE_SETUP(huge)
{
	struct tdp_vm *t = &self->t;

	TDP_REQUIRE_NOT(tdp_mem_lacks(&variant->mem));
	TDP_REQUIRE_NOT(tdp_backing_lacks(variant->src, NPAGES * PAGE_SIZE));
	self->mem = tdp_huge_alloc(variant->src, NPAGES * PAGE_SIZE);
	TDP_REQUIRE(self->mem, "the host has no huge pages to give");
	self->rets = calloc(NPAGES, sizeof(*self->rets));
	ASSERT_NE(self->rets, NULL);

	tdp_vm_create(t, &variant->mem);
	if (variant->mem.gmem)
		t->gmem_fd = vm_create_guest_memfd(t->vm, NPAGES * PAGE_SIZE, 0);
	if (variant->mem.is_private)
		vm_mem_set_private(t->vm, TDP_GPA, NGUEST * PAGE_SIZE);
	guest_map(t->vm, TDP_GPA, NGUEST * PAGE_SIZE);
}

FIXTURE_TEARDOWN(huge)
{
	free(self->rets);
	tdp_vm_free(&self->t);
}

/* The base PFN and the exact one, without the library's arithmetic. */
static void expect_pfns(struct __test_metadata *_metadata, struct tdp_vm *t,
			u64 base, int level)
{
	static const u64 offsets[] = { 0, 1, HUGE / 2, HUGE - 1 };
	u64 pfns[HUGE], i;
	int method;

	tdp_vm_pfns(t, base, HUGE, t->mem.is_private, pfns);
	for (i = 0; i < 4 * ARRAY_SIZE(offsets); i++) {
		u64 offset = offsets[i / 4];
		u64 gpa = base + offset * PAGE_SIZE + 0x7f8;
		struct kvm_tdp_walk_entry entry;

		method = i & 1 ? KVM_TDP_WALK_HELPER : KVM_TDP_WALK_TABLE;
		if (!tdp_has_method(method))
			continue;
		entry = tdp_walk(t->vcpu, method, i & 2, gpa);
		EXPECT_EQ(entry.ret, level);
		EXPECT_EQ(entry.pfn, pfns[level == PG_LEVEL_2M ? 0 : offset]);
		EXPECT_EQ(tdp_exact_pfn(&entry, gpa), pfns[offset]);
	}
}

/* Rules: huge.backing map.access map.prefault map.stats walk.level walk.absent */
TEST_F(huge, one_access_one_leaf)
{
	static const u64 pages[] = { HUGE + HUGE / 2, 3 * HUGE - 1, 0 };
	u64 nr = tdp_level_pages(variant->level), page, i;
	struct tdp_vm *t = &self->t;
	struct tdp_stats before;

	tdp_vm_set_slot(t, TDP_GPA, self->mem, NPAGES, 0);
	tdp_levels_set(self->rets, 0, NPAGES, -ENOENT);
	before = tdp_stats(t->vm);

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		page = pages[i];
		if (i == 1)
			tdp_prefault(t->vcpu, t->gpa + page * PAGE_SIZE, PAGE_SIZE);
		else
			guest_write(t->vcpu, t->gpa + page * PAGE_SIZE, page);
		tdp_levels_set(self->rets, page - page % nr, nr, variant->level);
		EXPECT_TDP_LEVELS(t, self->rets);
		EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_2M),
			  variant->level == PG_LEVEL_2M ? i + 1 : 0);
		EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_1G), 0);
	}
}

/* Rules: walk.base-pfn walk.level huge.backing */
TEST_F(huge, base_and_exact_pfn)
{
	struct tdp_vm *t = &self->t;

	tdp_vm_set_slot(t, TDP_GPA, self->mem, NPAGES, 0);
	tdp_prefault(t->vcpu, t->gpa, NPAGES * PAGE_SIZE);
	expect_pfns(_metadata, t, t->gpa + HUGE * PAGE_SIZE, variant->level);
}

/* Rules: huge.alignment huge.slot-edge huge.backing map.prefault map.stats */
TEST_F(huge, slot_shapes)
{
	const struct slot_shape *s;
	struct tdp_vm *t = &self->t;
	u64 huge;

	for (s = slot_shapes; s < slot_shapes + ARRAY_SIZE(slot_shapes); s++) {
		struct tdp_stats before = tdp_stats(t->vm);
		struct tdp_msg msg = {};

		tdp_vm_set_slot(t, TDP_GPA + s->gpa * PAGE_SIZE,
				self->mem + s->hva * PAGE_SIZE,
				s->npages, 0);
		tdp_prefault(t->vcpu, t->gpa, s->npages * PAGE_SIZE);

		huge = variant->level == PG_LEVEL_2M ? s->huge : 0;
		tdp_levels_set(self->rets, 0, s->npages, PG_LEVEL_4K);
		tdp_levels_set(self->rets, s->head, huge * HUGE, PG_LEVEL_2M);
		EXPECT_TRUE(tdp_check_levels(t, self->rets, &msg))
			TH_LOG("Slot \"%s\": %s", s->name, msg.text);
		EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_4K),
			  s->npages - huge * HUGE);
		EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_2M), huge);
		EXPECT_TDP_ABSENT(t->vcpu, t->gpa - PAGE_SIZE, 1);
		EXPECT_TDP_ABSENT(t->vcpu, t->gpa + s->npages * PAGE_SIZE, 1);

		tdp_vm_set_slot(t, t->gpa, t->hva, 0, 0);
	}
}

FIXTURE(patchy) {
	struct tdp_vm t;
};

TDP_VM_VARIANTS(patchy);

FIXTURE_SETUP(patchy)
{
	enum vm_mem_backing_src_type src = VM_MEM_SRC_ANONYMOUS_THP;
	struct tdp_vm *t = &self->t;
	void *mem;

	TDP_REQUIRE_NOT(tdp_mem_lacks(&variant->mem));
	TDP_REQUIRE_NOT(tdp_backing_lacks(src, NPAGES * PAGE_SIZE));
	mem = tdp_huge_alloc(src, NPAGES * PAGE_SIZE);
	TDP_REQUIRE(mem, "the host has no huge pages to give");

	tdp_vm_create(t, &variant->mem);
	if (variant->mem.gmem)
		t->gmem_fd = vm_create_guest_memfd(t->vm, NPAGES * PAGE_SIZE, 0);
	tdp_vm_set_slot(t, TDP_GPA, mem, NPAGES, 0);
	guest_map(t->vm, TDP_GPA, NPAGES * PAGE_SIZE);
}

FIXTURE_TEARDOWN(patchy)
{
	tdp_vm_free(&self->t);
}

/*
 * The second huge page is no longer mapped as one by the process; all but one
 * of its pages still are where they were.
 *
 * Rules: huge.backing walk.level walk.base-pfn
 */
TEST_F(patchy, small_page_in_the_middle)
{
	struct tdp_vm *t = &self->t;
	void *page = t->hva + (HUGE + 9) * PAGE_SIZE;
	int rets[NPAGES];

	ASSERT_EQ(madvise(page, PAGE_SIZE, MADV_DONTNEED), 0);
	WRITE_ONCE(*(u64 *)page, 1);
	ASSERT_FALSE(tdp_hva_is_huge(t->hva + SZ_2M, SZ_2M));

	tdp_levels_set(rets, 0, NPAGES, PG_LEVEL_2M);
	tdp_levels_set(rets, HUGE, HUGE, PG_LEVEL_4K);
	guest_write_pages(t->vcpu, t->gpa, NPAGES, 1);
	EXPECT_TDP_LEVELS(t, rets);
}

/*
 * Mapped as 4K pages by the process, though they are a huge page in memory.
 *
 * Rules: huge.backing
 */
TEST_F(patchy, huge_page_mapped_small)
{
	struct tdp_vm *t = &self->t;
	u64 pfn = tdp_hva_pfn(t->hva);
	int rets[NPAGES];

	ASSERT_EQ(mprotect(t->hva, PAGE_SIZE, PROT_READ), 0);
	ASSERT_EQ(mprotect(t->hva, PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
	ASSERT_FALSE(tdp_hva_is_huge(t->hva, SZ_2M));
	ASSERT_EQ(tdp_hva_pfn(t->hva + SZ_2M - PAGE_SIZE), pfn + HUGE - 1);

	tdp_levels_set(rets, 0, NPAGES, PG_LEVEL_2M);
	tdp_levels_set(rets, 0, HUGE, PG_LEVEL_4K);
	tdp_prefault(t->vcpu, t->gpa, NPAGES * PAGE_SIZE);
	EXPECT_TDP_LEVELS(t, rets);
}

TDP_HARNESS_MAIN
