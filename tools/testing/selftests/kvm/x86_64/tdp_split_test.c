// SPDX-License-Identifier: GPL-2.0
/*
 * Huge leaves that are split, and put together again.
 *
 *	GPA	TDP_GPA		+ 2M		+ 4M
 *		| first		| second	| third		|
 *
 * Each case does something to a part of the first huge page.  The second one is
 * mapped too, and shows what that does to a neighbour.
 */
#include "tdp_test.h"
#include "tdp_huge.h"
#include "tdp_setting.h"

/* 4K pages in a huge page, and in the slot: three of them. */
#define HUGE	512
#define NPAGES	(3 * HUGE)

#define FIRST	0
#define SECOND	HUGE
#define THIRD	(2 * HUGE)

static void __attribute__((constructor)) keep_settings(void)
{
	tdp_settings_keep();
}

static u64 page_gpa(const struct tdp_vm *t, u64 page)
{
	return t->gpa + page * PAGE_SIZE;
}

static void *page_hva(const struct tdp_vm *t, u64 page)
{
	return t->hva + page * PAGE_SIZE;
}

FIXTURE(dirty_log) {
	struct tdp_vm t;
	int rets[NPAGES];
};

/*
 * eager: KVM splits huge leaves before the guest writes to them.
 * initially_set: all pages count as dirty when logging starts, so that KVM has
 * no reason to split before pages are declared clean.
 */
FIXTURE_VARIANT(dirty_log) {
	struct tdp_mem mem;
	bool eager;
	bool initially_set;
};

/* Slots with a guest_memfd cannot be logged. */
#define DIRTY_LOG_VARIANTS(suffix, ...)					\
	FIXTURE_VARIANT_ADD(dirty_log, default_vm_##suffix) {		\
		.mem = TDP_MEM_DEFAULT, __VA_ARGS__ };			\
	FIXTURE_VARIANT_ADD(dirty_log, sw_protected_vm_##suffix) {	\
		.mem = TDP_MEM_SW_PROTECTED_PLAIN, __VA_ARGS__ }

DIRTY_LOG_VARIANTS(lazy, .eager = false);
DIRTY_LOG_VARIANTS(eager, .eager = true);
DIRTY_LOG_VARIANTS(lazy_set, .eager = false, .initially_set = true);
DIRTY_LOG_VARIANTS(eager_set, .eager = true, .initially_set = true);

FIXTURE_SETUP(dirty_log)
{
	TDP_REQUIRE_NOT(tdp_setting_lacks(TDP_EAGER_PAGE_SPLIT));
	TDP_SETUP_HUGE(&self->t, &variant->mem,
		       VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB, NPAGES);
	if (variant->initially_set)
		vm_enable_cap(self->t.vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
			      KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE |
			      KVM_DIRTY_LOG_INITIALLY_SET);
	tdp_slot_set(&self->t, TDP_SLOT, 0);
	tdp_setting_set(TDP_EAGER_PAGE_SPLIT, variant->eager ? "Y" : "N");
}

FIXTURE_TEARDOWN(dirty_log)
{
	tdp_settings_restore();
	tdp_vm_free(&self->t);
}

/* The pages of the first huge page that are declared clean: a word of bits. */
#define CLEAN_FIRST	64
#define CLEAN_NR	64
#define WRITTEN		(CLEAN_FIRST + 7)

static void declare_clean(struct tdp_vm *t, u64 first, u64 bits)
{
	kvm_vm_clear_dirty_log(t->vm, TDP_SLOT, &bits, first, CLEAN_NR);
}

/*
 * A huge page of which pages are declared clean is split, if that is done eagerly,
 * and no other: 64 pages of the first, then one of the second.
 */
static void expect_declared_clean(struct __test_metadata *_metadata,
				  struct tdp_vm *t, int *rets, bool eager)
{
	declare_clean(t, CLEAN_FIRST, ~0ULL);
	if (eager)
		tdp_levels_set(rets, FIRST, HUGE, PG_LEVEL_4K);
	EXPECT_TDP_LEVELS(t, rets);

