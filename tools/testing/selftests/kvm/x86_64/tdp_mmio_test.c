// SPDX-License-Identifier: GPL-2.0
/*
 * What ends as MMIO: accesses without a memslot, and writes to read-only ones.
 *
 *	GPA	TDP_GPA		TDP_GPA + 8	     + 512
 *		| neighbour	|  hole		     |
 */
#include "tdp_slot.h"
#include "tdp_test.h"

#define NEIGHBOUR_PAGES	8
#define HOLE_GPA	(TDP_GPA + NEIGHBOUR_PAGES * PAGE_SIZE)
#define HOLE_PAGES	(512 - NEIGHBOUR_PAGES)

/* Room for a slot of 2M, with a page table of its own. */
#define HUGE_HOLE_GPA	(TDP_GPA + SZ_2M)
#define HUGE_PAGES	512

/*
 * GFN bits that an MMIO SPTE of KVM keeps in their place on every host: those
 * above may be moved by the mitigation of L1TF.
 */
#define MMIO_SPTE_GPA	GENMASK_ULL(35, 12)

/* Write permission of an SPTE, at the same place in NPT and EPT. */
#define SPTE_WRITABLE	BIT_ULL(1)

static bool mmio_is_cached(void)
{
	return tdp_read_line("/sys/module/kvm/parameters/mmio_caching")[0] == 'Y';
}

static u64 spte_at(struct kvm_vcpu *vcpu, u64 gpa)
{
	return tdp_walk(vcpu, KVM_TDP_WALK_TABLE, false, gpa).spte;
}

/* Let the guest read 8 bytes, and userspace answer. */
static void mmio_read(struct kvm_vcpu *vcpu, u64 gpa)
{
	int reason = __guest_do(vcpu, GUEST_READ, gpa, 0, 1, 0);
	struct kvm_run *run = vcpu->run;

	TDP_ASSERT(reason == KVM_EXIT_MMIO && run->mmio.phys_addr == gpa &&
		   !run->mmio.is_write,
		   "Wanted an MMIO read at gpa 0x%lx, got exit %d", gpa, reason);

	memset(run->mmio.data, 0x5a, sizeof(run->mmio.data));
	reason = __guest_resume(vcpu);
	TDP_ASSERT(!reason, "Wanted the guest to go on, got exit %d", reason);
}

/* Let the guest write 8 bytes that arrive in userspace. */
static void mmio_write(struct kvm_vcpu *vcpu, u64 gpa, u64 value)
{
	int reason = __guest_do(vcpu, GUEST_WRITE, gpa, 0, 1, value);
	struct kvm_run *run = vcpu->run;

	TDP_ASSERT(reason == KVM_EXIT_MMIO && run->mmio.phys_addr == gpa &&
		   run->mmio.is_write && run->mmio.len == sizeof(value) &&
		   !memcmp(run->mmio.data, &value, sizeof(value)),
		   "Wanted an MMIO write at gpa 0x%lx, got exit %d", gpa, reason);

	reason = __guest_resume(vcpu);
	TDP_ASSERT(!reason, "Wanted the guest to go on, got exit %d", reason);
}

FIXTURE(mmio) {
	struct tdp_vm t;
};

TDP_VM_VARIANTS(mmio);

FIXTURE_SETUP(mmio)
{
	TDP_SETUP_SLOT(&self->t, &variant->mem, VM_MEM_SRC_ANONYMOUS, TDP_GPA,
		       NEIGHBOUR_PAGES);
	tdp_vm_touch(&self->t);
	guest_map(self->t.vm, HOLE_GPA, HOLE_PAGES * PAGE_SIZE);
	guest_map(self->t.vm, HUGE_HOLE_GPA, SZ_2M);
	guest_write_pages(self->t.vcpu, TDP_GPA, NEIGHBOUR_PAGES, 1);
}

FIXTURE_TEARDOWN(mmio)
{
	tdp_vm_free(&self->t);
}

