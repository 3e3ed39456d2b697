// SPDX-License-Identifier: GPL-2.0
/*
 * Memslots on a guest_memfd: which of its pages a leaf maps, and what becomes of
 * the leaf when the page, the file or the slot goes away.
 */
#include "tdp_test.h"

#define NPAGES		24
#define FILE_PAGES	64
#define WINDOW		(4 * NPAGES)

#define ATTR_PRIVATE	KVM_MEMORY_ATTRIBUTE_PRIVATE

static const struct tdp_mem sw_protected = {
	.vm_type = KVM_X86_SW_PROTECTED_VM,
	.gmem = true,
	.is_private = true,
};

/*
 * struct tdp_vm is the window that slots are put into: its own memory has a page
 * for each page of the window, its guest_memfd has FILE_PAGES.
 *
 * @first: the slot's first page in the guest_memfd
 */
struct slot {
	u32 id;
	u64 gpa;
	u64 npages;
	u64 first;
};

static u64 slot_gpa(const struct slot *s, u64 page)
{
	return s->gpa + page * PAGE_SIZE;
}

static int __bind(struct tdp_vm *t, const struct slot *s, int fd, u64 offset)
{
	return __vm_set_user_memory_region2(t->vm, s->id, KVM_MEM_GUEST_MEMFD,
					    s->gpa, s->npages * PAGE_SIZE,
					    t->hva + (s->gpa - t->gpa), fd,
					    offset) ? errno : 0;
}

static void bind_slot(struct tdp_vm *t, const struct slot *s)
{
	int err = __bind(t, s, t->gmem_fd, s->first * PAGE_SIZE);

	TDP_ASSERT(!err, "Cannot bind a slot to page %lu of guest_memfd: %s",
		   s->first, strerror(err));
}

static void delete_slot(struct tdp_vm *t, const struct slot *s)
{
	vm_set_user_memory_region2(t->vm, s->id, 0, s->gpa, 0, NULL, 0, 0);
}

static void open_gmem(struct tdp_vm *t, u64 flags)
{
	t->gpa = TDP_GPA;
	t->npages = WINDOW;
	t->hva = kvm_mmap(WINDOW * PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1);
	t->gmem_fd = __vm_create_guest_memfd(t->vm, FILE_PAGES * PAGE_SIZE, flags);
	TDP_ASSERT(t->gmem_fd >= 0, "Cannot create a guest_memfd: %s", strerror(errno));

	madvise(t->hva, WINDOW * PAGE_SIZE, MADV_NOHUGEPAGE);
	tdp_vm_touch(t);
	if (t->mem.is_private)
		vm_mem_set_private(t->vm, t->gpa, WINDOW * PAGE_SIZE);
	guest_map(t->vm, t->gpa, WINDOW * PAGE_SIZE);
}

/*
 * Both ways to populate must do the same: the guest's access maps every second
 * page, KVM_PRE_FAULT_MEMORY the others.
 */
static void populate(struct tdp_vm *t, const struct slot *s, u64 page, u64 nr)
{
	guest_do(t->vcpu, GUEST_READ, slot_gpa(s, page), 2 * PAGE_SIZE,
		 DIV_ROUND_UP(nr, 2), 0);
	tdp_prefault(t->vcpu, slot_gpa(s, page), nr * PAGE_SIZE);
}

static int punch(struct tdp_vm *t, u64 file_page, u64 nr)
{
	return fallocate(t->gmem_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 file_page * PAGE_SIZE, nr * PAGE_SIZE);
}

/* Let every page of the guest_memfd exist, with nothing mapped. */
static void fill(struct tdp_vm *t)
{
	TDP_ASSERT(!fallocate(t->gmem_fd, FALLOC_FL_KEEP_SIZE, 0,
			      FILE_PAGES * PAGE_SIZE),
		   "fallocate failed: %s", strerror(errno));
}

/* The checks below take an empty range, as there may be nothing beside one. */
static bool check_gmem(struct tdp_vm *t, const struct slot *s, u64 page, u64 nr,
		       struct tdp_msg *msg)
{
	u64 pfns[FILE_PAGES];

	if (!nr)
		return true;
	tdp_gmem_pfns(t->gmem_fd, (s->first + page) * PAGE_SIZE, nr, pfns);
	return tdp_check_leaves(t->vcpu, slot_gpa(s, page), nr, PG_LEVEL_4K,
				pfns, msg);
}

static bool check_own(struct tdp_vm *t, const struct slot *s, u64 page, u64 nr,
		      struct tdp_msg *msg)
{
	u64 pfns[WINDOW];

	tdp_vm_pfns(t, slot_gpa(s, page), nr, false, pfns);
	return tdp_check_leaves(t->vcpu, slot_gpa(s, page), nr, PG_LEVEL_4K,
				pfns, msg);
}