	declare_clean(t, SECOND, 1);
	if (eager)
		tdp_levels_set(rets, SECOND, HUGE, PG_LEVEL_4K);
	EXPECT_TDP_LEVELS(t, rets);
}

/* Of the pages that were declared clean, the written one alone is dirty. */
static void expect_written_dirty(struct __test_metadata *_metadata,
				 struct tdp_vm *t)
{
	u64 bits[NPAGES / 64];

	kvm_vm_get_dirty_log(t->vm, TDP_SLOT, bits);
	EXPECT_EQ(bits[CLEAN_FIRST / 64], BIT_ULL(WRITTEN - CLEAN_FIRST));
}

/* Two huge leaves; the third huge page stays absent. */
static void map_two(struct __test_metadata *_metadata, struct tdp_vm *t,
		    int *rets)
{
	guest_write(t->vcpu, page_gpa(t, FIRST), 1);
	guest_write(t->vcpu, page_gpa(t, SECOND), 1);
	tdp_levels_set(rets, 0, THIRD, PG_LEVEL_2M);
	tdp_levels_set(rets, THIRD, HUGE, -ENOENT);
	ASSERT_TDP_LEVELS(t, rets);
}

/* Logging starts: @all says whether that splits the two leaves. */
static void expect_started(struct __test_metadata *_metadata, struct tdp_vm *t,
			   int *rets, bool all)
{
	struct tdp_stats before = tdp_stats(t->vm);

	tdp_slot_set(t, TDP_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	tdp_levels_set(rets, 0, THIRD, all ? PG_LEVEL_4K : PG_LEVEL_2M);
	EXPECT_TDP_LEVELS(t, rets);
	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_2M), all ? -2 : 0);
	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_4K),
		  all ? 2 * HUGE : 0);
}

/* A write splits what it hits, and maps no more than its page otherwise. */
static void expect_written(struct __test_metadata *_metadata, struct tdp_vm *t,
			   int *rets)
{
	guest_read(t->vcpu, page_gpa(t, SECOND));
	guest_write(t->vcpu, page_gpa(t, WRITTEN), 1);
	guest_write(t->vcpu, page_gpa(t, THIRD + 5), 1);
	tdp_levels_set(rets, FIRST, HUGE, PG_LEVEL_4K);
	tdp_levels_set(rets, THIRD + 5, 1, PG_LEVEL_4K);
	EXPECT_TDP_LEVELS(t, rets);
	expect_written_dirty(_metadata, t);
}

/*
 * Rules: split.dirty-log split.dirty-log-eager split.dirty-log-lazy
 *	  split.merge map.stats
 */
TEST_F(dirty_log, split_and_merge)
{
	struct tdp_vm *t = &self->t;

	map_two(_metadata, t, self->rets);
	expect_started(_metadata, t, self->rets,
		       variant->eager && !variant->initially_set);
	if (variant->initially_set)
		expect_declared_clean(_metadata, t, self->rets, variant->eager);
	expect_written(_metadata, t, self->rets);

	tdp_slot_set(t, TDP_SLOT, 0);
	guest_do(t->vcpu, GUEST_READ, page_gpa(t, 3), SZ_2M, 3, 0);
	tdp_levels_set(self->rets, 0, NPAGES, PG_LEVEL_2M);
	EXPECT_TDP_LEVELS(t, self->rets);
}

FIXTURE(nx) {
	struct tdp_vm t;
	int rets[NPAGES];
};

TDP_VM_VARIANTS(nx);

FIXTURE_SETUP(nx)
{
	u64 page;

	TDP_REQUIRE_NOT(tdp_setting_lacks(TDP_NX_HUGE_PAGES));
	TDP_SETUP_HUGE(&self->t, &variant->mem,
		       VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB, NPAGES);
	for (page = 0; page < NPAGES; page++)
		WRITE_ONCE(*(u64 *)page_hva(&self->t, page), GUEST_RETS);
	tdp_slot_set(&self->t, TDP_SLOT, 0);
	tdp_setting_set(TDP_NX_HUGE_PAGES, "force");
}

