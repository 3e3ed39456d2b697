// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_SET_MEMORY_ATTRIBUTES on a VM with one root: which backing a leaf has,
 * when it goes away, and how large it may be.
 */
#include <pthread.h>

#include "tdp_test.h"

#define NPAGES	32

#define ATTR_PRIVATE	KVM_MEMORY_ATTRIBUTE_PRIVATE

static const struct tdp_mem sw_protected = TDP_MEM_SW_PROTECTED_SHARED;

static u64 page_gpa(struct tdp_vm *t, u64 page)
{
	return t->gpa + page * PAGE_SIZE;
}

static void prefault(struct tdp_vm *t, u64 page, u64 nr)
{
	tdp_prefault(t->vcpu, page_gpa(t, page), nr * PAGE_SIZE);
}

static void access_page(struct tdp_vm *t, u64 page)
{
	guest_read(t->vcpu, page_gpa(t, page));
}

/*
 * Both ways to populate must do the same: the guest's access maps every
 * second page, or fewer of a large range, and KVM_PRE_FAULT_MEMORY all others.
 */
static void populate(struct tdp_vm *t, u64 page, u64 nr)
{
	u64 step = nr > NPAGES ? 64 : 2;

	guest_do(t->vcpu, GUEST_READ, page_gpa(t, page), step * PAGE_SIZE,
		 DIV_ROUND_UP(nr, step), 0);
	prefault(t, page, nr);
}

static void convert(struct tdp_vm *t, bool to_private, u64 page, u64 nr)
{
	vm_set_memory_attributes(t->vm, page_gpa(t, page), nr * PAGE_SIZE,
				 to_private ? ATTR_PRIVATE : 0);
}

/* Let every page of the guest_memfd exist, with nothing mapped. */
static void fill_gmem(struct tdp_vm *t)
{
	TDP_ASSERT(!fallocate(t->gmem_fd, FALLOC_FL_KEEP_SIZE, 0,
			      t->npages * PAGE_SIZE),
		   "fallocate failed: %s", strerror(errno));
}

static bool check_as(struct tdp_vm *t, u64 page, u64 nr, int level,
		     bool is_private, struct tdp_msg *msg)
{
	struct tdp_vm as = *t;

	as.mem.is_private = is_private;
	return tdp_check_mapped(&as, page_gpa(t, page), nr, level, msg);
}

static bool check_absent(struct tdp_vm *t, u64 page, u64 nr,
			 struct tdp_msg *msg)
{
	return tdp_check_absent(t->vcpu, page_gpa(t, page), nr, msg);
}

/* struct tdp_vm *, first page in the slot, number of pages */
#define EXPECT_PRIVATE(t, page, nr)					\
	__TDP_JUDGE(0, check_as, t, page, nr, PG_LEVEL_4K, true)
#define EXPECT_SHARED(t, page, nr)					\
	__TDP_JUDGE(0, check_as, t, page, nr, PG_LEVEL_4K, false)
#define EXPECT_SHARED_HUGE(t, page, nr)					\
	__TDP_JUDGE(0, check_as, t, page, nr, PG_LEVEL_2M, false)
#define EXPECT_ABSENT(...)	__TDP_JUDGE(0, check_absent, __VA_ARGS__)

/* All of the slot but a range in it is mapped to one backing, at 4K. */
static bool check_around(struct tdp_vm *t, u64 page, u64 nr, bool is_private,
			 struct tdp_msg *msg)
{
	u64 after = page + nr;

	if (page && !check_as(t, 0, page, PG_LEVEL_4K, is_private, msg))
		return false;
	return after == t->npages ||
	       check_as(t, after, t->npages - after, PG_LEVEL_4K, is_private, msg);
}

#define EXPECT_AROUND(...)	__TDP_JUDGE(0, check_around, __VA_ARGS__)

FIXTURE(attributes) {
	struct tdp_vm t;
};

FIXTURE_SETUP(attributes)
{
	TDP_SETUP_SLOT(&self->t, &sw_protected, VM_MEM_SRC_ANONYMOUS, TDP_GPA,
		       NPAGES);
	tdp_vm_touch(&self->t);
}

