// SPDX-License-Identifier: GPL-2.0
/*
 * How large a TD's memory is mapped: shared memory as its backing is, private
 * memory at 4K always, and the two in turns at one GPA.
 */
#include "tdp_control.h"

#include "tdx/td_sept.h"
#include "tdx/td_test.h"
#include "tdx/tdcall.h"

/* 4K pages in a 2M and in a 1G page. */
#define HUGE		512UL
#define GIG		(HUGE * HUGE)

/* Where the TD sees the slot, as private and as shared memory. */
#define PRIVATE_GVA	(TDP_GPA + 2UL * SZ_1G)
#define SHARED_GVA	(TDP_GPA + 4UL * SZ_1G)

#define NR_TOUCHED	2
#define TD_WROTE(page)	(0x7d000000 + (page))

/* vcpu, gpa, number of 4K pages, PFNs of the 4K pages, state */
#define EXPECT_TD_SEPT(...)		__TDP_JUDGE(0, td_check_sept, __VA_ARGS__)
/* vcpu, gpa, number of 4K pages */
#define EXPECT_TD_SEPT_FREE(...)	__TDP_JUDGE(0, td_check_sept_free, __VA_ARGS__)

/* The pages that the TD is to touch, in this order. */
static u64 touched[NR_TOUCHED];

static u64 slot_gpa(const struct tdp_vm *t, u64 page)
{
	return t->gpa + page * PAGE_SIZE;
}

/* A slot whose own memory exists in pages of the size that @src says. */
static bool add_shared_slot(struct tdp_vm *t, enum vm_mem_backing_src_type src,
			    u64 npages)
{
	t->mem.is_private = false;
	tdp_vm_add_slot(t, src, TDP_GPA, npages);
	tdp_vm_touch(t);
	return src == VM_MEM_SRC_ANONYMOUS ||
	       tdp_hva_is_huge(t->hva, npages * PAGE_SIZE);
}

static void expect_shared_page(struct __test_metadata *_metadata,
			       struct tdp_vm *t, u64 page, int level)
{
	u64 gpa = slot_gpa(t, page), pfn;

	tdp_vm_pfns(t, gpa, 1, false, &pfn);
	EXPECT_TD_SHARED(t->vcpu, gpa, 1, level, &pfn);
	EXPECT_TD_SEPT_FREE(t->vcpu, gpa, 1);
}

static void expect_private(struct __test_metadata *_metadata, struct tdp_vm *t,
			   u64 first, u64 nr, enum td_sept_state state)
{
	u64 pfns[HUGE], gpa = slot_gpa(t, first);

	tdp_vm_pfns(t, gpa, nr, true, pfns);
	EXPECT_TD_PRIVATE(t->vcpu, gpa, nr, pfns);
	EXPECT_TD_SEPT(t->vcpu, gpa, nr, pfns, state);
}

static void expect_shared(struct __test_metadata *_metadata, struct tdp_vm *t,
			  u64 first, u64 nr, int level)
{
	u64 pfns[HUGE], gpa = slot_gpa(t, first);

	tdp_vm_pfns(t, gpa, nr, false, pfns);
	EXPECT_TD_SHARED(t->vcpu, gpa, nr, level, pfns);
	EXPECT_TD_SEPT_FREE(t->vcpu, gpa, nr);
}

static void expect_none(struct __test_metadata *_metadata, struct tdp_vm *t,
			u64 first, u64 nr)
{
	EXPECT_TDP_ABSENT(t->vcpu, slot_gpa(t, first), nr);
	EXPECT_TDP_ABSENT(t->vcpu, slot_gpa(t, first) | TD_SHARED_BIT, nr);
	EXPECT_TD_SEPT_FREE(t->vcpu, slot_gpa(t, first), nr);
}

static void expect_ucall(struct __test_metadata *_metadata, struct tdp_vm *t,
			 u64 cmd)
{
	struct ucall uc;

	vcpu_run(t->vcpu);
	ASSERT_EQ(get_ucall(t->vcpu, &uc), cmd)
		TH_LOG("exit %d (%s): %s", t->vcpu->run->exit_reason,
		       exit_reason_str(t->vcpu->run->exit_reason), uc.buffer);
}

FIXTURE(shared) {
	struct tdp_vm t;
};

/* pages: what the TD touches; the first 4K page of another leaf is 0. */
FIXTURE_VARIANT(shared) {
	enum vm_mem_backing_src_type src;
	int level;
	u64 npages;
	u64 pages[NR_TOUCHED];
};

FIXTURE_VARIANT_ADD(shared, small) {
	.src = VM_MEM_SRC_ANONYMOUS,
	.level = PG_LEVEL_4K,
	.npages = 2 * HUGE,
	.pages = { HUGE + 71, 0 },
};

FIXTURE_VARIANT_ADD(shared, hugetlb) {
	.src = VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB,
	.level = PG_LEVEL_2M,
	.npages = 2 * HUGE,
	.pages = { HUGE + 71, HUGE - 1 },
};