FIXTURE_TEARDOWN(nx)
{
	tdp_settings_restore();
	tdp_vm_free(&self->t);
}

static void guest_read_two(struct tdp_vm *t)
{
	guest_read(t->vcpu, page_gpa(t, FIRST));
	guest_read(t->vcpu, page_gpa(t, SECOND));
}

/* Rules: split.nx split.nx-off */
TEST_F(nx, fetch_splits)
{
	struct tdp_vm *t = &self->t;

	guest_read_two(t);
	tdp_levels_set(self->rets, 0, THIRD, PG_LEVEL_2M);
	tdp_levels_set(self->rets, THIRD, HUGE, -ENOENT);
	ASSERT_TDP_LEVELS(t, self->rets);

	guest_exec(t->vcpu, page_gpa(t, FIRST + 7));
	tdp_levels_set(self->rets, FIRST, HUGE, PG_LEVEL_4K);
	EXPECT_TDP_LEVELS(t, self->rets);

	/* A fetch that finds nothing maps its page alone, for good. */
	guest_exec(t->vcpu, page_gpa(t, THIRD + 9));
	guest_read(t->vcpu, page_gpa(t, THIRD + 10));
	tdp_levels_set(self->rets, THIRD + 9, 2, PG_LEVEL_4K);
	EXPECT_TDP_LEVELS(t, self->rets);

	/* The same fetches without the mitigation. */
	tdp_setting_set(TDP_NX_HUGE_PAGES, "off");
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, NPAGES);
	guest_exec(t->vcpu, page_gpa(t, FIRST + 7));
	guest_exec(t->vcpu, page_gpa(t, THIRD + 9));
	tdp_levels_set(self->rets, 0, NPAGES, PG_LEVEL_2M);
	tdp_levels_set(self->rets, SECOND, HUGE, -ENOENT);
	EXPECT_TDP_LEVELS(t, self->rets);
}

/* How often, and for how long, to look whether the kernel has done something. */
#define POLL_US		5000
#define POLL_MAX	2000

static bool becomes_absent(struct tdp_vm *t, u64 page)
{
	struct tdp_msg msg;
	int i;

	for (i = 0; i < POLL_MAX; i++) {
		if (tdp_check_absent(t->vcpu, page_gpa(t, page), 1, &msg))
			return true;
		usleep(POLL_US);
	}
	return false;
}

/* Rules: split.nx-recovery */
TEST_F(nx, recovery_merges)
{
	struct tdp_vm *t = &self->t;

	TDP_REQUIRE_NOT(tdp_setting_lacks(TDP_NX_RECOVERY_RATIO));
	TDP_REQUIRE_NOT(tdp_setting_lacks(TDP_NX_RECOVERY_PERIOD_MS));
	tdp_setting_set(TDP_NX_RECOVERY_RATIO, "0");
	guest_read_two(t);
	guest_exec(t->vcpu, page_gpa(t, FIRST + 7));
	ASSERT_TDP_MAPPED(t, t->gpa, HUGE, PG_LEVEL_4K);

	tdp_setting_set(TDP_NX_RECOVERY_PERIOD_MS, "1");
	tdp_setting_set(TDP_NX_RECOVERY_RATIO, "1");
	EXPECT_TRUE(becomes_absent(t, FIRST + 7))
		TH_LOG("Wanted the pages of gpa 0x%lx recovered", t->gpa);
	tdp_setting_set(TDP_NX_RECOVERY_RATIO, "0");

	guest_read(t->vcpu, page_gpa(t, FIRST + 8));
	tdp_levels_set(self->rets, 0, THIRD, PG_LEVEL_2M);
	tdp_levels_set(self->rets, THIRD, HUGE, -ENOENT);
	EXPECT_TDP_LEVELS(t, self->rets);
}

/*
 * A THP that is mapped by a huge leaf, and of which a part changes.  @old keeps
 * the pages from before.
 */