FIXTURE_TEARDOWN(attributes)
{
	tdp_vm_free(&self->t);
}

/* Every second page is private, and both pages exist for each GPA. */
/* Rules: attr.private-pfn attr.shared-pfn walk.one-root */
TEST_F(attributes, alternating)
{
	u64 own[NPAGES], gmem[NPAGES], want[NPAGES], page;
	struct tdp_vm *t = &self->t;
	struct tdp_msg msg;

	fill_gmem(t);
	tdp_vm_pfns(t, t->gpa, NPAGES, false, own);
	tdp_vm_pfns(t, t->gpa, NPAGES, true, gmem);
	for (page = 0; page < NPAGES; page++) {
		convert(t, page % 2, page, 1);
		want[page] = page % 2 ? gmem[page] : own[page];
	}

	populate(t, 0, NPAGES);
	EXPECT_TDP_LEAVES(t->vcpu, t->gpa, NPAGES, PG_LEVEL_4K, want);
	/* The other backing must not pass for the right one. */
	for (page = 0; page < 2; page++) {
		EXPECT_NE(own[page], gmem[page]);
		EXPECT_FALSE(check_as(t, page, 1, PG_LEVEL_4K, !(page % 2), &msg));
	}
}

/* A range that the guest_memfd has pages for, but that nothing made private. */
/* Rules: attr.shared-pfn */
TEST_F(attributes, shared_from_the_start)
{
	struct tdp_vm *t = &self->t;

	fill_gmem(t);
	populate(t, 0, NPAGES);
	EXPECT_SHARED(t, 0, NPAGES);
}

/* Rules: attr.contents attr.convert-unmaps */
TEST_F(attributes, contents)
{
	u64 ours = 0x1111, private = 0x2222, shared = 0x3333;
	struct tdp_vm *t = &self->t;
	u64 *hva = t->hva;

	*hva = ours;
	convert(t, true, 0, 1);
	populate(t, 0, 1);
	EXPECT_EQ(guest_read(t->vcpu, t->gpa), 0);
	guest_write(t->vcpu, t->gpa, private);
	EXPECT_EQ(READ_ONCE(*hva), ours);

	convert(t, false, 0, 1);
	populate(t, 0, 1);
	EXPECT_EQ(guest_read(t->vcpu, t->gpa), ours);
	guest_write(t->vcpu, t->gpa, shared);
	EXPECT_EQ(READ_ONCE(*hva), shared);
	EXPECT_SHARED(t, 0, 1);

	convert(t, true, 0, 1);
	populate(t, 0, 1);
	EXPECT_EQ(guest_read(t->vcpu, t->gpa), private);
	EXPECT_PRIVATE(t, 0, 1);
}

/* No walk between: the guest's TLB may hold what the ioctl unmapped. */
/* Rules: attr.contents attr.convert-unmaps */
TEST_F(attributes, every_page_back_and_forth)
{
	struct tdp_vm *t = &self->t;
	int round;
	u64 page;

	for (round = 0; round < 3; round++) {
		convert(t, false, 0, NPAGES);
		populate(t, 0, NPAGES);
		guest_write_pages(t->vcpu, t->gpa, NPAGES, 1000 * round);
		convert(t, true, 0, NPAGES);
		populate(t, 0, NPAGES);
		guest_write_pages(t->vcpu, t->gpa, NPAGES, 7000 * round + 500);
		for (page = 0; page < NPAGES; page++)
			EXPECT_EQ(*(u64 *)(t->hva + page * PAGE_SIZE),
				  1000 * round + page);
	}

	convert(t, false, 0, NPAGES);
	for (page = 0; page < NPAGES; page++)
		EXPECT_EQ(guest_read(t->vcpu, page_gpa(t, page)), 2000 + page);
}

