// SPDX-License-Identifier: GPL-2.0
/* Which level a leaf has: by its backing, and by where its slot lies. */
#include "tdp_test.h"
#include "tdp_huge.h"

/* 4K pages in a huge page, and in the memory of these tests: three of them. */
#define HUGE	512
#define NPAGES	(3 * HUGE)

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
	{ "a page missing in front",	1, 1, HUGE - 1, HUGE - 1, 0 },
	{ "a page missing at the end",	0, 0, HUGE - 1, HUGE - 1, 0 },
	{ "inside of one",		100, 100, 50, 50, 0 },
	{ "parts of two",		450, 450, 150, 150, 0 },
	{ "shifted by a page",		0, 1, 2 * HUGE, 2 * HUGE, 0 },
	{ "shifted back by a page",	1, 0, HUGE, HUGE, 0 },
	{ "shifted by half",		0, HUGE / 2, 2 * HUGE, 2 * HUGE, 0 },
	{ "shifted by a huge page",	0, HUGE, 2 * HUGE, 0, 2 },
};

FIXTURE(backing) {
	struct tdp_vm t;
	int rets[NPAGES];
};

/*
 * level: of the largest leaf that the memory allows.  Private memory is that of
 * guest_memfd, which has 4K pages only, whatever the slot's own memory is.
 */
FIXTURE_VARIANT(backing) {
	struct tdp_mem mem;
	enum vm_mem_backing_src_type src;
	int level;
};

TDP_VM_VARIANTS_OF(backing, thp, .src = VM_MEM_SRC_ANONYMOUS_THP,
		   .level = PG_LEVEL_2M);
TDP_VM_VARIANTS_OF(backing, hugetlb, .src = VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB,
		   .level = PG_LEVEL_2M);

FIXTURE_VARIANT_ADD(backing, default_vm_small) {
	.mem = TDP_MEM_DEFAULT,
	.src = VM_MEM_SRC_ANONYMOUS,
	.level = PG_LEVEL_4K,
};

FIXTURE_VARIANT_ADD(backing, sw_protected_private_hugetlb) {
	.mem = TDP_MEM_SW_PROTECTED_PRIVATE,
	.src = VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB,
	.level = PG_LEVEL_4K,
};

FIXTURE_SETUP(backing)
{
	TDP_SETUP_HUGE(&self->t, &variant->mem, variant->src, NPAGES);
	tdp_slot_set(&self->t, TDP_SLOT, 0);
}

FIXTURE_TEARDOWN(backing)
{
	tdp_vm_free(&self->t);
}

/* The base PFN and the exact one, without the library's arithmetic. */
static void expect_pfns(struct __test_metadata *_metadata, struct tdp_vm *t,
			u64 page, int level)
{
	u64 first = page - page % tdp_level_pages(level);
	u64 gpa = t->gpa + page * PAGE_SIZE + 0x7f8;
	struct kvm_tdp_walk_entry entry;
	u64 pfns[NPAGES];
	int i, method;

	tdp_vm_pfns(t, t->gpa, NPAGES, t->mem.is_private, pfns);
	for (i = 0; i < 4; i++) {
		method = i & 1 ? KVM_TDP_WALK_HELPER : KVM_TDP_WALK_TABLE;
		if (!tdp_has_method(method))
			continue;
		entry = tdp_walk(t->vcpu, method, i & 2, gpa);
		EXPECT_EQ(entry.ret, level);
		EXPECT_EQ(entry.pfn, pfns[first]);
		EXPECT_EQ(tdp_exact_pfn(&entry, gpa), pfns[page]);
	}
}

/*
 * The first, a middle and the last 4K page of a huge page bring the same leaf.
 *
 * Rules: huge.backing map.access map.prefault map.stats
 *	  walk.level walk.base-pfn walk.absent walk.one-root
 */
TEST_F(backing, one_access_one_leaf)
{
	static const u64 pages[] = { HUGE + HUGE / 2, 3 * HUGE - 1, 0 };
	u64 nr = tdp_level_pages(variant->level), page, i;
	struct tdp_vm *t = &self->t;
	struct tdp_stats before = tdp_stats(t->vm);

	tdp_levels_set(self->rets, 0, NPAGES, -ENOENT);
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		page = pages[i];
		if (i == 1)
			tdp_prefault(t->vcpu, t->gpa + page * PAGE_SIZE, PAGE_SIZE);
		else
			guest_write(t->vcpu, t->gpa + page * PAGE_SIZE, page);
		tdp_levels_set(self->rets, page - page % nr, nr, variant->level);
		EXPECT_TDP_LEVELS(t, self->rets);
		expect_pfns(_metadata, t, page, variant->level);
		EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_2M),
			  variant->level == PG_LEVEL_2M ? i + 1 : 0);
		EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_1G), 0);
	}
}