FIXTURE(part) {
	struct tdp_vm t;
	u64 old[NPAGES];
	int rets[NPAGES];
};

TDP_VM_VARIANTS(part);

FIXTURE_SETUP(part)
{
	struct tdp_vm *t = &self->t;

	TDP_SETUP_HUGE(t, &variant->mem, VM_MEM_SRC_ANONYMOUS_THP, NPAGES);
	tdp_slot_set(t, TDP_SLOT, 0);
	guest_do(t->vcpu, GUEST_WRITE, t->gpa, SZ_2M, 3, 1);
	tdp_levels_set(self->rets, 0, NPAGES, PG_LEVEL_2M);
	ASSERT_TDP_LEVELS(t, self->rets);
	tdp_hva_pfns(t->hva, NPAGES, self->old);
}

FIXTURE_TEARDOWN(part)
{
	tdp_vm_free(&self->t);
}

/*
 * Pages @first to @first + @nr of the first huge page are gone; what is left of
 * it may be gone as well, but is where it was otherwise; nothing else changed.
 *
 * Ends the case where pages were not unmapped: KVM kills the whole machine when
 * the guest then comes to a page that is another by now.
 */
static void expect_lost(struct __test_metadata *_metadata, struct tdp_vm *t,
			const u64 *old, u64 first, u64 nr)
{
	struct kvm_tdp_walk_entry got[HUGE];
	u64 i;

	ASSERT_TDP_ABSENT(t->vcpu, page_gpa(t, first), nr);
	EXPECT_TDP_AGREE(t->vcpu, t->gpa, PAGE_SIZE, HUGE);
	tdp_walk_range(t->vcpu, KVM_TDP_WALK_TABLE, false, t->gpa, PAGE_SIZE,
		       HUGE, got);
	for (i = 0; i < HUGE; i++) {
		if (got[i].ret == -ENOENT)
			continue;
		EXPECT_EQ(got[i].ret, PG_LEVEL_4K);
		EXPECT_EQ(got[i].pfn, old[i]);
	}
	EXPECT_TDP_LEAVES(t->vcpu, page_gpa(t, SECOND), 2 * HUGE, PG_LEVEL_2M,
			  old + SECOND);
}

/*
 * The first huge page is populated but for @nr pages from @first on: 4K leaves to
 * the same pages as ever, @nr of them absent, and nothing else.
 */
static void expect_rest(struct __test_metadata *_metadata, struct tdp_vm *t,
			const u64 *old, u64 first, u64 nr)
{
	u64 next = first + nr;

	tdp_populate(t->vcpu, t->gpa, first);
	tdp_populate(t->vcpu, page_gpa(t, next), HUGE - next);
	EXPECT_TDP_ABSENT(t->vcpu, page_gpa(t, first), nr);
	EXPECT_TDP_LEAVES(t->vcpu, t->gpa, first, PG_LEVEL_4K, old);
	EXPECT_TDP_LEAVES(t->vcpu, page_gpa(t, next), HUGE - next, PG_LEVEL_4K,
			  old + next);
	EXPECT_TDP_LEAVES(t->vcpu, page_gpa(t, SECOND), 2 * HUGE, PG_LEVEL_2M,
			  old + SECOND);
}

static void expect_protected(struct __test_metadata *_metadata,
			     struct tdp_vm *t, const u64 *old)
{
	struct kvm_pre_fault_memory range = {
		.gpa = page_gpa(t, 8),
		.size = PAGE_SIZE,
	};

	ASSERT_EQ(mprotect(page_hva(t, 7), 3 * PAGE_SIZE, PROT_NONE), 0);
	expect_lost(_metadata, t, old, 7, 3);
	expect_rest(_metadata, t, old, 7, 3);
	EXPECT_NE(__tdp_prefault(t->vcpu, &range), 0);
	EXPECT_TDP_ABSENT(t->vcpu, page_gpa(t, 7), 3);