/* Rules: attr.same */
TEST_F(attributes, same_again)
{
	struct tdp_vm *t = &self->t;
	struct tdp_stats before;

	populate(t, 0, NPAGES);
	before = tdp_stats(t->vm);
	convert(t, false, 3, 5);
	convert(t, false, 0, NPAGES);
	EXPECT_SHARED(t, 0, NPAGES);
	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_4K), 0);

	convert(t, true, 0, NPAGES);
	EXPECT_ABSENT(t, 0, NPAGES);
	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_4K), -NPAGES);

	populate(t, 0, NPAGES);
	convert(t, true, 3, 5);
	convert(t, true, 0, NPAGES);
	EXPECT_PRIVATE(t, 0, NPAGES);
	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_4K), 0);
}

/*
 * Whether pages stay mapped that are already what the whole range becomes is
 * KVM's business, to what is not.
 */
static bool check_if_mapped(struct tdp_vm *t, u64 page, u64 nr, bool is_private,
			    struct tdp_msg *msg)
{
	u64 end = page + nr;

	for (; page < end; page++)
		if (!check_absent(t, page, 1, msg) &&
		    !check_as(t, page, 1, PG_LEVEL_4K, is_private, msg))
			return false;
	return true;
}

#define EXPECT_IF_MAPPED(...)	__TDP_JUDGE(0, check_if_mapped, __VA_ARGS__)

/* Pages @page to @page + 3 differ from all others, then a range around them. */
static void partly_same(struct __test_metadata *_metadata, struct tdp_vm *t,
			u64 page, bool to_private)
{
	struct tdp_msg msg;

	convert(t, !to_private, 0, NPAGES);
	convert(t, to_private, page, 4);
	populate(t, 0, NPAGES);
	EXPECT_AROUND(t, page, 4, !to_private);
	EXPECT_FALSE(check_if_mapped(t, page, 4, !to_private, &msg));

	convert(t, to_private, 8, 12);
	EXPECT_IF_MAPPED(t, page, 4, to_private);
	if (page > 8)
		EXPECT_ABSENT(t, 8, page - 8);
	if (page < 16)
		EXPECT_ABSENT(t, page + 4, 16 - page);
	EXPECT_AROUND(t, 8, 12, !to_private);

	populate(t, 0, NPAGES);
	__TDP_JUDGE(0, check_as, t, 8, 12, PG_LEVEL_4K, to_private);
	EXPECT_AROUND(t, 8, 12, !to_private);
}

/* What is so already is the first, a middle or the last part of the range. */
/* Rules: attr.convert-unmaps attr.same */
TEST_F(attributes, partly_same)
{
	u64 page;

	fill_gmem(&self->t);
	for (page = 8; page <= 16; page += 4) {
		partly_same(_metadata, &self->t, page, true);
		partly_same(_metadata, &self->t, page, false);
	}
}

/* The range has GPAs without a slot on both sides. */
/* Rules: attr.convert-unmaps gmem.no-slot */
TEST_F(attributes, beyond_the_slot)
{
	struct tdp_vm *t = &self->t;
	u64 gpa = t->gpa - NPAGES * PAGE_SIZE, size = 3 * NPAGES * PAGE_SIZE;

	populate(t, 0, NPAGES);
	vm_mem_set_private(t->vm, gpa, size);
	EXPECT_TDP_ABSENT(t->vcpu, gpa, 3 * NPAGES);
	populate(t, 0, NPAGES);
	EXPECT_PRIVATE(t, 0, NPAGES);

	vm_mem_set_shared(t->vm, gpa, size);
	EXPECT_TDP_ABSENT(t->vcpu, gpa, 3 * NPAGES);
	populate(t, 0, NPAGES);
	EXPECT_SHARED(t, 0, NPAGES);
}

