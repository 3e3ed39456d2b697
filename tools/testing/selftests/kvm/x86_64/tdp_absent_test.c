// SPDX-License-Identifier: GPL-2.0
/*
 * GPAs that nothing is mapped at: nothing was ever populated there, nothing
 * can be, or there are no page tables to look into.
 */
#include "tdp_test.h"

/*
 * The slot begins and ends inside a page table, so that the pages before and
 * after it, which have no slot, share one with it.
 */
#define SLOT_GPA	(TDP_GPA + 16 * PAGE_SIZE)
#define SLOT_PAGES	600

#define NX_HUGE_PAGES	"/sys/module/kvm/parameters/nx_huge_pages"

FIXTURE(absent) {
	struct tdp_vm t;
};

TDP_MEM_VARIANTS(absent);

FIXTURE_SETUP(absent)
{
	TDP_SETUP_SLOT(&self->t, &variant->mem, VM_MEM_SRC_ANONYMOUS, SLOT_GPA,
		       SLOT_PAGES);
}

FIXTURE_TEARDOWN(absent)
{
	tdp_vm_free(&self->t);
}

/* The slot, the page before and the page after it. */
static void expect_slot_absent(struct __test_metadata *_metadata,
			       struct tdp_vm *t)
{
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa - PAGE_SIZE, t->npages + 2);
}

/* No slot of the VM is near any of these. */
static void expect_elsewhere_absent(struct __test_metadata *_metadata,
				    struct tdp_vm *t)
{
	EXPECT_TDP_ABSENT(t->vcpu, SZ_1G, 1);
	EXPECT_TDP_ABSENT(t->vcpu, TDP_GPA - SZ_2M, 512);
	EXPECT_TDP_ABSENT(t->vcpu, TDP_GPA + SZ_1G, 1);
	EXPECT_TDP_ABSENT(t->vcpu, TDP_GPA + SZ_1G + PAGE_SIZE - 1, 1);
}

/* The last pages of the address space, and all that lies beyond it. */
static void expect_end_absent(struct __test_metadata *_metadata,
			      struct tdp_vm *t)
{
	u64 end = BIT_ULL(t->vm->pa_bits);
	unsigned int bit;

	EXPECT_TDP_ABSENT(t->vcpu, end - 8 * PAGE_SIZE, 16);
	EXPECT_TDP_ABSENT(t->vcpu, end - 1, 1);

	for (bit = t->vm->pa_bits; bit < 64; bit++) {
		EXPECT_TDP_ABSENT(t->vcpu, BIT_ULL(bit), 1);
		EXPECT_TDP_ABSENT(t->vcpu, BIT_ULL(bit) - PAGE_SIZE, 2);
	}
	EXPECT_TDP_ABSENT(t->vcpu, ~0ULL - PAGE_SIZE + 1, 1);
	EXPECT_TDP_ABSENT(t->vcpu, ~0ULL, 1);
}

/* Rules: walk.no-root walk.absent walk.no-slot walk.beyond walk.one-root */
TEST_F(absent, no_root)
{
	struct tdp_vm *t = &self->t;

	ASSERT_EQ(tdp_roots(t->vcpu).roots, 0);

	expect_slot_absent(_metadata, t);
	expect_elsewhere_absent(_metadata, t);
	expect_end_absent(_metadata, t);
	EXPECT_TDP_ABSENT(t->vcpu, 0, 512);
}

/* Rules: walk.absent walk.no-slot walk.beyond walk.one-root walk.methods-agree */
TEST_F(absent, root)
{
	struct tdp_vm *t = &self->t;

	guest_idle(t->vcpu);
	ASSERT_EQ(tdp_roots(t->vcpu).roots,
		  KVM_TDP_ROOT_DIRECT | KVM_TDP_ROOT_TDP_MMU);

	expect_slot_absent(_metadata, t);
	expect_elsewhere_absent(_metadata, t);
	expect_end_absent(_metadata, t);
}