	ASSERT_EQ(mprotect(page_hva(t, 7), 3 * PAGE_SIZE,
			   PROT_READ | PROT_WRITE), 0);
	guest_write_pages(t->vcpu, page_gpa(t, 7), 3, 1);
	tdp_populate(t->vcpu, t->gpa, HUGE);
	EXPECT_TDP_LEAVES(t->vcpu, t->gpa, HUGE, PG_LEVEL_4K, old);
}

/*
 * First from under a 2M leaf, then from under 4K leaves.
 *
 * Rules: split.zap-part huge.backing
 */
TEST_F(part, protect_none)
{
	expect_protected(_metadata, &self->t, self->old);
	expect_protected(_metadata, &self->t, self->old);
}

/* Rules: split.zap-part */
TEST_F(part, protect_read)
{
	struct tdp_vm *t = &self->t;
	u64 gpa = page_gpa(t, HUGE - 1);

	ASSERT_EQ(mprotect(page_hva(t, HUGE - 1), PAGE_SIZE, PROT_READ), 0);
	expect_lost(_metadata, t, self->old, HUGE - 1, 1);

	guest_read(t->vcpu, gpa);
	EXPECT_TDP_LEAF(t->vcpu, gpa, PG_LEVEL_4K, self->old[HUGE - 1]);

	ASSERT_EQ(mprotect(page_hva(t, HUGE - 1), PAGE_SIZE,
			   PROT_READ | PROT_WRITE), 0);
	guest_write(t->vcpu, gpa, 1);
	EXPECT_TDP_LEAF(t->vcpu, gpa, PG_LEVEL_4K, self->old[HUGE - 1]);
	EXPECT_EQ(READ_ONCE(*(u64 *)page_hva(t, HUGE - 1)), 1);
}

static void expect_replaced(struct __test_metadata *_metadata,
			    struct tdp_vm *t, const u64 *old, const int *rets)
{
	ASSERT_EQ(madvise(page_hva(t, 64), 64 * PAGE_SIZE, MADV_DONTNEED), 0);
	expect_lost(_metadata, t, old, 64, 64);
	expect_rest(_metadata, t, old, 64, 64);
	guest_write_pages(t->vcpu, page_gpa(t, 64), 64, 1);
	EXPECT_TDP_LEVELS(t, rets);
}

/*
 * First from under a 2M leaf, then from under 4K leaves.
 *
 * Rules: split.zap-part
 */
TEST_F(part, dontneed)
{
	struct tdp_vm *t = &self->t;
	u64 pfns[NPAGES], i;

	tdp_levels_set(self->rets, FIRST, HUGE, PG_LEVEL_4K);
	expect_replaced(_metadata, t, self->old, self->rets);
	tdp_hva_pfns(t->hva, NPAGES, pfns);
	for (i = 0; i < NPAGES; i++)
		EXPECT_EQ(pfns[i] != self->old[i], i >= 64 && i < 128);

	expect_replaced(_metadata, t, self->old, self->rets);
}

/* 4K pages from outside the slot. */
static void *new_pages(void)
{
	void *pages = tdp_huge_alloc(VM_MEM_SRC_ANONYMOUS, SZ_2M);

	TDP_ASSERT(pages, "No memory");
	return pages;
}

static void move_here(struct __test_metadata *_metadata, void *from, u64 size,
		      void *to)
{
	ASSERT_EQ(mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to),
		  to);
}

/* Rules: split.remap */
TEST_F(part, remap_one_page)
{
	void *donor = new_pages();
	u64 pfn = tdp_hva_pfn(donor);
	struct tdp_vm *t = &self->t;

	move_here(_metadata, donor, PAGE_SIZE, page_hva(t, 100));
	ASSERT_EQ(tdp_hva_pfn(page_hva(t, 100)), pfn);
	expect_lost(_metadata, t, self->old, 100, 1);
	expect_rest(_metadata, t, self->old, 100, 1);
	guest_read(t->vcpu, page_gpa(t, 100));
	EXPECT_TDP_LEAF(t->vcpu, page_gpa(t, 100), PG_LEVEL_4K, pfn);

	/* Once more, now that it is a 4K leaf. */
	pfn = tdp_hva_pfn(donor + PAGE_SIZE);
	move_here(_metadata, donor + PAGE_SIZE, PAGE_SIZE, page_hva(t, 100));
	ASSERT_TDP_ABSENT(t->vcpu, page_gpa(t, 100), 1);
	EXPECT_TDP_LEAVES(t->vcpu, t->gpa, 100, PG_LEVEL_4K, self->old);
	guest_write(t->vcpu, page_gpa(t, 100), 1);
	EXPECT_TDP_LEAF(t->vcpu, page_gpa(t, 100), PG_LEVEL_4K, pfn);
	EXPECT_TDP_LEAF(t->vcpu, page_gpa(t, 101), PG_LEVEL_4K, self->old[101]);
}