/* One ioctl for the end of one slot and the start of the next. */
/* Rules: attr.convert-unmaps attr.private-pfn attr.shared-pfn */
TEST_F(attributes, two_slots)
{
	struct tdp_vm *t = &self->t, second = self->t;
	struct userspace_mem_region *region;

	second.gpa = t->gpa + NPAGES * PAGE_SIZE;
	vm_userspace_mem_region_add(t->vm, VM_MEM_SRC_ANONYMOUS, second.gpa,
				    TDP_SLOT + 1, NPAGES, KVM_MEM_GUEST_MEMFD);
	region = memslot2region(t->vm, TDP_SLOT + 1);
	second.hva = region->host_mem;
	second.gmem_fd = region->region.guest_memfd;
	guest_map(t->vm, second.gpa, NPAGES * PAGE_SIZE);
	tdp_vm_touch(&second);

	populate(t, 0, 2 * NPAGES);
	convert(t, true, NPAGES - 5, 8);
	EXPECT_ABSENT(t, NPAGES - 5, 8);
	EXPECT_AROUND(t, NPAGES - 5, 5, false);
	EXPECT_AROUND(&second, 0, 3, false);

	populate(t, NPAGES - 5, 8);
	EXPECT_PRIVATE(t, NPAGES - 5, 5);
	EXPECT_PRIVATE(&second, 0, 3);
}

/* The slot's own memory is exchanged while nobody looks. */
/* Rules: attr.private-pfn attr.shared-pfn attr.contents split.remap */
TEST_F(attributes, own_memory_replaced)
{
	struct tdp_vm *t = &self->t;
	u64 *hva = t->hva;

	convert(t, true, 0, NPAGES);
	populate(t, 0, NPAGES);
	guest_write_pages(t->vcpu, t->gpa, NPAGES, 5000);
	ASSERT_EQ(madvise(t->hva, NPAGES * PAGE_SIZE, MADV_DONTNEED), 0);
	tdp_vm_touch(t);

	populate(t, 0, NPAGES);
	EXPECT_PRIVATE(t, 0, NPAGES);
	EXPECT_EQ(guest_read(t->vcpu, page_gpa(t, 9)), 5009);

	convert(t, false, 0, NPAGES);
	populate(t, 0, NPAGES);
	EXPECT_SHARED(t, 0, NPAGES);
	EXPECT_EQ(guest_read(t->vcpu, page_gpa(t, 9)), 9);
	EXPECT_EQ(hva[0], 0);
}

/* Shared, private and shared again, in one go. */
/* Rules: map.prefault attr.private-pfn attr.shared-pfn */
TEST_F(attributes, across_boundaries)
{
	struct tdp_vm *t = &self->t;

	convert(t, true, 10, 5);
	prefault(t, 7, 12);
	EXPECT_SHARED(t, 7, 3);
	EXPECT_PRIVATE(t, 10, 5);
	EXPECT_SHARED(t, 15, 4);
	EXPECT_ABSENT(t, 0, 7);
	EXPECT_ABSENT(t, 19, NPAGES - 19);
}

static int set_attributes(struct kvm_vm *vm, u64 gpa, u64 size, u64 attributes,
			  u64 flags)
{
	struct kvm_memory_attributes attr = {
		.address = gpa,
		.size = size,
		.attributes = attributes,
		.flags = flags,
	};

	return __vm_ioctl(vm, KVM_SET_MEMORY_ATTRIBUTES, &attr) ? errno : 0;
}

/* Rules: attr.errno */
TEST_F(attributes, refused)
{
	struct tdp_vm *t = &self->t;
	u64 gpa = t->gpa, end = -PAGE_SIZE;

	populate(t, 0, NPAGES);
	EXPECT_EQ(set_attributes(t->vm, gpa, 0, ATTR_PRIVATE, 0), EINVAL);
	EXPECT_EQ(set_attributes(t->vm, gpa + 1, PAGE_SIZE, ATTR_PRIVATE, 0), EINVAL);
	EXPECT_EQ(set_attributes(t->vm, gpa, PAGE_SIZE + 1, ATTR_PRIVATE, 0), EINVAL);
	EXPECT_EQ(set_attributes(t->vm, gpa, PAGE_SIZE, ATTR_PRIVATE, 1), EINVAL);
	EXPECT_EQ(set_attributes(t->vm, gpa, PAGE_SIZE, ATTR_PRIVATE | 1, 0), EINVAL);
	EXPECT_EQ(set_attributes(t->vm, gpa, PAGE_SIZE, 1, 0), EINVAL);
	EXPECT_EQ(set_attributes(t->vm, end, 2 * PAGE_SIZE, ATTR_PRIVATE, 0), EINVAL);
	EXPECT_SHARED(t, 0, NPAGES);

	/* What is right but for the errors above. */
	EXPECT_EQ(set_attributes(t->vm, gpa, PAGE_SIZE, ATTR_PRIVATE, 0), 0);
	EXPECT_ABSENT(t, 0, 1);
	EXPECT_SHARED(t, 1, NPAGES - 1);
}

