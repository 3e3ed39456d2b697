// SPDX-License-Identifier: GPL-2.0
/* KVM_PRE_FAULT_MEMORY on a TD. */
#include "tdp_slot.h"

#include "tdx/td_test.h"
#include "tdx/tdcall.h"

#define NPAGES		16
#define SIZE		(NPAGES * PAGE_SIZE)

FIXTURE(prefault) {
	struct tdp_vm t;
};

FIXTURE_SETUP(prefault)
{
	td_vm_create_idle(&self->t);
	tdp_vm_add_slot(&self->t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, NPAGES);
	tdp_vm_touch(&self->t);
}

FIXTURE_TEARDOWN(prefault)
{
	tdp_vm_free(&self->t);
}

/* A range of the slot is mapped in the root that its attribute asks for. */
static void expect_range(struct __test_metadata *_metadata, struct tdp_vm *t,
			 u64 page, u64 nr, bool is_private)
{
	u64 gpa = t->gpa + page * PAGE_SIZE;
	u64 pfns[NPAGES];

	tdp_vm_pfns(t, gpa, nr, is_private, pfns);
	if (is_private)
		EXPECT_TD_PRIVATE(t->vcpu, gpa, nr, pfns);
	else
		EXPECT_TD_SHARED(t->vcpu, gpa, nr, PG_LEVEL_4K, pfns);
}

/* A call that must be refused, and must leave its range alone. */
static void expect_refused(struct __test_metadata *_metadata, struct tdp_vm *t,
			   u64 gpa, u64 size, int error)
{
	struct kvm_pre_fault_memory range = { .gpa = gpa, .size = size };

	EXPECT_EQ(__tdp_prefault(t->vcpu, &range), error)
		TH_LOG("0x%lx bytes at gpa 0x%lx", size, gpa);
	EXPECT_EQ(range.gpa, gpa);
	EXPECT_EQ(range.size, size);
}

/* Rules: tdx.prefault-errno */
TEST_F(prefault, before_finalization)
{
	struct tdp_vm *t = &self->t;

	expect_refused(_metadata, t, t->gpa, SIZE, -EOPNOTSUPP);
	vm_mem_set_shared(t->vm, t->gpa, SIZE);
	expect_refused(_metadata, t, t->gpa, SIZE, -EOPNOTSUPP);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, NPAGES);

	/* A refused one makes no difference to what is added afterwards. */
	vm_mem_set_private(t->vm, t->gpa, SIZE);
	tdx_init_mem_region(t->vcpu, t->hva, t->gpa, 2, 0);
	expect_refused(_metadata, t, t->gpa, SIZE, -EOPNOTSUPP);
	expect_range(_metadata, t, 0, 2, true);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa + 2 * PAGE_SIZE, NPAGES - 2);
}

/* Rules: tdx.prefault tdx.two-roots map.stats */
TEST_F(prefault, private_memory)
{
	struct tdp_vm *t = &self->t;

	tdx_finalize_vm(t->vm);
	tdp_prefault(t->vcpu, t->gpa + 3 * PAGE_SIZE, 5 * PAGE_SIZE);

	expect_range(_metadata, t, 3, 5, true);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, 3);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa + 8 * PAGE_SIZE, NPAGES - 8);
	EXPECT_EQ(tdp_stats(t->vm).pages[PG_LEVEL_4K], 5);

	/* What is there already is no error, and stays. */
	tdp_prefault(t->vcpu, t->gpa, SIZE);
	expect_range(_metadata, t, 0, NPAGES, true);
	EXPECT_EQ(tdp_stats(t->vm).pages[PG_LEVEL_4K], NPAGES);
}

/* Rules: tdx.prefault tdx.two-roots map.stats */
TEST_F(prefault, shared_memory)
{
	struct tdp_vm *t = &self->t;

	tdx_finalize_vm(t->vm);
	vm_mem_set_shared(t->vm, t->gpa, SIZE);
	tdp_prefault(t->vcpu, t->gpa + 3 * PAGE_SIZE, 5 * PAGE_SIZE);

	expect_range(_metadata, t, 3, 5, false);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, 3);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa + 8 * PAGE_SIZE, NPAGES - 8);
	EXPECT_EQ(tdp_stats(t->vm).pages[PG_LEVEL_4K], 5);
}

/* Rules: tdx.prefault tdx.two-roots */
TEST_F(prefault, over_attributes)
{
	struct tdp_vm *t = &self->t;
	u64 page;

	tdx_finalize_vm(t->vm);
	for (page = 0; page < NPAGES; page += 2)
		vm_mem_set_shared(t->vm, t->gpa + page * PAGE_SIZE, PAGE_SIZE);
	tdp_prefault(t->vcpu, t->gpa, SIZE);

	for (page = 0; page < NPAGES; page++)
		expect_range(_metadata, t, page, 1, page % 2);
}

/*
 * Into a slot right behind the other, with a file of its own.
 *
 * Rules: tdx.prefault tdx.two-roots
 */