/* Rules: split.remap */
TEST_F(part, map_over)
{
	static const u64 pages[] = { 0, 255, HUGE - 1 };
	struct tdp_vm *t = &self->t;
	u64 i, page;
	void *hva;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		page = pages[i];
		hva = page_hva(t, page);
		ASSERT_EQ(mmap(hva, PAGE_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			  hva);
		ASSERT_TDP_ABSENT(t->vcpu, page_gpa(t, page), 1);
		guest_write(t->vcpu, page_gpa(t, page), 1);
		EXPECT_NE(tdp_hva_pfn(hva), self->old[page]);
		self->old[page] = tdp_hva_pfn(hva);
		tdp_populate(t->vcpu, t->gpa, HUGE);
		EXPECT_TDP_LEAVES(t->vcpu, t->gpa, HUGE, PG_LEVEL_4K, self->old);
	}
	EXPECT_TDP_LEAVES(t->vcpu, page_gpa(t, SECOND), 2 * HUGE, PG_LEVEL_2M,
			  self->old + SECOND);
}

/* Rules: split.remap huge.backing */
TEST_F(part, remap_huge_page)
{
	void *donor = tdp_huge_alloc(VM_MEM_SRC_ANONYMOUS_THP, SZ_2M);
	struct tdp_vm *t = &self->t;
	u64 pfn;

	TDP_REQUIRE(donor, "the host has no huge pages to give");
	pfn = tdp_hva_pfn(donor);
	move_here(_metadata, donor, SZ_2M, t->hva);
	ASSERT_EQ(tdp_hva_pfn(t->hva), pfn);
	expect_lost(_metadata, t, self->old, FIRST, HUGE);

	TDP_REQUIRE(tdp_hva_is_huge(t->hva, SZ_2M), "mremap() split the huge page");
	guest_read(t->vcpu, page_gpa(t, FIRST + 3));
	EXPECT_TDP_LEVELS(t, self->rets);
}