/*
 * Where in the slot the range lies: the variant is the truth table.
 */
FIXTURE(convert) {
	struct tdp_vm t;
};

FIXTURE_VARIANT(convert) {
	u64 page;
	u64 nr;
};

FIXTURE_VARIANT_ADD(convert, first_page) { .page = 0, .nr = 1 };
FIXTURE_VARIANT_ADD(convert, middle_page) { .page = 15, .nr = 1 };
FIXTURE_VARIANT_ADD(convert, last_page) { .page = NPAGES - 1, .nr = 1 };
FIXTURE_VARIANT_ADD(convert, head) { .page = 0, .nr = 4 };
FIXTURE_VARIANT_ADD(convert, inner) { .page = 7, .nr = 11 };
FIXTURE_VARIANT_ADD(convert, tail) { .page = NPAGES - 5, .nr = 5 };
FIXTURE_VARIANT_ADD(convert, whole) { .page = 0, .nr = NPAGES };

FIXTURE_SETUP(convert)
{
	TDP_SETUP_SLOT(&self->t, &sw_protected, VM_MEM_SRC_ANONYMOUS, TDP_GPA,
		       NPAGES);
	tdp_vm_touch(&self->t);
}

FIXTURE_TEARDOWN(convert)
{
	tdp_vm_free(&self->t);
}

static void convert_range(struct __test_metadata *_metadata, struct tdp_vm *t,
			  u64 page, u64 nr, bool to_private)
{
	convert(t, !to_private, 0, NPAGES);
	populate(t, 0, NPAGES);
	__TDP_JUDGE(0, check_as, t, page, nr, PG_LEVEL_4K, !to_private);

	convert(t, to_private, page, nr);
	EXPECT_ABSENT(t, page, nr);
	EXPECT_AROUND(t, page, nr, !to_private);

	populate(t, page, nr);
	__TDP_JUDGE(0, check_as, t, page, nr, PG_LEVEL_4K, to_private);
	EXPECT_AROUND(t, page, nr, !to_private);
}

/* Rules: attr.convert-unmaps attr.private-pfn attr.shared-pfn */
TEST_F(convert, there_and_back)
{
	u64 page = variant->page, nr = variant->nr;

	convert_range(_metadata, &self->t, page, nr, true);
	convert_range(_metadata, &self->t, page, nr, false);
}

/*
 * A vCPU that writes to a page until that is private.  The slot has no
 * guest_memfd, so that its next access has to leave the guest.
 */
#define ROUNDS	6

FIXTURE(running) {
	struct tdp_vm t;
};

FIXTURE_SETUP(running)
{
	const struct tdp_mem mem = { .vm_type = KVM_X86_SW_PROTECTED_VM };

	TDP_SETUP_SLOT(&self->t, &mem, VM_MEM_SRC_ANONYMOUS, TDP_GPA, 1);
	tdp_vm_touch(&self->t);
}

FIXTURE_TEARDOWN(running)
{
	tdp_vm_free(&self->t);
}

/* Each write is of another value. */
static void *write_until_fault(void *arg)
{
	struct tdp_vm *t = arg;
	int reason = __guest_do(t->vcpu, GUEST_WRITE, t->gpa, 0, -1UL, 1);

	TDP_ASSERT(reason == KVM_EXIT_MEMORY_FAULT,
		   "Wanted a memory fault, got exit %d (%s)", reason,
		   exit_reason_str(reason));
	return NULL;
}