static bool check_absent(struct tdp_vm *t, const struct slot *s, u64 page, u64 nr,
			 struct tdp_msg *msg)
{
	return !nr || tdp_check_absent(t->vcpu, slot_gpa(s, page), nr, msg);
}

/* struct tdp_vm *, struct slot *, first page in the slot, number of pages */
#define EXPECT_GMEM(...)	__TDP_JUDGE(0, check_gmem, __VA_ARGS__)
#define EXPECT_OWN(...)		__TDP_JUDGE(0, check_own, __VA_ARGS__)
#define EXPECT_ABSENT(...)	__TDP_JUDGE(0, check_absent, __VA_ARGS__)

/* The page cache has no page there. */
static bool is_hole(struct tdp_vm *t, u64 file_page, u64 nr)
{
	u64 i, pfns[FILE_PAGES];

	tdp_gmem_pfns(t->gmem_fd, file_page * PAGE_SIZE, nr, pfns);
	for (i = 0; i < nr; i++)
		if (pfns[i] != TDP_NO_PFN)
			return false;
	return true;
}

/*
 * Neither the guest nor KVM_PRE_FAULT_MEMORY gets at a private page.  The guest
 * stays where it is: let it go on with __guest_resume() before anything else.
 */
static void expect_private_fault(struct __test_metadata *_metadata,
				 struct tdp_vm *t, u64 gpa)
{
	struct kvm_pre_fault_memory range = { .gpa = gpa, .size = PAGE_SIZE };
	struct kvm_run *run = t->vcpu->run;
	int r = __tdp_prefault(t->vcpu, &range);

	/* Without a slot the documentation has ENOENT, and the code EFAULT. */
	EXPECT_TRUE(r == -EFAULT || r == -ENOENT);
	EXPECT_EQ(range.size, PAGE_SIZE);
	EXPECT_EQ(__guest_do(t->vcpu, GUEST_WRITE, gpa, 0, 1, 1), KVM_EXIT_MEMORY_FAULT);
	EXPECT_EQ(run->memory_fault.flags, KVM_MEMORY_EXIT_FLAG_PRIVATE);
	EXPECT_EQ(run->memory_fault.gpa, gpa);
	EXPECT_EQ(run->memory_fault.size, PAGE_SIZE);
	EXPECT_TDP_ABSENT(t->vcpu, gpa, 1);
}

/*
 * One slot in the middle of the guest_memfd.
 */
#define FIRST	5

FIXTURE(gmem) {
	struct tdp_vm t;
	struct slot s;
};

FIXTURE_SETUP(gmem)
{
	struct tdp_vm *t = &self->t;

	TDP_SETUP_VM(t, &sw_protected);
	open_gmem(t, 0);
	self->s = (struct slot) {
		.id = TDP_SLOT,
		.gpa = t->gpa,
		.npages = NPAGES,
		.first = FIRST,
	};
	bind_slot(t, &self->s);
}

FIXTURE_TEARDOWN(gmem)
{
	tdp_vm_free(&self->t);
}

/* Rules: gmem.offset attr.private-pfn map.access map.prefault */
TEST_F(gmem, offset)
{
	u64 end = FIRST + NPAGES;
	struct slot *s = &self->s, wrong = *s;
	struct tdp_vm *t = &self->t;
	struct tdp_msg msg;

	populate(t, s, 0, NPAGES);
	EXPECT_GMEM(t, s, 0, NPAGES);
	EXPECT_FALSE(is_hole(t, FIRST, 1));
	EXPECT_FALSE(is_hole(t, end - 1, 1));
	EXPECT_TRUE(is_hole(t, 0, FIRST));
	EXPECT_TRUE(is_hole(t, end, FILE_PAGES - end));

	/* Off by one page must not pass, nor must the slot's own memory. */
	fill(t);
	EXPECT_GMEM(t, s, 0, NPAGES);
	wrong.first++;
	EXPECT_FALSE(check_gmem(t, &wrong, 0, NPAGES, &msg));
	EXPECT_FALSE(check_own(t, s, 0, NPAGES, &msg));
}

/* Rules: gmem.allocate */
TEST_F(gmem, allocate)
{
	struct slot *s = &self->s;
	struct tdp_vm *t = &self->t;
	u64 before[FILE_PAGES], after[FILE_PAGES];

	populate(t, s, 4, 1);
	fill(t);
	EXPECT_ABSENT(t, s, 0, 4);
	EXPECT_GMEM(t, s, 4, 1);
	EXPECT_ABSENT(t, s, 5, NPAGES - 5);

	tdp_gmem_pfns(t->gmem_fd, 0, FILE_PAGES, before);
	populate(t, s, 0, NPAGES);
	EXPECT_GMEM(t, s, 0, NPAGES);
	tdp_gmem_pfns(t->gmem_fd, 0, FILE_PAGES, after);
	EXPECT_EQ(memcmp(before, after, sizeof(before)), 0);
}