/* Rules: split.collapse huge.backing */
TEST_F(part, collapse)
{
	struct tdp_vm *t = &self->t;

	ASSERT_EQ(mprotect(t->hva, PAGE_SIZE, PROT_READ), 0);
	ASSERT_EQ(mprotect(t->hva, PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
	tdp_populate(t->vcpu, t->gpa, HUGE);
	EXPECT_TDP_LEAVES(t->vcpu, t->gpa, HUGE, PG_LEVEL_4K, self->old);

	ASSERT_EQ(madvise(t->hva, SZ_2M, MADV_HUGEPAGE), 0);
	TDP_REQUIRE(!madvise(t->hva, SZ_2M, MADV_COLLAPSE),
		    "MADV_COLLAPSE: %s", strerror(errno));
	ASSERT_TRUE(tdp_hva_is_huge(t->hva, SZ_2M));
	expect_lost(_metadata, t, self->old, FIRST, HUGE);
	guest_write(t->vcpu, page_gpa(t, FIRST + 3), 1);
	EXPECT_TDP_LEVELS(t, self->rets);
}

static bool becomes_same_page(const void *a, const void *b)
{
	int i;

	for (i = 0; i < POLL_MAX; i++) {
		if (tdp_hva_pfn(a) == tdp_hva_pfn(b))
			return true;
		usleep(POLL_US);
	}
	return false;
}

/* Rules: split.remap */
TEST_F(part, ksm)
{
	void *twin = new_pages(), *hva;
	struct tdp_vm *t = &self->t;
	u64 gpa = page_gpa(t, 7), pfn;

	TDP_REQUIRE_NOT(tdp_setting_lacks(TDP_KSM_RUN));
	hva = page_hva(t, 7);
	memset(hva, 0x5a, PAGE_SIZE);
	memset(twin, 0x5a, PAGE_SIZE);
	ASSERT_EQ(madvise(hva, PAGE_SIZE, MADV_MERGEABLE), 0);
	ASSERT_EQ(madvise(twin, PAGE_SIZE, MADV_MERGEABLE), 0);
	tdp_populate(t->vcpu, t->gpa, HUGE);
	EXPECT_TDP_LEAVES(t->vcpu, t->gpa, HUGE, PG_LEVEL_4K, self->old);

	tdp_setting_set(TDP_KSM_RUN, "1");
	TDP_REQUIRE(becomes_same_page(hva, twin), "KSM did not merge two pages");
	tdp_setting_set(TDP_KSM_RUN, "0");

	pfn = tdp_hva_pfn(twin);
	expect_lost(_metadata, t, self->old, 7, 1);

	guest_read(t->vcpu, gpa);
	EXPECT_TDP_LEAF(t->vcpu, gpa, PG_LEVEL_4K, pfn);

	/* The guest's write must not reach the twin. */
	guest_write(t->vcpu, gpa, 1);
	self->old[7] = tdp_hva_pfn(hva);
	EXPECT_NE(self->old[7], pfn);
	EXPECT_EQ(READ_ONCE(*(u64 *)twin), 0x5a5a5a5a5a5a5a5aULL);
	tdp_populate(t->vcpu, t->gpa, HUGE);
	EXPECT_TDP_LEAVES(t->vcpu, t->gpa, HUGE, PG_LEVEL_4K, self->old);
}

FIXTURE(whole) {
	struct tdp_vm t;
	int rets[NPAGES];
};

TDP_VM_VARIANTS(whole);

FIXTURE_SETUP(whole)
{
	struct tdp_vm *t = &self->t;

	TDP_SETUP_HUGE(t, &variant->mem, VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB,
		       NPAGES);
	tdp_slot_set(t, TDP_SLOT, 0);
	tdp_prefault(t->vcpu, t->gpa, NPAGES * PAGE_SIZE);
	tdp_levels_set(self->rets, 0, NPAGES, PG_LEVEL_2M);
	ASSERT_TDP_LEVELS(t, self->rets);
}

FIXTURE_TEARDOWN(whole)
{
	tdp_vm_free(&self->t);
}

/* Rules: split.zap-part */
TEST_F(whole, hugetlb_page)
{
	struct tdp_vm *t = &self->t;
	void *second = page_hva(t, SECOND);

	tdp_levels_set(self->rets, SECOND, HUGE, -ENOENT);
	ASSERT_EQ(mprotect(second, SZ_2M, PROT_NONE), 0);
	ASSERT_TDP_LEVELS(t, self->rets);

	ASSERT_EQ(mprotect(second, SZ_2M, PROT_READ | PROT_WRITE), 0);
	guest_write(t->vcpu, page_gpa(t, SECOND + 1), 1);
	tdp_levels_set(self->rets, SECOND, HUGE, PG_LEVEL_2M);
	EXPECT_TDP_LEVELS(t, self->rets);

	tdp_levels_set(self->rets, SECOND, HUGE, -ENOENT);
	ASSERT_EQ(madvise(second, SZ_2M, MADV_DONTNEED), 0);
	ASSERT_TDP_LEVELS(t, self->rets);

	guest_write(t->vcpu, page_gpa(t, THIRD - 1), 1);
	tdp_levels_set(self->rets, SECOND, HUGE, PG_LEVEL_2M);
	EXPECT_TDP_LEVELS(t, self->rets);
}

TDP_HARNESS_MAIN