/* A TLB entry that outlives the ioctl shows as one more write. */
/* Rules: attr.running attr.convert-unmaps gmem.none */
TEST_F(running, to_private)
{
	struct tdp_vm *t = &self->t;
	u64 *hva = t->hva, seen = *hva;
	pthread_t thread;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		ASSERT_EQ(pthread_create(&thread, NULL, write_until_fault, t), 0);
		while (READ_ONCE(*hva) == seen)
			sched_yield();
		convert(t, true, 0, 1);
		seen = READ_ONCE(*hva);
		ASSERT_EQ(pthread_join(thread, NULL), 0);
		EXPECT_EQ(READ_ONCE(*hva), seen);
		EXPECT_ABSENT(t, 0, 1);
		convert(t, false, 0, 1);
	}
}

/*
 * Three huge pages: what happens to the middle one must leave the others be.
 *
 *	0            HUGE         2 * HUGE      3 * HUGE
 *	|    2M      |   subject   |     2M      |
 */
#define HUGE	512

FIXTURE(huge) {
	struct tdp_vm t;
};

FIXTURE_VARIANT(huge) {
	enum vm_mem_backing_src_type src;
};

FIXTURE_VARIANT_ADD(huge, hugetlb) { .src = VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB };
FIXTURE_VARIANT_ADD(huge, thp) { .src = VM_MEM_SRC_ANONYMOUS_THP };

FIXTURE_SETUP(huge)
{
	struct tdp_vm *t = &self->t;

	TDP_SETUP_SLOT(t, &sw_protected, variant->src, TDP_GPA, 3 * HUGE);
	tdp_vm_touch(t);
	TDP_REQUIRE(tdp_hva_is_huge(t->hva, 3 * SZ_2M),
		    "the host did not back the slot with huge pages");
	guest_do(t->vcpu, GUEST_READ, t->gpa, SZ_2M, 3, 0);
}

FIXTURE_TEARDOWN(huge)
{
	tdp_vm_free(&self->t);
}

/* One page of the subject is private for a while. */
static void mixed(struct __test_metadata *_metadata, struct tdp_vm *t, u64 page)
{
	u64 before = page - HUGE, after = 2 * HUGE - page - 1;

	EXPECT_SHARED_HUGE(t, 0, 3 * HUGE);
	convert(t, true, page, 1);
	EXPECT_ABSENT(t, page, 1);
	EXPECT_SHARED_HUGE(t, 0, HUGE);
	EXPECT_SHARED_HUGE(t, 2 * HUGE, HUGE);

	populate(t, HUGE, HUGE);
	EXPECT_PRIVATE(t, page, 1);
	if (before)
		EXPECT_SHARED(t, HUGE, before);
	if (after)
		EXPECT_SHARED(t, page + 1, after);

	convert(t, false, page, 1);
	EXPECT_ABSENT(t, page, 1);
	access_page(t, page);
	EXPECT_SHARED_HUGE(t, 0, 3 * HUGE);
}

/* Rules: attr.mixed attr.uniform attr.convert-unmaps */
TEST_F(huge, mixed)
{
	mixed(_metadata, &self->t, HUGE);
	mixed(_metadata, &self->t, HUGE + 300);
	mixed(_metadata, &self->t, 2 * HUGE - 1);
}

/* Two pages were private, and one is: that is not uniform yet. */
static void one_of_two(struct __test_metadata *_metadata, struct tdp_vm *t,
		       u64 page, u64 other)
{
	convert(t, true, page, 1);
	convert(t, true, other, 1);
	convert(t, false, other, 1);
	populate(t, HUGE, HUGE);
	EXPECT_PRIVATE(t, page, 1);
	EXPECT_SHARED(t, other, 1);
	if (page > HUGE)
		EXPECT_SHARED(t, HUGE, page - HUGE);
	if (page < 2 * HUGE - 1)
		EXPECT_SHARED(t, page + 1, 2 * HUGE - page - 1);

	convert(t, false, page, 1);
	access_page(t, page);
	EXPECT_SHARED_HUGE(t, HUGE, HUGE);
}

