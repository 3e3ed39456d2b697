// SPDX-License-Identifier: GPL-2.0
/*
 * 1G leaves: where they are, how they are split, and what makes one impossible.
 *
 * Clearing a 1G page takes long, so one is made for the whole program: it stays
 * in the page cache of a memfd that all cases have in common.
 */
#include <linux/memfd.h>

#include "tdp_test.h"
#include "tdp_setting.h"
#include "tdp_slot.h"

/* 4K pages in a 2M and in a 1G page. */
#define HUGE	512UL
#define GIG	(HUGE * HUGE)

/* The page that cases split: in the middle of a 2M page in the middle. */
#define SPLIT	(200 * HUGE + 71)

/* A look at every 2M page, each at another 4K page of it. */
#define SAMPLE_STRIDE	(HUGE + 1)
#define NSAMPLES	(HUGE - 1)

/* Seconds that a case may take: the first one has the page cleared. */
#define TIMEOUT	100

static int gig_fd = -1;

static void __attribute__((constructor)) keep_page_and_settings(void)
{
	gig_fd = memfd_create("1G", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_1GB);
	if (gig_fd >= 0 && ftruncate(gig_fd, SZ_1G)) {
		close(gig_fd);
		gig_fd = -1;
	}
	tdp_settings_keep();
}

FIXTURE(gig) {
	struct tdp_vm t;
	u64 *pfns;
	int rets[NSAMPLES];
};

/* No guest_memfd: slots that have one cannot be logged. */
FIXTURE_VARIANT(gig) {
	struct tdp_mem mem;
};

FIXTURE_VARIANT_ADD(gig, default_vm) {
	.mem = TDP_MEM_DEFAULT,
};

FIXTURE_VARIANT_ADD(gig, sw_protected_vm) {
	.mem = TDP_MEM_SW_PROTECTED_PLAIN,
};

/*
 * Addresses for 2G, the first half of them with memory: a slot that is shifted
 * against its memory must be longer than 1G to hold a whole 1G of GPAs.
 */
static void *gig_map(void)
{
	void *mem = mmap(NULL, 3UL * SZ_1G, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		return NULL;
	mem = mmap(align_ptr_up(mem, SZ_1G), SZ_1G, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED, gig_fd, 0);
	if (mem == MAP_FAILED)
		return NULL;
	WRITE_ONCE(*(u64 *)mem, 1);
	return mem;
}

/* A VM, and memory for a slot that is not there yet. */
#define SETUP_GIG(_t, _pfns, _mem) do {					\
	void *__mem;							\
									\
	TDP_REQUIRE_NOT(tdp_mem_lacks(_mem));				\
	TDP_REQUIRE(gig_fd >= 0, "the host has no hugetlb pages of 1 GiB"); \
	__mem = gig_map();						\
	TDP_REQUIRE(__mem, "no hugetlb page of 1 GiB is free");		\
									\
	(_pfns) = calloc(GIG, sizeof(*(_pfns)));			\
	ASSERT_NE(_pfns, NULL);						\
	tdp_hva_pfns(__mem, GIG, _pfns);				\
	ASSERT_EQ((_pfns)[0] % GIG, 0);					\
	ASSERT_EQ((_pfns)[GIG - 1], (_pfns)[0] + GIG - 1);		\
									\
	tdp_vm_create(_t, _mem);					\
	(_t)->gpa = TDP_GPA;						\
	(_t)->hva = __mem;						\
	(_t)->npages = GIG;						\
	guest_map((_t)->vm, TDP_GPA, 2UL * SZ_1G);			\
} while (0)

FIXTURE_SETUP(gig)
{
	SETUP_GIG(&self->t, self->pfns, &variant->mem);
}

FIXTURE_TEARDOWN(gig)
{
	tdp_settings_restore();
	tdp_vm_free(&self->t);
}

static u64 page_gpa(const struct tdp_vm *t, u64 page)
{
	return t->gpa + page * PAGE_SIZE;
}

/*
 * All of the slot at @level, but for the 2M page around SPLIT, which is at
 * @split_level.
 */