/* Rules: mmio.no-slot walk.no-slot */
TEST_F(mmio, no_slot)
{
	struct tdp_vm *t = &self->t;
	struct tdp_stats before = tdp_stats(t->vm);

	mmio_read(t->vcpu, HOLE_GPA);
	mmio_write(t->vcpu, HOLE_GPA + PAGE_SIZE, 0x1122334455667788);
	mmio_read(t->vcpu, HUGE_HOLE_GPA);

	EXPECT_TDP_ABSENT(t->vcpu, HOLE_GPA, HOLE_PAGES);
	EXPECT_TDP_ABSENT(t->vcpu, HUGE_HOLE_GPA, HUGE_PAGES);
	EXPECT_TDP_MAPPED(t, TDP_GPA, NEIGHBOUR_PAGES, PG_LEVEL_4K);
	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_4K), 0);
}

/* Rules: walk.mmio mmio.no-slot */
TEST_F(mmio, cached)
{
	const u64 gpa = HOLE_GPA + 5 * PAGE_SIZE;
	struct tdp_vm *t = &self->t;
	u64 spte;

	TDP_REQUIRE(mmio_is_cached(), "KVM does not cache MMIO on this host");

	mmio_read(t->vcpu, gpa);
	spte = spte_at(t->vcpu, gpa);
	EXPECT_EQ(spte & MMIO_SPTE_GPA, gpa & MMIO_SPTE_GPA);
	EXPECT_NE(spte, spte_at(t->vcpu, gpa + PAGE_SIZE));
	EXPECT_TDP_ABSENT(t->vcpu, gpa, 1);
	EXPECT_TDP_ABSENT(t->vcpu, gpa + 0xff8, 1);

	mmio_read(t->vcpu, gpa);
	mmio_write(t->vcpu, gpa, 1);
	EXPECT_EQ(spte_at(t->vcpu, gpa), spte);
	EXPECT_TDP_ABSENT(t->vcpu, HOLE_GPA, HOLE_PAGES);
}