/* Rules: attr.mixed attr.uniform */
TEST_F(huge, two_private_pages)
{
	u64 first = HUGE, middle = HUGE + 300, last = 2 * HUGE - 1;

	one_of_two(_metadata, &self->t, first, last);
	one_of_two(_metadata, &self->t, middle, first);
	one_of_two(_metadata, &self->t, last, middle);
}

/* Rules: attr.convert-unmaps attr.private-pfn attr.uniform map.stats */
TEST_F(huge, whole)
{
	struct tdp_vm *t = &self->t;
	struct tdp_stats before = tdp_stats(t->vm);

	convert(t, true, HUGE, HUGE);
	EXPECT_ABSENT(t, HUGE, HUGE);
	EXPECT_SHARED_HUGE(t, 0, HUGE);
	EXPECT_SHARED_HUGE(t, 2 * HUGE, HUGE);
	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_2M), -1);

	populate(t, HUGE, HUGE);
	EXPECT_PRIVATE(t, HUGE, HUGE);
	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_4K), HUGE);

	convert(t, false, HUGE, HUGE);
	EXPECT_ABSENT(t, HUGE, HUGE);
	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_4K), 0);
	access_page(t, HUGE + 77);
	EXPECT_SHARED_HUGE(t, 0, 3 * HUGE);
	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_2M), 0);
}

/* A range from the middle of one huge page to the middle of the third. */
/* Rules: attr.convert-unmaps attr.mixed attr.uniform */
TEST_F(huge, straddling)
{
	u64 first = HUGE / 2, nr = 2 * HUGE, end = first + nr;
	struct tdp_vm *t = &self->t;

	convert(t, true, first, nr);
	EXPECT_ABSENT(t, first, nr);
	populate(t, 0, 3 * HUGE);
	EXPECT_SHARED(t, 0, first);
	EXPECT_PRIVATE(t, first, nr);
	EXPECT_SHARED(t, end, 3 * HUGE - end);

	convert(t, false, first, nr);
	EXPECT_ABSENT(t, first, nr);
	access_page(t, first);
	access_page(t, HUGE + 1);
	access_page(t, end - 1);
	EXPECT_SHARED_HUGE(t, 0, 3 * HUGE);
}

/* Half by half to private, and half by half back. */
/* Rules: attr.convert-unmaps attr.mixed attr.uniform */
TEST_F(huge, by_halves)
{
	u64 half = HUGE / 2, low = HUGE, high = HUGE + half;
	struct tdp_vm *t = &self->t;

	convert(t, true, low, half);
	EXPECT_ABSENT(t, low, half);
	populate(t, low, HUGE);
	EXPECT_PRIVATE(t, low, half);
	EXPECT_SHARED(t, high, half);

	convert(t, true, high, half);
	EXPECT_ABSENT(t, high, half);
	EXPECT_PRIVATE(t, low, half);
	populate(t, high, half);
	EXPECT_PRIVATE(t, low, HUGE);

	convert(t, false, high, half);
	EXPECT_ABSENT(t, high, half);
	EXPECT_PRIVATE(t, low, half);
	populate(t, high, half);
	EXPECT_SHARED(t, high, half);

	convert(t, false, low, half);
	EXPECT_ABSENT(t, low, half);
	EXPECT_SHARED(t, high, half);
	access_page(t, high - 1);
	EXPECT_SHARED_HUGE(t, 0, 3 * HUGE);
}

/*
 * The slot comes after the attributes, or without a guest_memfd.
 */
FIXTURE(late) {
	struct tdp_vm t;
};

FIXTURE_SETUP(late)
{
	TDP_REQUIRE_NOT(tdp_backing_lacks(VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB, 2 * SZ_2M));
	TDP_SETUP_VM(&self->t, &sw_protected);
}

FIXTURE_TEARDOWN(late)
{
	tdp_vm_free(&self->t);
}

static void add_late_slot(struct tdp_vm *t)
{
	tdp_vm_add_slot(t, VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB, TDP_GPA, 2 * HUGE);
	tdp_vm_touch(t);
}