static void expect_levels(struct __test_metadata *_metadata, struct tdp_vm *t,
			  const u64 *pfns, int level, int split_level)
{
	u64 first = SPLIT - SPLIT % HUGE, exact[NSAMPLES], i;
	int rets[NSAMPLES];
	const struct tdp_expect want = {
		.gpa = t->gpa,
		.stride = SAMPLE_STRIDE * PAGE_SIZE,
		.nr = NSAMPLES,
		.rets = rets,
		.pfns = exact,
	};

	for (i = 0; i < NSAMPLES; i++) {
		exact[i] = pfns[i * SAMPLE_STRIDE];
		rets[i] = i == first / HUGE ? split_level : level;
	}
	EXPECT_TDP_WALKS(t->vcpu, &want);
	EXPECT_TDP_LEAVES(t->vcpu, page_gpa(t, first), HUGE, split_level,
			  pfns + first);
	EXPECT_TDP_LEAF(t->vcpu, page_gpa(t, GIG - 1), level, pfns[GIG - 1]);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa - PAGE_SIZE, 1);
	EXPECT_TDP_ABSENT(t->vcpu, page_gpa(t, GIG), 1);
}

/* Rules: huge.backing map.prefault map.access map.stats walk.level walk.base-pfn */
TEST_F_TIMEOUT(gig, one_access_one_leaf, TIMEOUT)
{
	static const u64 pages[] = { SPLIT, 0, GIG - 1 };
	struct tdp_vm *t = &self->t;
	u64 i;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		struct tdp_stats before = tdp_stats(t->vm);

		tdp_slot_set(t, TDP_SLOT, 0);
		if (i)
			guest_read(t->vcpu, page_gpa(t, pages[i]));
		else
			tdp_prefault(t->vcpu, page_gpa(t, pages[i]), PAGE_SIZE);
		expect_levels(_metadata, t, self->pfns, PG_LEVEL_1G, PG_LEVEL_1G);
		EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_1G), 1);
		EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_2M), 0);
		tdp_slot_delete(t, TDP_SLOT);
	}
}

/**
 * struct slot_shape - a slot, and the levels of three of its pages
 * @name: what is special about it
 * @hva: its first page, counted from the memory's first
 * @gpa: its first page, counted from TDP_GPA
 * @npages: its length
 * @first: level of its first page
 * @middle: level of the page in its middle
 * @last: level of its last page; 0 where that is past the memory
 */
struct slot_shape {
	const char *name;
	u64 hva;
	u64 gpa;
	u64 npages;
	int first;
	int middle;
	int last;
};

static const struct slot_shape slot_shapes[] = {
	{ "starts 2M inside", HUGE, HUGE, GIG - HUGE,
	  PG_LEVEL_2M, PG_LEVEL_2M, PG_LEVEL_2M },
	{ "ends 2M inside", 0, 0, GIG - HUGE,
	  PG_LEVEL_2M, PG_LEVEL_2M, PG_LEVEL_2M },
	{ "a page missing in front", 1, 1, GIG - 1,
	  PG_LEVEL_4K, PG_LEVEL_2M, PG_LEVEL_2M },
	{ "a page missing at the end", 0, 0, GIG - 1,
	  PG_LEVEL_2M, PG_LEVEL_2M, PG_LEVEL_4K },
	{ "shifted by 2M", 0, HUGE, 2 * GIG - HUGE,
	  PG_LEVEL_2M, PG_LEVEL_2M, 0 },
	{ "shifted by a page", 0, 1, 2 * GIG - 1,
	  PG_LEVEL_4K, PG_LEVEL_4K, 0 },
	{ "shifted by 1G", 0, GIG, GIG,
	  PG_LEVEL_1G, PG_LEVEL_1G, PG_LEVEL_1G },
};