/* Rules: walk.no-child walk.no-slot walk.absent */
TEST_F(absent, neighbours)
{
	struct tdp_vm *t = &self->t;
	u64 middle = t->npages / 2, last = t->npages - 1;

	guest_write(t->vcpu, t->gpa, 1);
	guest_write(t->vcpu, t->gpa + middle * PAGE_SIZE, 1);
	guest_write(t->vcpu, t->gpa + last * PAGE_SIZE, 1);

	EXPECT_TDP_MAPPED(t, t->gpa, 1, PG_LEVEL_4K);
	EXPECT_TDP_MAPPED(t, t->gpa + middle * PAGE_SIZE, 1, PG_LEVEL_4K);
	EXPECT_TDP_MAPPED(t, t->gpa + last * PAGE_SIZE, 1, PG_LEVEL_4K);

	EXPECT_TDP_ABSENT(t->vcpu, t->gpa - 16 * PAGE_SIZE, 16);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa + PAGE_SIZE, middle - 1);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa + (middle + 1) * PAGE_SIZE,
			  last - middle - 1);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa + (last + 1) * PAGE_SIZE, 512);
}

/*
 * A walk that ignores the high bits of a GPA arrives at the page that the low
 * bits name.
 *
 * Rules: walk.beyond walk.no-slot
 */
TEST_F(absent, high_bits)
{
	struct tdp_vm *t = &self->t;
	unsigned int bit;

	guest_write(t->vcpu, t->gpa, 1);
	ASSERT_TDP_MAPPED(t, t->gpa, 1, PG_LEVEL_4K);

	for (bit = ilog2(TDP_GPA) + 1; bit < 64; bit++)
		EXPECT_TDP_ABSENT(t->vcpu, t->gpa | BIT_ULL(bit), 1);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa | ~(BIT_ULL(t->vm->pa_bits) - 1), 1);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa & ~TDP_GPA, 1);
}

/*
 * GPA 0 has a slot, with the guest's page tables, but no guest touches page 0.
 *
 * Rules: walk.no-child walk.absent
 */
TEST_F(absent, gpa_zero)
{
	struct tdp_vm *t = &self->t;
	struct kvm_sregs sregs;
	u64 pgd;

	guest_idle(t->vcpu);
	vcpu_sregs_get(t->vcpu, &sregs);
	pgd = sregs.cr3;
	ASSERT_LT(pgd, SZ_2M);
	ASSERT_TDP_LEAF(t->vcpu, pgd, PG_LEVEL_4K,
			tdp_hva_pfn(addr_gpa2hva(t->vm, pgd)));

	EXPECT_TDP_ABSENT(t->vcpu, 0, 1);
	EXPECT_TDP_ABSENT(t->vcpu, 1, 1);
	EXPECT_TDP_ABSENT(t->vcpu, PAGE_SIZE - 1, 1);
}

/*
 * KVM invalidates all roots of all VMs when the parameter changes; the vCPU
 * holds on to its root until it runs again.
 *
 * Rules: walk.no-root walk.absent
 */
TEST_F(absent, invalid_root)
{
	struct tdp_vm *t = &self->t;
	bool was_on = tdp_read_line(NX_HUGE_PAGES)[0] == 'Y';

	guest_write(t->vcpu, t->gpa, 1);
	ASSERT_TDP_MAPPED(t, t->gpa, 1, PG_LEVEL_4K);

	TDP_REQUIRE(!__tdp_write_line(NX_HUGE_PAGES, was_on ? "off" : "force"),
		    "kvm.nx_huge_pages cannot be changed on this host");
	EXPECT_EQ(__tdp_write_line(NX_HUGE_PAGES, was_on ? "force" : "off"), 0);

	EXPECT_TRUE(tdp_roots(t->vcpu).roots & KVM_TDP_ROOT_INVALID);
	expect_slot_absent(_metadata, t);
	EXPECT_TDP_ABSENT(t->vcpu, 0, 512);

	guest_write(t->vcpu, t->gpa, 1);
	EXPECT_FALSE(tdp_roots(t->vcpu).roots & KVM_TDP_ROOT_INVALID);
	EXPECT_TDP_MAPPED(t, t->gpa, 1, PG_LEVEL_4K);
}

TDP_HARNESS_MAIN