FIXTURE_VARIANT_ADD(shared, thp) {
	.src = VM_MEM_SRC_ANONYMOUS_THP,
	.level = PG_LEVEL_2M,
	.npages = 2 * HUGE,
	.pages = { HUGE + 71, HUGE - 1 },
};

FIXTURE_VARIANT_ADD(shared, hugetlb_1g) {
	.src = VM_MEM_SRC_ANONYMOUS_HUGETLB_1GB,
	.level = PG_LEVEL_1G,
	.npages = GIG,
	.pages = { 200 * HUGE + 71, 0 },
};

static void guest_touch(void)
{
	int i;

	for (i = 0; i < NR_TOUCHED; i++) {
		WRITE_ONCE(*(u64 *)(SHARED_GVA + touched[i] * PAGE_SIZE),
			   TD_WROTE(touched[i]));
		GUEST_SYNC1(i);
	}
	GUEST_DONE();
}

static void map_touched(struct tdp_vm *t, const u64 *pages)
{
	int i;

	memcpy(touched, pages, sizeof(touched));
	sync_global_to_guest(t->vm, touched);
	for (i = 0; i < NR_TOUCHED; i++)
		td_map_shared(t->vm, SHARED_GVA + pages[i] * PAGE_SIZE,
			      slot_gpa(t, pages[i]), 1);
}

FIXTURE_SETUP(shared)
{
	struct tdp_vm *t = &self->t;

	TDP_REQUIRE_NOT(tdp_backing_lacks(variant->src,
					  variant->npages * PAGE_SIZE));
	td_vm_create(t, guest_touch);
	TDP_REQUIRE(add_shared_slot(t, variant->src, variant->npages),
		    "the host has no huge pages to give");
	map_touched(t, variant->pages);
	td_finalize(t->vm);
}

FIXTURE_TEARDOWN(shared)
{
	tdp_vm_free(&self->t);
}

/* The first, the touched and the last page of a leaf. */
static void expect_leaf(struct __test_metadata *_metadata, struct tdp_vm *t,
			u64 page, int level)
{
	u64 first = page - page % tdp_level_pages(level);

	expect_shared_page(_metadata, t, first, level);
	expect_shared_page(_metadata, t, page, level);
	expect_shared_page(_metadata, t, first + tdp_level_pages(level) - 1, level);
}

static void expect_no_neighbour(struct __test_metadata *_metadata,
				struct tdp_vm *t, u64 page, int level)
{
	u64 first = page - page % tdp_level_pages(level);
	u64 end = first + tdp_level_pages(level);

	EXPECT_TDP_ABSENT(t->vcpu, slot_gpa(t, end), 1);
	/* In front of the slot is the page that vCPUs start in. */
	if (first)
		EXPECT_TDP_ABSENT(t->vcpu, slot_gpa(t, first - 1), 1);
}

/* Rules: tdx.shared-levels tdx.two-roots walk.level walk.base-pfn */
TEST_F_TIMEOUT(shared, access, 60)
{
	struct tdp_vm *t = &self->t;
	int i;

	expect_none(_metadata, t, 0, HUGE);
	for (i = 0; i < NR_TOUCHED; i++) {
		u64 page = variant->pages[i];

		expect_ucall(_metadata, t, UCALL_SYNC);
		expect_leaf(_metadata, t, page, variant->level);
		if (!i)
			expect_no_neighbour(_metadata, t, page, variant->level);
		EXPECT_EQ(*(u64 *)(t->hva + page * PAGE_SIZE), TD_WROTE(page));
	}
	expect_ucall(_metadata, t, UCALL_DONE);
}

FIXTURE(private) {
	struct tdp_vm t;
};

FIXTURE_SETUP(private)
{
	TDP_REQUIRE_NOT(tdp_backing_lacks(VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB,
					  SZ_2M));
}

FIXTURE_TEARDOWN(private)
{
	tdp_vm_free(&self->t);
}

static u64 guest_accept(int level)
{
	return tdg_mem_page_accept(TDP_GPA, level) & TDX_STATUS_MASK;
}

static void guest_accept_huge(void)
{
	GUEST_ASSERT_EQ(guest_accept(PG_LEVEL_2M), TDX_PAGE_SIZE_MISMATCH);
	GUEST_SYNC1(0);
	GUEST_ASSERT_EQ(guest_accept(PG_LEVEL_4K), TDX_SUCCESS);
	WRITE_ONCE(*(u64 *)PRIVATE_GVA, TD_WROTE(0));
	GUEST_SYNC1(1);
	GUEST_DONE();
}

/*
 * The GPA, the slot and its own memory would do for 2M, and the TD asks for it.
 *
 * Rules: tdx.accept-size tdx.accept tdx.sept-pending tdx.two-roots
 */