TEST_F(prefault, over_slots)
{
	struct tdp_vm *t = &self->t;
	u64 next = t->gpa + SIZE, pfns[NPAGES], i;
	int gmem_fd;

	vm_userspace_mem_region_add(t->vm, VM_MEM_SRC_ANONYMOUS, next, TDP_SLOT2,
				    NPAGES, KVM_MEM_GUEST_MEMFD);
	gmem_fd = memslot2region(t->vm, TDP_SLOT2)->region.guest_memfd;
	vm_mem_set_private(t->vm, next, SIZE);
	tdx_finalize_vm(t->vm);

	tdp_prefault(t->vcpu, t->gpa + 3 * PAGE_SIZE, SIZE);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, 3);
	expect_range(_metadata, t, 3, NPAGES - 3, true);
	for (i = 0; i < 3; i++)
		pfns[i] = tdp_gmem_pfn(gmem_fd, i * PAGE_SIZE);
	EXPECT_TD_PRIVATE(t->vcpu, next, 3, pfns);
	EXPECT_TDP_ABSENT(t->vcpu, next + 3 * PAGE_SIZE, NPAGES - 3);
	EXPECT_EQ(tdp_gmem_pfn(gmem_fd, 3 * PAGE_SIZE), TDP_NO_PFN);
}

/* Rules: tdx.prefault tdx.add-maps */
TEST_F(prefault, over_added_pages)
{
	struct tdp_vm *t = &self->t;
	u64 pfn;

	tdx_init_mem_region(t->vcpu, t->hva, t->gpa + PAGE_SIZE, 1, 0);
	pfn = tdp_gmem_pfn(t->gmem_fd, PAGE_SIZE);
	tdx_finalize_vm(t->vm);
	tdp_prefault(t->vcpu, t->gpa, SIZE);

	expect_range(_metadata, t, 0, NPAGES, true);
	EXPECT_EQ(tdp_gmem_pfn(t->gmem_fd, PAGE_SIZE), pfn);
}

/* Rules: tdx.prefault-errno */
TEST_F(prefault, shared_bit)
{
	struct tdp_vm *t = &self->t;

	tdx_finalize_vm(t->vm);
	expect_refused(_metadata, t, t->gpa | TD_SHARED_BIT, SIZE, -EINVAL);
	vm_mem_set_shared(t->vm, t->gpa, SIZE);
	expect_refused(_metadata, t, t->gpa | TD_SHARED_BIT, SIZE, -EINVAL);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, NPAGES);

	expect_refused(_metadata, t, t->gpa - SIZE, SIZE, -ENOENT);
	expect_refused(_metadata, t, t->gpa, 0, -EINVAL);
	expect_refused(_metadata, t, t->gpa + 1, SIZE, -EINVAL);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, NPAGES);
}

/* Rules: tdx.prefault map.prefault-progress */
TEST_F(prefault, end_of_slot)
{
	struct tdp_vm *t = &self->t;
	struct kvm_pre_fault_memory range = {
		.gpa = t->gpa + 12 * PAGE_SIZE,
		.size = 8 * PAGE_SIZE,
	};
	int r;

	tdx_finalize_vm(t->vm);
	do {
		r = __tdp_prefault(t->vcpu, &range);
	} while (!r && range.size);

	EXPECT_EQ(r, -ENOENT);
	EXPECT_EQ(range.gpa, t->gpa + SIZE);
	EXPECT_EQ(range.size, 4 * PAGE_SIZE);
	expect_range(_metadata, t, 12, 4, true);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, 12);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa + SIZE, 4);
}

/* A TD that takes what was pre-faulted. */
FIXTURE(pending) {
	struct tdp_vm t;
};

#define PRIVATE_GVA	(TDP_GPA + SZ_1G)

static void guest_accept_and_use(void)
{
	u64 page, gpa, *word;

	for (page = 0; page < NPAGES; page++) {
		gpa = TDP_GPA + page * PAGE_SIZE;
		word = (u64 *)(PRIVATE_GVA + page * PAGE_SIZE);
		GUEST_ASSERT_EQ(tdg_mem_page_accept(gpa, PG_LEVEL_4K),
				TDX_SUCCESS);
		GUEST_ASSERT_EQ(READ_ONCE(*word), 0);
		WRITE_ONCE(*word, page);
		GUEST_ASSERT_EQ(READ_ONCE(*word), page);
	}
	GUEST_DONE();
}

FIXTURE_SETUP(pending)
{
	struct tdp_vm *t = &self->t;

	td_vm_create(t, guest_accept_and_use);
	tdp_vm_add_slot(t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, NPAGES);
	td_map_private(t->vm, PRIVATE_GVA, TDP_GPA, NPAGES);
	td_finalize(t->vm);
}

FIXTURE_TEARDOWN(pending)
{
	tdp_vm_free(&self->t);
}

/* Rules: tdx.prefault tdx.accept */
TEST_F(pending, accepted)
{
	struct tdp_vm *t = &self->t;
	struct tdp_stats before;
	struct ucall uc;

	tdp_prefault(t->vcpu, t->gpa, SIZE);
	expect_range(_metadata, t, 0, NPAGES, true);
	before = tdp_stats(t->vm);

	vcpu_run(t->vcpu);
	ASSERT_EQ(get_ucall(t->vcpu, &uc), UCALL_DONE);
	expect_range(_metadata, t, 0, NPAGES, true);
	/* The ucall is all that the TD touched besides: two pages of shared memory. */
	EXPECT_LE(tdp_stats_since(t->vm, &before, PG_LEVEL_4K), 2);
}

TD_HARNESS_MAIN