/* Rules: gmem.punch-hole gmem.repopulate gmem.zeroed */
TEST_F(gmem, hole_and_back)
{
	struct slot *s = &self->s;
	struct tdp_vm *t = &self->t;
	u64 page;

	guest_write_pages(t->vcpu, s->gpa, NPAGES, 100);
	ASSERT_EQ(punch(t, s->first + 10, 3), 0);
	EXPECT_ABSENT(t, s, 10, 3);
	EXPECT_GMEM(t, s, 0, 10);
	EXPECT_GMEM(t, s, 13, NPAGES - 13);
	EXPECT_TRUE(is_hole(t, s->first + 10, 3));

	populate(t, s, 10, 3);
	EXPECT_GMEM(t, s, 0, NPAGES);
	for (page = 0; page < NPAGES; page++)
		EXPECT_EQ(guest_read(t->vcpu, slot_gpa(s, page)),
			  page >= 10 && page < 13 ? 0 : 100 + page);
}

/* Rules: gmem.punch-hole */
TEST_F(gmem, hole_refused)
{
	const int keep = FALLOC_FL_KEEP_SIZE, hole = FALLOC_FL_PUNCH_HOLE;
	u64 offset = self->s.first * PAGE_SIZE;
	struct tdp_vm *t = &self->t;

	populate(t, &self->s, 0, NPAGES);
	EXPECT_EQ(fallocate(t->gmem_fd, keep | hole, offset + 1, PAGE_SIZE), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(fallocate(t->gmem_fd, keep | hole, offset, PAGE_SIZE - 1), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(fallocate(t->gmem_fd, keep | hole, offset, 0), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(fallocate(t->gmem_fd, hole, offset, PAGE_SIZE), -1);
	EXPECT_EQ(errno, EOPNOTSUPP);
	EXPECT_GMEM(t, &self->s, 0, NPAGES);
}

/* What the hole unmaps of shared memory is KVM's business; what it is, not. */
/* Rules: attr.shared-pfn gmem.punch-hole */
TEST_F(gmem, hole_under_shared)
{
	struct slot *s = &self->s;
	struct tdp_vm *t = &self->t;

	fill(t);
	vm_mem_set_shared(t->vm, s->gpa, NPAGES * PAGE_SIZE);
	populate(t, s, 0, NPAGES);
	ASSERT_EQ(punch(t, s->first + 3, 7), 0);
	EXPECT_OWN(t, s, 0, 3);
	EXPECT_OWN(t, s, 10, NPAGES - 10);
	populate(t, s, 3, 7);
	EXPECT_OWN(t, s, 0, NPAGES);
	EXPECT_TRUE(is_hole(t, s->first + 3, 7));
	EXPECT_EQ(guest_read(t->vcpu, slot_gpa(s, 4)), 4);
}

/* Two slots on one file, in the other order and with a gap between. */
/* Rules: gmem.offset gmem.punch-hole */
TEST_F(gmem, two_slots)
{
	struct slot *a = &self->s, b = {
		.id = TDP_SLOT + 1,
		.gpa = self->t.gpa + 2 * NPAGES * PAGE_SIZE,
		.npages = NPAGES,
		.first = FIRST + NPAGES,
	};
	struct tdp_vm *t = &self->t;

	bind_slot(t, &b);
	populate(t, a, 0, NPAGES);
	populate(t, &b, 0, NPAGES);
	EXPECT_GMEM(t, a, 0, NPAGES);
	EXPECT_GMEM(t, &b, 0, NPAGES);
	EXPECT_TDP_ABSENT(t->vcpu, slot_gpa(a, NPAGES), NPAGES);

	ASSERT_EQ(punch(t, b.first + 3, 2), 0);
	EXPECT_GMEM(t, a, 0, NPAGES);
	EXPECT_GMEM(t, &b, 0, 3);
	EXPECT_ABSENT(t, &b, 3, 2);
	EXPECT_GMEM(t, &b, 5, NPAGES - 5);

	ASSERT_EQ(punch(t, b.first - 4, 6), 0);
	EXPECT_GMEM(t, a, 0, NPAGES - 4);
	EXPECT_ABSENT(t, a, NPAGES - 4, 4);
	EXPECT_ABSENT(t, &b, 0, 2);
	EXPECT_GMEM(t, &b, 2, 1);
	EXPECT_GMEM(t, &b, 5, NPAGES - 5);
}

/* Rules: gmem.keeps-pages gmem.zeroed slot.delete */
TEST_F(gmem, slot_created_again)
{
	u64 before[NPAGES], after[NPAGES], offset = self->s.first * PAGE_SIZE;
	struct slot *s = &self->s, moved = *s;
	struct tdp_vm *t = &self->t;

	moved.gpa += NPAGES * PAGE_SIZE;
	EXPECT_EQ(guest_read(t->vcpu, slot_gpa(s, 7)), 0);
	guest_write_pages(t->vcpu, s->gpa, NPAGES, 300);
	tdp_gmem_pfns(t->gmem_fd, offset, NPAGES, before);

	delete_slot(t, s);
	EXPECT_ABSENT(t, s, 0, 2 * NPAGES);
	bind_slot(t, s);
	EXPECT_ABSENT(t, s, 0, 2 * NPAGES);
	populate(t, s, 0, NPAGES);
	EXPECT_TDP_LEAVES(t->vcpu, s->gpa, NPAGES, PG_LEVEL_4K, before);
	EXPECT_EQ(guest_read(t->vcpu, slot_gpa(s, 7)), 307);

	delete_slot(t, s);
	bind_slot(t, &moved);
	populate(t, &moved, 0, NPAGES);
	EXPECT_TDP_LEAVES(t->vcpu, moved.gpa, NPAGES, PG_LEVEL_4K, before);
	EXPECT_ABSENT(t, s, 0, NPAGES);
	EXPECT_EQ(guest_read(t->vcpu, slot_gpa(&moved, 9)), 309);
	tdp_gmem_pfns(t->gmem_fd, offset, NPAGES, after);
	EXPECT_EQ(memcmp(before, after, sizeof(before)), 0);
}

/* The file goes with its last descriptor, and its pages with the file. */
/* Rules: gmem.close */
TEST_F(gmem, closed)
{
	struct slot *s = &self->s;
	struct tdp_vm *t = &self->t;
	int fd = t->gmem_fd;

	populate(t, s, 0, NPAGES);
	t->gmem_fd = dup(fd);
	ASSERT_GE(t->gmem_fd, 0);
	ASSERT_EQ(close(fd), 0);
	EXPECT_GMEM(t, s, 0, NPAGES);

	ASSERT_EQ(close(t->gmem_fd), 0);
	EXPECT_ABSENT(t, s, 0, NPAGES);
	expect_private_fault(_metadata, t, slot_gpa(s, 6));

	/* Shared memory is as good as ever. */
	vm_mem_set_shared(t->vm, s->gpa, NPAGES * PAGE_SIZE);
	EXPECT_EQ(__guest_resume(t->vcpu), 0);
	EXPECT_OWN(t, s, 6, 1);
	populate(t, s, 0, NPAGES);
	EXPECT_OWN(t, s, 0, NPAGES);
	delete_slot(t, s);
	EXPECT_ABSENT(t, s, 0, NPAGES);
}

/* Private memory has no need of the slot's own memory. */
/* Rules: attr.private-pfn */
TEST_F(gmem, own_memory_gone)
{
	struct tdp_vm *t = &self->t;
	struct slot *s = &self->s;
	struct kvm_pre_fault_memory range = { .gpa = s->gpa, .size = PAGE_SIZE };

	guest_write_pages(t->vcpu, s->gpa, NPAGES, 700);
	ASSERT_EQ(munmap(t->hva, WINDOW * PAGE_SIZE), 0);
	populate(t, s, 0, NPAGES);
	EXPECT_GMEM(t, s, 0, NPAGES);
	EXPECT_EQ(guest_read(t->vcpu, slot_gpa(s, 8)), 708);

	vm_mem_set_shared(t->vm, s->gpa, PAGE_SIZE);
	EXPECT_EQ(__tdp_prefault(t->vcpu, &range), -EFAULT);
	EXPECT_ABSENT(t, s, 0, 1);
	EXPECT_GMEM(t, s, 1, NPAGES - 1);
}

/* Only the attribute makes the difference to MMIO. */
static void no_slot_at(struct __test_metadata *_metadata, struct tdp_vm *t,
		       u64 gpa)
{
	expect_private_fault(_metadata, t, gpa);

	vm_mem_set_shared(t->vm, gpa, PAGE_SIZE);
	EXPECT_EQ(__guest_resume(t->vcpu), KVM_EXIT_MMIO);
	EXPECT_EQ(t->vcpu->run->mmio.phys_addr, gpa);
	EXPECT_TDP_ABSENT(t->vcpu, gpa, 1);
	EXPECT_EQ(__guest_resume(t->vcpu), 0);

	vm_mem_set_private(t->vm, gpa, PAGE_SIZE);
	EXPECT_TDP_ABSENT(t->vcpu, gpa, 1);
}

/* Rules: gmem.no-slot */
TEST_F(gmem, no_slot)
{
	struct tdp_vm *t = &self->t;
	u64 before = t->gpa - PAGE_SIZE, gap = slot_gpa(&self->s, NPAGES);

	guest_map(t->vm, before, PAGE_SIZE);
	vm_mem_set_private(t->vm, before, PAGE_SIZE);
	populate(t, &self->s, 0, NPAGES);
	no_slot_at(_metadata, t, before);
	no_slot_at(_metadata, t, gap);
	EXPECT_GMEM(t, &self->s, 0, NPAGES);
}

/* Rules: gmem.no-slot map.prefault-errno */
TEST_F(gmem, prefault_without_slot)
{
	struct kvm_pre_fault_memory range = {
		.gpa = slot_gpa(&self->s, NPAGES),
		.size = 3 * PAGE_SIZE,
	};
	struct tdp_vm *t = &self->t;

	vm_mem_set_private(t->vm, range.gpa, range.size);
	EXPECT_EQ(__tdp_prefault(t->vcpu, &range), -ENOENT);
	EXPECT_EQ(range.gpa, slot_gpa(&self->s, NPAGES));
	EXPECT_EQ(range.size, 3 * PAGE_SIZE);
	EXPECT_ABSENT(t, &self->s, NPAGES, 3);
}

/* A pre-fault that starts in a slot and ends where there is none. */
/* Rules: gmem.no-slot map.prefault-progress */
TEST_F(gmem, prefault_past_the_slot)
{
	struct kvm_pre_fault_memory range = {
		.gpa = slot_gpa(&self->s, NPAGES - 2),
		.size = 5 * PAGE_SIZE,
	};
	struct tdp_vm *t = &self->t;

	EXPECT_EQ(__tdp_prefault(t->vcpu, &range), 0);
	EXPECT_EQ(range.gpa, slot_gpa(&self->s, NPAGES));
	EXPECT_EQ(range.size, 3 * PAGE_SIZE);
	EXPECT_GMEM(t, &self->s, NPAGES - 2, 2);
	EXPECT_ABSENT(t, &self->s, NPAGES, 3);
}

/* Rules: gmem.bind-errno */
TEST_F(gmem, bind_refused)
{
	u64 past = (FILE_PAGES - NPAGES + 1) * PAGE_SIZE;
	struct tdp_vm *t = &self->t, other;
	struct slot *s = &self->s, b = *s;

	b.id++;
	b.gpa += NPAGES * PAGE_SIZE;
	tdp_vm_create(&other, &sw_protected);
	populate(t, s, 0, NPAGES);

	EXPECT_EQ(__bind(t, &b, t->gmem_fd, (s->first + NPAGES - 1) * PAGE_SIZE), EEXIST);
	EXPECT_EQ(__bind(t, &b, t->gmem_fd, s->first * PAGE_SIZE), EEXIST);
	EXPECT_EQ(__bind(t, &b, t->gmem_fd, past), EINVAL);
	EXPECT_EQ(__bind(t, &b, t->gmem_fd, past - PAGE_SIZE + 1), EINVAL);
	EXPECT_EQ(__bind(t, &b, t->gmem_fd, -PAGE_SIZE), EINVAL);
	EXPECT_EQ(__bind(t, &b, t->vm->fd, 0), EINVAL);
	EXPECT_EQ(__bind(t, &b, -1, 0), EBADF);
	EXPECT_EQ(__bind(&other, &b, t->gmem_fd, 0), EINVAL);
	EXPECT_GMEM(t, s, 0, NPAGES);
	expect_private_fault(_metadata, t, slot_gpa(&b, 3));

	/* What is right but for the errors above. */
	EXPECT_EQ(__bind(t, &b, t->gmem_fd, past - PAGE_SIZE), 0);
	EXPECT_EQ(__guest_resume(t->vcpu), 0);
	b.first = past / PAGE_SIZE - 1;
	EXPECT_GMEM(t, &b, 3, 1);
	tdp_vm_free(&other);
}

/*
 * Where the hole lies, in pages of the slot: the variant is the truth table.
 *
 *	file	0    5                       29                        64
 *	slot	     0                       24
 */
FIXTURE(hole) {
	struct tdp_vm t;
	struct slot s;
};

FIXTURE_VARIANT(hole) {
	s64 page;
	u64 nr;
};

FIXTURE_VARIANT_ADD(hole, first_page) { .page = 0, .nr = 1 };
FIXTURE_VARIANT_ADD(hole, middle_page) { .page = 11, .nr = 1 };
FIXTURE_VARIANT_ADD(hole, last_page) { .page = NPAGES - 1, .nr = 1 };
FIXTURE_VARIANT_ADD(hole, several) { .page = 6, .nr = 9 };
FIXTURE_VARIANT_ADD(hole, whole) { .page = 0, .nr = NPAGES };
FIXTURE_VARIANT_ADD(hole, into_the_start) { .page = -3, .nr = 7 };
FIXTURE_VARIANT_ADD(hole, out_of_the_end) { .page = 20, .nr = 9 };
FIXTURE_VARIANT_ADD(hole, on_both_sides) { .page = -5, .nr = 50 };
FIXTURE_VARIANT_ADD(hole, just_before) { .page = -2, .nr = 2 };
FIXTURE_VARIANT_ADD(hole, just_behind) { .page = NPAGES, .nr = 3 };
FIXTURE_VARIANT_ADD(hole, past_the_file) { .page = 17, .nr = 4 * FILE_PAGES };

FIXTURE_SETUP(hole)
{
	struct tdp_vm *t = &self->t;

	TDP_SETUP_VM(t, &sw_protected);
	open_gmem(t, 0);
	self->s = (struct slot) {
		.id = TDP_SLOT,
		.gpa = t->gpa,
		.npages = NPAGES,
		.first = FIRST,
	};
	bind_slot(t, &self->s);
}

FIXTURE_TEARDOWN(hole)
{
	tdp_vm_free(&self->t);
}

/* The nearest page of the slot, or the first behind it. */
static u64 in_slot(s64 page)
{
	if (page < 0)
		return 0;
	return page < NPAGES ? page : NPAGES;
}

static void punch_and_back(struct __test_metadata *_metadata, struct tdp_vm *t,
			   const struct slot *s, s64 page, u64 nr)
{
	u64 file_page = s->first + page, file_end = min_t(u64, file_page + nr, FILE_PAGES);
	u64 gone = in_slot(page), rest = in_slot(page + nr);

	populate(t, s, 0, NPAGES);
	fill(t);
	EXPECT_GMEM(t, s, 0, NPAGES);
	EXPECT_FALSE(is_hole(t, file_page, 1));

	ASSERT_EQ(punch(t, file_page, nr), 0);
	EXPECT_TRUE(is_hole(t, file_page, file_end - file_page));
	EXPECT_GMEM(t, s, 0, gone);
	EXPECT_ABSENT(t, s, gone, rest - gone);
	EXPECT_GMEM(t, s, rest, NPAGES - rest);

	if (rest > gone)
		populate(t, s, gone, rest - gone);
	EXPECT_GMEM(t, s, 0, NPAGES);
}

/* Rules: gmem.punch-hole gmem.repopulate gmem.offset */
TEST_F(hole, unmaps)
{
	punch_and_back(_metadata, &self->t, &self->s, variant->page, variant->nr);
}

/*
 * A guest_memfd that can be mapped by the host backs shared memory, too.
 */
FIXTURE(gmem_mmap) {
	struct tdp_vm t;
	struct slot s;
};

FIXTURE_VARIANT(gmem_mmap) {
	struct tdp_mem mem;
	u64 flags;
};

FIXTURE_VARIANT_ADD(gmem_mmap, default_vm) {
	.mem = { .gmem = true },
	.flags = GUEST_MEMFD_FLAG_MMAP,
};

FIXTURE_VARIANT_ADD(gmem_mmap, default_vm_init_shared) {
	.mem = { .gmem = true },
	.flags = GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED,
};

FIXTURE_VARIANT_ADD(gmem_mmap, sw_protected_shared) {
	.mem = TDP_MEM_SW_PROTECTED_SHARED,
	.flags = GUEST_MEMFD_FLAG_MMAP,
};

FIXTURE_VARIANT_ADD(gmem_mmap, sw_protected_private) {
	.mem = TDP_MEM_SW_PROTECTED_PRIVATE,
	.flags = GUEST_MEMFD_FLAG_MMAP,
};

static const char *gmem_flags_lack(const struct tdp_mem *mem, u64 flags)
{
	if (flags & ~kvm_check_cap(KVM_CAP_GUEST_MEMFD_FLAGS))
		return "KVM does not offer the flags of guest_memfd";
	return tdp_mem_lacks(mem);
}

static struct slot bind_at_offset(struct tdp_vm *t, u64 flags)
{
	struct slot s = {
		.id = TDP_SLOT,
		.gpa = TDP_GPA,
		.npages = NPAGES,
		.first = 3,
	};

	open_gmem(t, flags);
	bind_slot(t, &s);
	return s;
}

FIXTURE_SETUP(gmem_mmap)
{
	TDP_REQUIRE_NOT(gmem_flags_lack(&variant->mem, variant->flags));
	tdp_vm_create(&self->t, &variant->mem);
	self->s = bind_at_offset(&self->t, variant->flags);
}

FIXTURE_TEARDOWN(gmem_mmap)
{
	tdp_vm_free(&self->t);
}

/* Converted or not: a VM without private memory has nothing to convert. */
/* Rules: gmem.mmap gmem.offset attr.convert-unmaps */
TEST_F(gmem_mmap, backs_all)
{
	struct tdp_vm *t = &self->t;
	struct slot *s = &self->s;
	struct tdp_msg msg;

	populate(t, s, 0, NPAGES);
	EXPECT_GMEM(t, s, 0, NPAGES);
	EXPECT_FALSE(check_own(t, s, 0, NPAGES, &msg));

	guest_write_pages(t->vcpu, s->gpa, NPAGES, 900);
	EXPECT_EQ(((u64 *)t->hva)[0], 0);
	EXPECT_EQ(guest_read(t->vcpu, slot_gpa(s, 1)), 901);

	if (!(vm_check_cap(t->vm, KVM_CAP_MEMORY_ATTRIBUTES) & ATTR_PRIVATE))
		return;
	vm_set_memory_attributes(t->vm, s->gpa, 2 * PAGE_SIZE,
				 t->mem.is_private ? 0 : ATTR_PRIVATE);
	EXPECT_ABSENT(t, s, 0, 2);
	EXPECT_GMEM(t, s, 2, NPAGES - 2);
	EXPECT_EQ(guest_read(t->vcpu, slot_gpa(s, 1)), 901);
	populate(t, s, 0, 2);
	EXPECT_GMEM(t, s, 0, NPAGES);
}

/* Rules: gmem.mmap gmem.punch-hole gmem.repopulate gmem.zeroed */
TEST_F(gmem_mmap, hole)
{
	struct tdp_vm *t = &self->t;
	struct slot *s = &self->s;

	guest_write_pages(t->vcpu, s->gpa, NPAGES, 900);
	punch_and_back(_metadata, t, s, 6, 4);
	punch_and_back(_metadata, t, s, -2, 5);
	EXPECT_EQ(guest_read(t->vcpu, slot_gpa(s, 7)), 0);
	EXPECT_EQ(guest_read(t->vcpu, slot_gpa(s, 12)), 912);
}

/* Private from the start, the host may map it, and not reach it. */
/* Rules: gmem.host-mmap */
TEST_F(gmem_mmap, host_access)
{
	bool shared = variant->flags & GUEST_MEMFD_FLAG_INIT_SHARED;
	u64 *mem = kvm_mmap(FILE_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_SHARED, self->t.gmem_fd);
	int fds[2];

	ASSERT_EQ(pipe(fds), 0);
	EXPECT_EQ(write(fds[1], mem, sizeof(*mem)), shared ? sizeof(*mem) : -1);
	EXPECT_TRUE(shared || errno == EFAULT);
	close(fds[0]);
	close(fds[1]);
}

/* Rules: gmem.mmap gmem.close */
TEST_F(gmem_mmap, closed)
{
	struct kvm_pre_fault_memory range = { .gpa = TDP_GPA, .size = PAGE_SIZE };
	struct tdp_vm *t = &self->t;

	populate(t, &self->s, 0, NPAGES);
	EXPECT_GMEM(t, &self->s, 0, NPAGES);
	ASSERT_EQ(close(t->gmem_fd), 0);
	EXPECT_ABSENT(t, &self->s, 0, NPAGES);
	EXPECT_EQ(__tdp_prefault(t->vcpu, &range), -EFAULT);
	EXPECT_ABSENT(t, &self->s, 0, NPAGES);
}

/*
 * The host sees the guest's memory through a mapping of the guest_memfd.
 */
FIXTURE(host_mmap) {
	struct tdp_vm t;
	struct slot s;
	void *file;
	u64 *mem;
};

FIXTURE_SETUP(host_mmap)
{
	const u64 flags = GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED;
	const struct tdp_mem mem = { .gmem = true };

	TDP_REQUIRE_NOT(gmem_flags_lack(&mem, flags));
	tdp_vm_create(&self->t, &mem);
	self->s = bind_at_offset(&self->t, flags);
	self->file = kvm_mmap(FILE_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED, self->t.gmem_fd);
	self->mem = self->file + self->s.first * PAGE_SIZE;
}

FIXTURE_TEARDOWN(host_mmap)
{
	tdp_vm_free(&self->t);
}

#define WORDS	(PAGE_SIZE / sizeof(u64))

/* pagemap, the page cache and KVM all name the same page. */
/* Rules: gmem.host-mmap gmem.mmap */
TEST_F(host_mmap, same_page)
{
	struct tdp_vm *t = &self->t;
	struct slot *s = &self->s;
	u64 page, pfns[NPAGES];

	for (page = 0; page < NPAGES / 2; page++)
		self->mem[page * WORDS] = page + 1;
	EXPECT_ABSENT(t, s, 0, NPAGES);
	populate(t, s, 0, NPAGES);
	for (page = 0; page < NPAGES / 2; page++)
		EXPECT_EQ(guest_read(t->vcpu, slot_gpa(s, page)), page + 1);

	guest_write_pages(t->vcpu, s->gpa, NPAGES, 60);
	for (page = 0; page < NPAGES; page++)
		EXPECT_EQ(READ_ONCE(self->mem[page * WORDS]), 60 + page);
	tdp_hva_pfns(self->mem, NPAGES, pfns);
	EXPECT_TDP_LEAVES(t->vcpu, s->gpa, NPAGES, PG_LEVEL_4K, pfns);
	EXPECT_GMEM(t, s, 0, NPAGES);
}

/* Rules: gmem.host-mmap gmem.punch-hole gmem.repopulate gmem.zeroed */
TEST_F(host_mmap, hole)
{
	struct tdp_vm *t = &self->t;
	struct slot *s = &self->s;
	u64 pfns[NPAGES];

	guest_write_pages(t->vcpu, s->gpa, NPAGES, 60);
	EXPECT_EQ(READ_ONCE(self->mem[4 * WORDS]), 64);
	ASSERT_EQ(punch(t, s->first + 4, 1), 0);
	EXPECT_EQ(tdp_hva_pfn(&self->mem[4 * WORDS]), TDP_NO_PFN);
	EXPECT_ABSENT(t, s, 4, 1);

	EXPECT_EQ(READ_ONCE(self->mem[4 * WORDS]), 0);
	EXPECT_ABSENT(t, s, 4, 1);
	guest_write(t->vcpu, slot_gpa(s, 4), 77);
	EXPECT_EQ(READ_ONCE(self->mem[4 * WORDS]), 77);
	tdp_hva_pfns(&self->mem[4 * WORDS], 1, pfns);
	EXPECT_TDP_LEAVES(t->vcpu, slot_gpa(s, 4), 1, PG_LEVEL_4K, pfns);
	EXPECT_GMEM(t, s, 0, NPAGES);
}

/* The mapping of the file is what the slot has for its own memory. */
/* Rules: gmem.mmap */
TEST_F(host_mmap, mapping_gone)
{
	struct slot *s = &self->s;
	struct tdp_vm *t = &self->t;

	delete_slot(t, s);
	ASSERT_EQ(__vm_set_user_memory_region2(t->vm, s->id, KVM_MEM_GUEST_MEMFD,
					       s->gpa, NPAGES * PAGE_SIZE,
					       self->mem, t->gmem_fd,
					       s->first * PAGE_SIZE), 0);
	guest_write_pages(t->vcpu, s->gpa, NPAGES, 30);
	EXPECT_EQ(READ_ONCE(self->mem[5 * WORDS]), 35);
	EXPECT_GMEM(t, s, 0, NPAGES);

	ASSERT_EQ(munmap(self->file, FILE_PAGES * PAGE_SIZE), 0);
	populate(t, s, 0, NPAGES);
	EXPECT_GMEM(t, s, 0, NPAGES);
	EXPECT_EQ(guest_read(t->vcpu, slot_gpa(s, 5)), 35);
}

/* A mapping keeps the file, and thus the guest's memory. */
/* Rules: gmem.close gmem.host-mmap */
TEST_F(host_mmap, closed)
{
	struct tdp_vm *t = &self->t;
	struct slot *s = &self->s;
	u64 pfns[NPAGES];

	guest_write_pages(t->vcpu, s->gpa, NPAGES, 30);
	EXPECT_EQ(READ_ONCE(self->mem[2 * WORDS]), 32);
	tdp_gmem_pfns(t->gmem_fd, s->first * PAGE_SIZE, NPAGES, pfns);
	ASSERT_EQ(close(t->gmem_fd), 0);
	EXPECT_TDP_LEAVES(t->vcpu, s->gpa, NPAGES, PG_LEVEL_4K, pfns);
	EXPECT_EQ(tdp_hva_pfn(&self->mem[2 * WORDS]), pfns[2]);

	ASSERT_EQ(munmap(self->file, FILE_PAGES * PAGE_SIZE), 0);
	EXPECT_ABSENT(t, s, 0, NPAGES);
}

/*
 * A default VM has no private memory, so that a guest_memfd which backs nothing
 * but private memory is not used.
 */
FIXTURE(unused) {
	struct tdp_vm t;
	struct slot s;
};

FIXTURE_VARIANT(unused) {
	u64 flags;
};

FIXTURE_VARIANT_ADD(unused, no_flags) { .flags = 0 };
FIXTURE_VARIANT_ADD(unused, init_shared) { .flags = GUEST_MEMFD_FLAG_INIT_SHARED };

FIXTURE_SETUP(unused)
{
	const struct tdp_mem mem = { .gmem = true };

	TDP_REQUIRE_NOT(gmem_flags_lack(&mem, variant->flags));
	/* Kernels that know no flags knew guest_memfd for private memory alone. */
	TDP_REQUIRE(kvm_check_cap(KVM_CAP_GUEST_MEMFD_FLAGS),
		    "KVM lets no VM without private memory have guest_memfd");
	tdp_vm_create(&self->t, &mem);
	self->s = bind_at_offset(&self->t, variant->flags);
	fill(&self->t);
}

FIXTURE_TEARDOWN(unused)
{
	tdp_vm_free(&self->t);
}

/* Rules: attr.shared-pfn */
TEST_F(unused, by_default_vm)
{
	struct tdp_vm *t = &self->t;
	struct slot *s = &self->s;

	populate(t, s, 0, NPAGES);
	EXPECT_OWN(t, s, 0, NPAGES);
	ASSERT_EQ(punch(t, s->first, NPAGES), 0);
	populate(t, s, 0, NPAGES);
	EXPECT_OWN(t, s, 0, NPAGES);
	ASSERT_EQ(close(t->gmem_fd), 0);
	populate(t, s, 0, NPAGES);
	EXPECT_OWN(t, s, 0, NPAGES);
}

TDP_HARNESS_MAIN