static void expect_shape(struct __test_metadata *_metadata, struct tdp_vm *t,
			 const u64 *pfns, const struct slot_shape *s)
{
	const struct {
		u64 page;
		int level;
	} looks[] = {
		{ 0, s->first },
		{ s->npages / 2, s->middle },
		{ s->npages - 1, s->last },
	};
	u64 i, gpa;

	for (i = 0; i < ARRAY_SIZE(looks); i++) {
		if (!looks[i].level)
			continue;
		gpa = page_gpa(t, looks[i].page);
		tdp_prefault(t->vcpu, gpa, PAGE_SIZE);
		EXPECT_TDP_LEAF(t->vcpu, gpa, looks[i].level,
				pfns[s->hva + looks[i].page])
			TH_LOG("Slot \"%s\"", s->name);
	}
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa - PAGE_SIZE, 1);
	EXPECT_TDP_ABSENT(t->vcpu, page_gpa(t, s->npages), 1);
}

/* Rules: huge.alignment huge.slot-edge huge.backing */
TEST_F_TIMEOUT(gig, slot_shapes, TIMEOUT)
{
	struct tdp_vm *t = &self->t, slot = *t;
	const struct slot_shape *s;

	for (s = slot_shapes; s < slot_shapes + ARRAY_SIZE(slot_shapes); s++) {
		slot.gpa = page_gpa(t, s->gpa);
		slot.hva = t->hva + s->hva * PAGE_SIZE;
		slot.npages = s->npages;
		tdp_slot_set(&slot, TDP_SLOT, 0);
		expect_shape(_metadata, &slot, self->pfns, s);
		tdp_slot_delete(&slot, TDP_SLOT);
	}
}

/* Rules: split.dirty-log split.dirty-log-lazy split.merge walk.base-pfn */
TEST_F_TIMEOUT(gig, dirty_log_lazy, TIMEOUT)
{
	struct tdp_vm *t = &self->t;

	TDP_REQUIRE_NOT(tdp_setting_lacks(TDP_EAGER_PAGE_SPLIT));
	tdp_setting_set(TDP_EAGER_PAGE_SPLIT, "N");
	tdp_slot_set(t, TDP_SLOT, 0);
	tdp_prefault(t->vcpu, t->gpa, PAGE_SIZE);
	tdp_slot_set(t, TDP_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	expect_levels(_metadata, t, self->pfns, PG_LEVEL_1G, PG_LEVEL_1G);

	guest_write(t->vcpu, page_gpa(t, SPLIT), 1);
	expect_levels(_metadata, t, self->pfns, PG_LEVEL_2M, PG_LEVEL_4K);

	tdp_slot_set(t, TDP_SLOT, 0);
	guest_read(t->vcpu, page_gpa(t, SPLIT));
	expect_levels(_metadata, t, self->pfns, PG_LEVEL_1G, PG_LEVEL_1G);
}

/*
 * With all pages dirty at the start, what is declared clean is split, and no
 * more of the 1G page than that takes.
 *
 * Rules: split.dirty-log-eager walk.base-pfn map.stats
 */
TEST_F_TIMEOUT(gig, dirty_log_eager, TIMEOUT)
{
	struct tdp_vm *t = &self->t;
	struct tdp_stats before;
	u64 bits = ~0ULL;

	TDP_REQUIRE_NOT(tdp_setting_lacks(TDP_EAGER_PAGE_SPLIT));
	tdp_setting_set(TDP_EAGER_PAGE_SPLIT, "Y");
	vm_enable_cap(t->vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		      KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE |
		      KVM_DIRTY_LOG_INITIALLY_SET);
	tdp_slot_set(t, TDP_SLOT, 0);
	tdp_prefault(t->vcpu, t->gpa, PAGE_SIZE);
	tdp_slot_set(t, TDP_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	expect_levels(_metadata, t, self->pfns, PG_LEVEL_1G, PG_LEVEL_1G);

	before = tdp_stats(t->vm);
	kvm_vm_clear_dirty_log(t->vm, TDP_SLOT, &bits, SPLIT & ~63ULL, 64);
	expect_levels(_metadata, t, self->pfns, PG_LEVEL_2M, PG_LEVEL_4K);
	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_1G), -1);
	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_2M), HUGE - 1);
	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_4K), HUGE);
}