TEST_F(private, accept_huge)
{
	struct tdp_vm *t = &self->t;

	td_vm_create(t, guest_accept_huge);
	tdp_vm_add_slot(t, VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB, TDP_GPA, HUGE);
	td_map_private(t->vm, PRIVATE_GVA, TDP_GPA, 1);
	td_finalize(t->vm);

	expect_ucall(_metadata, t, UCALL_SYNC);
	expect_private(_metadata, t, 0, 1, TD_SEPT_PENDING);
	expect_none(_metadata, t, 1, HUGE - 1);

	expect_ucall(_metadata, t, UCALL_SYNC);
	expect_private(_metadata, t, 0, 1, TD_SEPT_MAPPED);
	expect_none(_metadata, t, 1, HUGE - 1);
	expect_ucall(_metadata, t, UCALL_DONE);
}

FIXTURE(turns) {
	struct tdp_vm t;
};

FIXTURE_VARIANT(turns) {
	enum vm_mem_backing_src_type src;
	int level;
};

FIXTURE_VARIANT_ADD(turns, small) {
	.src = VM_MEM_SRC_ANONYMOUS,
	.level = PG_LEVEL_4K,
};

FIXTURE_VARIANT_ADD(turns, hugetlb) {
	.src = VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB,
	.level = PG_LEVEL_2M,
};

FIXTURE_VARIANT_ADD(turns, thp) {
	.src = VM_MEM_SRC_ANONYMOUS_THP,
	.level = PG_LEVEL_2M,
};

FIXTURE_SETUP(turns)
{
	struct tdp_vm *t = &self->t;

	TDP_REQUIRE_NOT(tdp_backing_lacks(variant->src, SZ_2M));
	td_vm_create_idle(t);
	TDP_REQUIRE(add_shared_slot(t, variant->src, HUGE),
		    "the host has no huge pages to give");
	tdx_finalize_vm(t->vm);
}

FIXTURE_TEARDOWN(turns)
{
	tdp_vm_free(&self->t);
}

/* Rules: tdx.two-roots tdx.shared-levels tdx.convert tdx.sept-removes */
TEST_F(turns, all_of_it)
{
	struct tdp_vm *t = &self->t;
	int i;

	for (i = 0; i < 2; i++) {
		tdp_prefault(t->vcpu, t->gpa, SZ_2M);
		expect_shared(_metadata, t, 0, HUGE, variant->level);
		vm_mem_set_private(t->vm, t->gpa, SZ_2M);
		expect_none(_metadata, t, 0, HUGE);

		tdp_prefault(t->vcpu, t->gpa, SZ_2M);
		expect_private(_metadata, t, 0, HUGE, TD_SEPT_PENDING);
		vm_mem_set_shared(t->vm, t->gpa, SZ_2M);
		expect_none(_metadata, t, 0, HUGE);
	}
}

/*
 * A private page amid shared ones, or the reverse, leaves no room for a huge leaf.
 *
 * Rules: tdx.two-roots tdx.shared-levels tdx.convert tdx.sept-removes
 */
TEST_F(turns, a_page_of_it)
{
	struct tdp_vm *t = &self->t;
	const u64 page = 71;
	u64 gpa = slot_gpa(t, page);

	tdp_prefault(t->vcpu, t->gpa, SZ_2M);
	expect_shared(_metadata, t, 0, HUGE, variant->level);
	vm_mem_set_private(t->vm, gpa, PAGE_SIZE);
	expect_none(_metadata, t, page, 1);

	tdp_prefault(t->vcpu, t->gpa, SZ_2M);
	expect_shared(_metadata, t, 0, page, PG_LEVEL_4K);
	expect_private(_metadata, t, page, 1, TD_SEPT_PENDING);
	expect_shared(_metadata, t, page + 1, HUGE - page - 1, PG_LEVEL_4K);

	vm_mem_set_shared(t->vm, gpa, PAGE_SIZE);
	expect_none(_metadata, t, page, 1);
}

/* Rules: control.assertions tdx.shared-levels */
TEST_F(turns, wrong_levels_are_noticed)
{
	int other = variant->level == PG_LEVEL_4K ? PG_LEVEL_2M : PG_LEVEL_4K;
	struct tdp_vm *t = &self->t;
	u64 pfns[HUGE];

	tdp_prefault(t->vcpu, t->gpa, SZ_2M);
	tdp_vm_pfns(t, t->gpa, HUGE, false, pfns);
	EXPECT_ACCEPTED(EXPECT_TD_SHARED(t->vcpu, t->gpa, HUGE, variant->level,
					 pfns));
	EXPECT_REFUSED("Wanted level", EXPECT_TD_SHARED(t->vcpu, t->gpa, HUGE,
							other, pfns));
	EXPECT_REFUSED("got -ENOENT", EXPECT_TD_PRIVATE(t->vcpu, t->gpa, HUGE,
							pfns));
	EXPECT_REFUSED("state 2", EXPECT_TD_SEPT(t->vcpu, t->gpa, HUGE, pfns,
						 TD_SEPT_PENDING));
	pfns[HUGE - 1] ^= HUGE;
	EXPECT_REFUSED("Wanted base pfn",
		       EXPECT_TD_SHARED(t->vcpu, t->gpa, HUGE, variant->level,
					pfns));
}

TD_HARNESS_MAIN