/* Rules: attr.mixed attr.uniform attr.private-pfn */
TEST_F(late, mixed_before_the_slot)
{
	struct tdp_vm *t = &self->t;
	u64 page = HUGE + 5;

	vm_mem_set_private(t->vm, TDP_GPA + page * PAGE_SIZE, PAGE_SIZE);
	add_late_slot(t);
	populate(t, 0, 2 * HUGE);
	EXPECT_SHARED_HUGE(t, 0, HUGE);
	EXPECT_SHARED(t, HUGE, 5);
	EXPECT_PRIVATE(t, page, 1);
	EXPECT_SHARED(t, page + 1, HUGE - 6);

	convert(t, false, page, 1);
	prefault(t, page, 1);
	EXPECT_SHARED_HUGE(t, 0, 2 * HUGE);
}

static void expect_private_fault(struct __test_metadata *_metadata,
				 struct tdp_vm *t, u64 page)
{
	struct kvm_pre_fault_memory range = {
		.gpa = page_gpa(t, page),
		.size = PAGE_SIZE,
	};
	struct kvm_run *run = t->vcpu->run;

	EXPECT_EQ(__tdp_prefault(t->vcpu, &range), -EFAULT);
	EXPECT_EQ(__guest_do(t->vcpu, GUEST_READ, page_gpa(t, page), 0, 1, 0),
		  KVM_EXIT_MEMORY_FAULT);
	EXPECT_EQ(run->memory_fault.flags, KVM_MEMORY_EXIT_FLAG_PRIVATE);
	EXPECT_EQ(run->memory_fault.gpa, page_gpa(t, page));
	EXPECT_EQ(run->memory_fault.size, PAGE_SIZE);
	EXPECT_ABSENT(t, page, 1);
}

/* Rules: gmem.none attr.mixed attr.uniform */
TEST_F(late, slot_without_guest_memfd)
{
	struct tdp_vm *t = &self->t;

	t->mem.gmem = false;
	add_late_slot(t);
	populate(t, 0, 2 * HUGE);
	EXPECT_SHARED_HUGE(t, 0, 2 * HUGE);

	convert(t, true, 9, 1);
	EXPECT_ABSENT(t, 9, 1);
	expect_private_fault(_metadata, t, 9);
	prefault(t, 0, 9);
	prefault(t, 10, HUGE - 10);
	EXPECT_SHARED(t, 0, 9);
	EXPECT_ABSENT(t, 9, 1);
	EXPECT_SHARED(t, 10, HUGE - 10);
	EXPECT_SHARED_HUGE(t, HUGE, HUGE);

	/* What the guest wanted is there now: it goes on where it left. */
	expect_private_fault(_metadata, t, 9);
	convert(t, false, 9, 1);
	EXPECT_EQ(__guest_resume(t->vcpu), 0);
	EXPECT_SHARED_HUGE(t, 0, 2 * HUGE);
}

FIXTURE(default_vm) {
	struct tdp_vm t;
};

FIXTURE_SETUP(default_vm)
{
	const struct tdp_mem mem = TDP_MEM_DEFAULT;

	TDP_SETUP_SLOT(&self->t, &mem, VM_MEM_SRC_ANONYMOUS, TDP_GPA, NPAGES);
	tdp_vm_touch(&self->t);
}

FIXTURE_TEARDOWN(default_vm)
{
	tdp_vm_free(&self->t);
}

/* Rules: attr.errno attr.same */
TEST_F(default_vm, has_no_private_memory)
{
	struct tdp_vm *t = &self->t;

	populate(t, 0, NPAGES);
	EXPECT_EQ(set_attributes(t->vm, t->gpa, PAGE_SIZE, ATTR_PRIVATE, 0), EINVAL);
	EXPECT_EQ(set_attributes(t->vm, t->gpa, PAGE_SIZE, 0, 0), 0);
	EXPECT_SHARED(t, 0, NPAGES);
}

TDP_HARNESS_MAIN