/* Rules: split.nx walk.base-pfn */
TEST_F_TIMEOUT(gig, nx_fetch_splits, TIMEOUT)
{
	struct tdp_vm *t = &self->t;

	TDP_REQUIRE_NOT(tdp_setting_lacks(TDP_NX_HUGE_PAGES));
	tdp_setting_set(TDP_NX_HUGE_PAGES, "force");
	WRITE_ONCE(*(u64 *)(t->hva + SPLIT * PAGE_SIZE), GUEST_RETS);
	tdp_slot_set(t, TDP_SLOT, 0);
	guest_read(t->vcpu, t->gpa);
	expect_levels(_metadata, t, self->pfns, PG_LEVEL_1G, PG_LEVEL_1G);

	guest_exec(t->vcpu, page_gpa(t, SPLIT));
	expect_levels(_metadata, t, self->pfns, PG_LEVEL_2M, PG_LEVEL_4K);
}

/* The slot has a guest_memfd, too. */
FIXTURE(mixed_gig) {
	struct tdp_vm t;
	u64 *pfns;
};

static const struct tdp_mem sw_protected = TDP_MEM_SW_PROTECTED_SHARED;

FIXTURE_SETUP(mixed_gig)
{
	struct tdp_vm *t = &self->t;

	SETUP_GIG(t, self->pfns, &sw_protected);
	t->gmem_fd = vm_create_guest_memfd(t->vm, SZ_1G, 0);
	tdp_slot_set(t, TDP_SLOT, 0);
}

FIXTURE_TEARDOWN(mixed_gig)
{
	tdp_vm_free(&self->t);
}

/* Of a 2M page of the slot one 4K page is private. */
static void expect_one_private(struct __test_metadata *_metadata,
			       struct tdp_vm *t, u64 page)
{
	u64 start = page - page % HUGE, end = start + HUGE;
	struct tdp_vm private = *t;

	private.mem.is_private = true;
	tdp_populate(t->vcpu, page_gpa(t, start), HUGE);

	EXPECT_TDP_MAPPED(&private, page_gpa(t, page), 1, PG_LEVEL_4K);
	if (page > start)
		EXPECT_TDP_MAPPED(t, page_gpa(t, start), page - start,
				  PG_LEVEL_4K);
	if (page + 1 < end)
		EXPECT_TDP_MAPPED(t, page_gpa(t, page + 1), end - page - 1,
				  PG_LEVEL_4K);
}

/* @page is private, @other was: 4K around the one, 2M around the other. */
static void expect_mixed(struct __test_metadata *_metadata, struct tdp_vm *t,
			 const u64 *pfns, u64 page, u64 other)
{
	vm_mem_set_private(t->vm, page_gpa(t, page), PAGE_SIZE);
	EXPECT_TDP_ABSENT(t->vcpu, page_gpa(t, page), 1);
	vm_mem_set_private(t->vm, page_gpa(t, other), PAGE_SIZE);
	vm_mem_set_shared(t->vm, page_gpa(t, other), PAGE_SIZE);

	expect_one_private(_metadata, t, page);
	guest_read(t->vcpu, page_gpa(t, other));
	EXPECT_TDP_MAPPED(t, page_gpa(t, other - other % HUGE), HUGE, PG_LEVEL_2M);

	vm_mem_set_shared(t->vm, page_gpa(t, page), PAGE_SIZE);
	EXPECT_TDP_ABSENT(t->vcpu, page_gpa(t, page), 1);
	guest_read(t->vcpu, page_gpa(t, page));
	expect_levels(_metadata, t, pfns, PG_LEVEL_1G, PG_LEVEL_1G);
}

/* Rules: attr.mixed attr.uniform attr.convert-unmaps */
TEST_F_TIMEOUT(mixed_gig, page_by_page, TIMEOUT)
{
	struct tdp_vm *t = &self->t;

	guest_read(t->vcpu, page_gpa(t, SPLIT));
	expect_levels(_metadata, t, self->pfns, PG_LEVEL_1G, PG_LEVEL_1G);
	expect_mixed(_metadata, t, self->pfns, 0, GIG - 1);
	expect_mixed(_metadata, t, self->pfns, SPLIT, 0);
	expect_mixed(_metadata, t, self->pfns, GIG - 1, SPLIT);
}

TDP_HARNESS_MAIN