FIXTURE(shape) {
	struct tdp_vm t;
	int rets[NPAGES];
};

TDP_VM_VARIANTS(shape);

FIXTURE_SETUP(shape)
{
	TDP_SETUP_HUGE(&self->t, &variant->mem,
		       VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB, NPAGES);
}

FIXTURE_TEARDOWN(shape)
{
	tdp_vm_free(&self->t);
}

static void expect_shape(struct __test_metadata *_metadata, struct tdp_vm *t,
			 int *rets, const struct slot_shape *s)
{
	struct tdp_stats before = tdp_stats(t->vm);

	tdp_prefault(t->vcpu, t->gpa, s->npages * PAGE_SIZE);
	tdp_levels_set(rets, 0, s->npages, PG_LEVEL_4K);
	tdp_levels_set(rets, s->head, s->huge * HUGE, PG_LEVEL_2M);
	EXPECT_TDP_LEVELS(t, rets)
		TH_LOG("Slot \"%s\"", s->name);

	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_4K),
		  s->npages - s->huge * HUGE);
	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_2M), s->huge);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa - PAGE_SIZE, 1);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa + s->npages * PAGE_SIZE, 1);
}

/* What is left after the first huge page is less than another one. */
/* Rules: map.prefault huge.backing */
TEST_F(shape, prefault_from_inside)
{
	struct tdp_vm *t = &self->t;

	tdp_slot_set(t, TDP_SLOT, 0);
	tdp_prefault(t->vcpu, t->gpa + 100 * PAGE_SIZE, HUGE * PAGE_SIZE);
	tdp_levels_set(self->rets, 0, 2 * HUGE, PG_LEVEL_2M);
	tdp_levels_set(self->rets, 2 * HUGE, NPAGES - 2 * HUGE, -ENOENT);
	EXPECT_TDP_LEVELS(t, self->rets);
}

/* Rules: huge.alignment huge.slot-edge huge.backing map.prefault map.stats */
TEST_F(shape, levels)
{
	struct tdp_vm *t = &self->t, slot = *t;
	const struct slot_shape *s;

	for (s = slot_shapes; s < slot_shapes + ARRAY_SIZE(slot_shapes); s++) {
		slot.gpa = t->gpa + s->gpa * PAGE_SIZE;
		slot.hva = t->hva + s->hva * PAGE_SIZE;
		slot.npages = s->npages;
		tdp_slot_set(&slot, TDP_SLOT, 0);
		expect_shape(_metadata, &slot, self->rets, s);
		tdp_slot_delete(&slot, TDP_SLOT);
	}
}

FIXTURE(pieces) {
	struct tdp_vm t;
	int rets[NPAGES];
};

TDP_VM_VARIANTS(pieces);

FIXTURE_SETUP(pieces)
{
	TDP_SETUP_HUGE(&self->t, &variant->mem, VM_MEM_SRC_ANONYMOUS_THP, NPAGES);
	tdp_slot_set(&self->t, TDP_SLOT, 0);
}

FIXTURE_TEARDOWN(pieces)
{
	tdp_vm_free(&self->t);
}

/*
 * What counts is how the process maps the memory: the first huge page still is
 * one in memory, but mapped as 4K pages; of the second one page was replaced.
 *
 * Rules: huge.backing walk.level walk.base-pfn
 */
TEST_F(pieces, levels)
{
	struct tdp_vm *t = &self->t;
	void *page = t->hva + (HUGE + 9) * PAGE_SIZE;
	u64 pfn = tdp_hva_pfn(t->hva);

	ASSERT_EQ(mprotect(t->hva, PAGE_SIZE, PROT_READ), 0);
	ASSERT_EQ(mprotect(t->hva, PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
	ASSERT_FALSE(tdp_hva_is_huge(t->hva, SZ_2M));
	ASSERT_EQ(tdp_hva_pfn(t->hva + SZ_2M - PAGE_SIZE), pfn + HUGE - 1);

	ASSERT_EQ(madvise(page, PAGE_SIZE, MADV_DONTNEED), 0);
	WRITE_ONCE(*(u64 *)page, 1);
	ASSERT_FALSE(tdp_hva_is_huge(t->hva + SZ_2M, SZ_2M));

	tdp_levels_set(self->rets, 0, 2 * HUGE, PG_LEVEL_4K);
	tdp_levels_set(self->rets, 2 * HUGE, HUGE, PG_LEVEL_2M);
	tdp_populate(t->vcpu, t->gpa, NPAGES);
	EXPECT_TDP_LEVELS(t, self->rets);
}

TDP_HARNESS_MAIN