/* Rules: mmio.replaced */
TEST_F(mmio, slot_created)
{
	struct tdp_vm *t = &self->t, s;

	mmio_read(t->vcpu, HOLE_GPA);
	mmio_write(t->vcpu, HOLE_GPA + PAGE_SIZE, 1);

	s = tdp_slot_memory(t, VM_MEM_SRC_ANONYMOUS, HOLE_GPA, 3);
	tdp_slot_set(&s, TDP_SLOT2, 0);
	EXPECT_TDP_ABSENT(t->vcpu, HOLE_GPA, HOLE_PAGES);

	EXPECT_EQ(guest_read(t->vcpu, HOLE_GPA), 0);
	EXPECT_EQ(guest_read(t->vcpu, HOLE_GPA + PAGE_SIZE), 1);
	EXPECT_TDP_MAPPED(&s, HOLE_GPA, 2, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(t->vcpu, HOLE_GPA + 2 * PAGE_SIZE, HOLE_PAGES - 2);

	/* Beyond the new slot it still is MMIO. */
	mmio_read(t->vcpu, HOLE_GPA + 3 * PAGE_SIZE);
	EXPECT_TDP_ABSENT(t->vcpu, HOLE_GPA + 3 * PAGE_SIZE, 1);
}

/* Rules: mmio.replaced map.prefault */
TEST_F(mmio, slot_created_and_prefaulted)
{
	struct tdp_vm *t = &self->t, s;

	mmio_read(t->vcpu, HOLE_GPA + PAGE_SIZE);

	s = tdp_slot_memory(t, VM_MEM_SRC_ANONYMOUS, HOLE_GPA, 3);
	tdp_slot_set(&s, TDP_SLOT2, 0);
	tdp_prefault(t->vcpu, HOLE_GPA, 3 * PAGE_SIZE);
	EXPECT_TDP_MAPPED(&s, HOLE_GPA, 3, PG_LEVEL_4K);
	EXPECT_EQ(guest_read(t->vcpu, HOLE_GPA + PAGE_SIZE), 1);
}

/* Rules: mmio.replaced huge.backing */
TEST_F(mmio, huge_slot_created)
{
	struct tdp_vm *t = &self->t, s;

	TDP_REQUIRE_NOT(tdp_backing_lacks(VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB,
					  SZ_2M));

	mmio_read(t->vcpu, HUGE_HOLE_GPA);
	mmio_read(t->vcpu, HUGE_HOLE_GPA + 17 * PAGE_SIZE);
	mmio_read(t->vcpu, HUGE_HOLE_GPA + 511 * PAGE_SIZE);

	s = tdp_slot_memory(t, VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB, HUGE_HOLE_GPA,
			    HUGE_PAGES);
	tdp_slot_set(&s, TDP_SLOT2, 0);
	EXPECT_TDP_ABSENT(t->vcpu, HUGE_HOLE_GPA, HUGE_PAGES);

	EXPECT_EQ(guest_read(t->vcpu, HUGE_HOLE_GPA + 17 * PAGE_SIZE), 17);
	EXPECT_TDP_MAPPED(&s, HUGE_HOLE_GPA, HUGE_PAGES, PG_LEVEL_2M);
}

/* Rules: mmio.replaced mmio.no-slot slot.delete */
TEST_F(mmio, slot_deleted)
{
	struct tdp_vm *t = &self->t;

	tdp_slot_delete(t, TDP_SLOT);
	mmio_read(t->vcpu, TDP_GPA);
	mmio_write(t->vcpu, TDP_GPA + PAGE_SIZE, 0xdead);
	EXPECT_TDP_ABSENT(t->vcpu, TDP_GPA, NEIGHBOUR_PAGES);

	tdp_slot_set(t, TDP_SLOT, 0);
	EXPECT_TDP_ABSENT(t->vcpu, TDP_GPA, NEIGHBOUR_PAGES);
	EXPECT_EQ(guest_read(t->vcpu, TDP_GPA + PAGE_SIZE), 2);
	EXPECT_TDP_MAPPED(t, TDP_GPA + PAGE_SIZE, 1, PG_LEVEL_4K);
}

FIXTURE(private_hole) {
	struct tdp_vm t;
};

FIXTURE_SETUP(private_hole)
{
	TDP_SETUP_VM(&self->t, &(struct tdp_mem)TDP_MEM_SW_PROTECTED_PRIVATE);
	guest_map(self->t.vm, HOLE_GPA, PAGE_SIZE);
}

FIXTURE_TEARDOWN(private_hole)
{
	tdp_vm_free(&self->t);
}

/*
 * Private memory takes the place of MMIO: the attribute comes first, then the
 * slot.  Found as a random sequence.
 *
 * Rules: mmio.replaced attr.private-pfn
 */
TEST_F(private_hole, slot_created)
{
	struct tdp_vm *t = &self->t, s;
	u64 pfn;

	mmio_read(t->vcpu, HOLE_GPA);
	vm_mem_set_private(t->vm, HOLE_GPA, PAGE_SIZE);
	s = tdp_slot_memory(t, VM_MEM_SRC_ANONYMOUS, HOLE_GPA, 1);
	tdp_slot_set(&s, TDP_SLOT2, 0);

	ASSERT_EQ(__guest_do(t->vcpu, GUEST_READ, HOLE_GPA, 0, 1, 0), 0);
	pfn = tdp_gmem_pfn(s.gmem_fd, 0);
	EXPECT_TDP_LEAF(t->vcpu, HOLE_GPA, PG_LEVEL_4K, pfn);
}

FIXTURE(read_only) {
	struct tdp_vm t;
	/* Ordinary memory of the same kind, the negative control. */
	struct tdp_vm rw;
};

/* Slots with guest_memfd cannot be read-only. */
FIXTURE_VARIANT(read_only) {
	struct tdp_mem mem;
	enum vm_mem_backing_src_type src;
	int level;
};

FIXTURE_VARIANT_ADD(read_only, default_vm_4k) {
	.mem = TDP_MEM_DEFAULT,
	.src = VM_MEM_SRC_ANONYMOUS,
	.level = PG_LEVEL_4K,
};

FIXTURE_VARIANT_ADD(read_only, default_vm_2m) {
	.mem = TDP_MEM_DEFAULT,
	.src = VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB,
	.level = PG_LEVEL_2M,
};

FIXTURE_VARIANT_ADD(read_only, sw_protected_vm_4k) {
	.mem = TDP_MEM_SW_PROTECTED_PLAIN,
	.src = VM_MEM_SRC_ANONYMOUS,
	.level = PG_LEVEL_4K,
};

FIXTURE_VARIANT_ADD(read_only, sw_protected_vm_2m) {
	.mem = TDP_MEM_SW_PROTECTED_PLAIN,
	.src = VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB,
	.level = PG_LEVEL_2M,
};

FIXTURE_SETUP(read_only)
{
	u64 npages = variant->level == PG_LEVEL_4K ? 32 : HUGE_PAGES;
	struct tdp_vm *t = &self->t;

	TDP_REQUIRE_NOT(tdp_mem_lacks(&variant->mem));
	TDP_REQUIRE_NOT(tdp_backing_lacks(variant->src, 2 * SZ_2M));
	tdp_vm_create(t, &variant->mem);
	TDP_REQUIRE(vm_check_cap(t->vm, KVM_CAP_READONLY_MEM),
		    "KVM does not offer KVM_CAP_READONLY_MEM");

	*t = tdp_slot_memory(t, variant->src, TDP_GPA, npages);
	tdp_slot_set(t, TDP_SLOT, KVM_MEM_READONLY);
	guest_map(t->vm, t->gpa, npages * PAGE_SIZE);
	self->rw = tdp_slot_add(t, variant->src, TDP_SLOT2, TDP_GPA + SZ_2M,
				npages);
}

FIXTURE_TEARDOWN(read_only)
{
	tdp_vm_free(&self->t);
}

/* Rules: mmio.read-only */
TEST_F(read_only, read)
{
	const u64 nr = tdp_level_pages(variant->level), offset = 16 * PAGE_SIZE;
	struct tdp_vm *t = &self->t, *rw = &self->rw;
	u64 first = offset & ~(nr * PAGE_SIZE - 1);

	EXPECT_EQ(guest_read(t->vcpu, t->gpa + offset), 16);
	EXPECT_EQ(guest_read(t->vcpu, rw->gpa + offset), 16);
	EXPECT_TDP_MAPPED(t, t->gpa + first, nr, variant->level);
	EXPECT_TDP_MAPPED(rw, rw->gpa + first, nr, variant->level);
	EXPECT_EQ(spte_at(t->vcpu, t->gpa + offset) & SPTE_WRITABLE, 0);
	EXPECT_NE(spte_at(t->vcpu, rw->gpa + offset) & SPTE_WRITABLE, 0);
}

/* Rules: mmio.read-only */
TEST_F(read_only, write)
{
	const u64 offset = 16 * PAGE_SIZE;
	struct tdp_vm *t = &self->t;
	u64 gpa = t->gpa + offset;
	u64 spte;

	guest_read(t->vcpu, gpa);
	spte = spte_at(t->vcpu, gpa);

	mmio_write(t->vcpu, gpa, 0x1122334455667788);
	EXPECT_TDP_MAPPED(t, gpa, 1, variant->level);
	EXPECT_EQ(spte_at(t->vcpu, gpa), spte);
	EXPECT_EQ(READ_ONCE(*(u64 *)(t->hva + offset)), 16);
	EXPECT_EQ(guest_read(t->vcpu, gpa), 16);
	EXPECT_EQ(spte_at(t->vcpu, gpa), spte);
}

/* Rules: mmio.read-only */
TEST_F(read_only, write_first)
{
	struct tdp_vm *t = &self->t;
	u64 gpa = t->gpa + 3 * PAGE_SIZE;

	mmio_write(t->vcpu, gpa, 1);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, t->npages);
	mmio_write(t->vcpu, gpa, 2);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, t->npages);

	/* The writes must not have made the page MMIO for reads. */
	EXPECT_EQ(guest_read(t->vcpu, gpa), 3);
	EXPECT_TDP_MAPPED(t, gpa, 1, variant->level);
}

/* Rules: mmio.read-only map.prefault */
TEST_F(read_only, prefault)
{
	const u64 size = tdp_level_size(variant->level);
	struct tdp_vm *t = &self->t, *rw = &self->rw;

	tdp_prefault(t->vcpu, t->gpa, size);
	tdp_prefault(t->vcpu, rw->gpa, size);
	EXPECT_TDP_MAPPED(t, t->gpa, size / PAGE_SIZE, variant->level);
	EXPECT_EQ(spte_at(t->vcpu, t->gpa) & SPTE_WRITABLE, 0);
	EXPECT_NE(spte_at(t->vcpu, rw->gpa) & SPTE_WRITABLE, 0);

	mmio_write(t->vcpu, t->gpa, 1);
	EXPECT_TDP_MAPPED(t, t->gpa, size / PAGE_SIZE, variant->level);
}

TDP_HARNESS_MAIN
