// SPDX-License-Identifier: GPL-2.0
/*
 * Negative controls of the assertions for TDs: tdp_control_test has those that
 * they are made of.
 */
#include "tdp_control.h"

#include "tdx/td_test.h"

#define NPAGES	4

/* The slot: pages that were added, shared pages, pages that are nowhere. */
#define SHARED	NPAGES
#define NOWHERE	(2 * NPAGES)

FIXTURE(td_control) {
	struct tdp_vm t;
	u64 private_pfns[NPAGES];
	u64 shared_pfns[NPAGES];
};

static u64 slot_gpa(const struct tdp_vm *t, u64 page)
{
	return t->gpa + page * PAGE_SIZE;
}

FIXTURE_SETUP(td_control)
{
	struct tdp_vm *t = &self->t;
	u64 shared_gpa;

	td_vm_create_idle(t);
	tdp_vm_add_slot(t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, 3 * NPAGES);
	tdp_vm_touch(t);

	tdx_init_mem_region(t->vcpu, t->hva, t->gpa, NPAGES, 0);
	tdx_finalize_vm(t->vm);

	shared_gpa = slot_gpa(t, SHARED);
	vm_mem_set_shared(t->vm, shared_gpa, NPAGES * PAGE_SIZE);
	tdp_prefault(t->vcpu, shared_gpa, NPAGES * PAGE_SIZE);

	tdp_vm_pfns(t, t->gpa, NPAGES, true, self->private_pfns);
	tdp_vm_pfns(t, shared_gpa, NPAGES, false, self->shared_pfns);
}

FIXTURE_TEARDOWN(td_control)
{
	tdp_vm_free(&self->t);
}

/* Rules: control.assertions tdx.two-roots */
TEST_F(td_control, roots)
{
	struct tdp_vm *t = &self->t;
	u64 nowhere = slot_gpa(t, NOWHERE), shared = slot_gpa(t, SHARED);
	char found[64];

	EXPECT_ACCEPTED(EXPECT_TD_PRIVATE(t->vcpu, t->gpa, NPAGES,
					  self->private_pfns));
	EXPECT_ACCEPTED(EXPECT_TD_SHARED(t->vcpu, shared, NPAGES, PG_LEVEL_4K,
					 self->shared_pfns));
	EXPECT_ACCEPTED(EXPECT_TDP_ABSENT(t->vcpu, nowhere, NPAGES));

	EXPECT_REFUSED("Wanted level 1 (4K), got -ENOENT",
		       EXPECT_TD_PRIVATE(t->vcpu, shared, NPAGES,
					 self->shared_pfns));
	EXPECT_REFUSED("Wanted level 1 (4K), got -ENOENT",
		       EXPECT_TD_SHARED(t->vcpu, t->gpa, NPAGES, PG_LEVEL_4K,
					self->private_pfns));
	/* Both roots are told of, whichever is wrong. */
	EXPECT_REFUSED(", private: gpa 0x100004000 stride 0x1000 nr 4: 4*-\n",
		       EXPECT_TD_SHARED(t->vcpu, shared, NPAGES, PG_LEVEL_2M,
					self->shared_pfns));
	snprintf(found, sizeof(found), "*->4K@%lx", self->private_pfns[0]);
	EXPECT_REFUSED(found,
		       EXPECT_TD_SHARED(t->vcpu, t->gpa, NPAGES, PG_LEVEL_4K,
					self->private_pfns));
	EXPECT_REFUSED("got -ENOENT",
		       EXPECT_TD_PRIVATE(t->vcpu, nowhere, NPAGES,
					 self->private_pfns));
	EXPECT_REFUSED("got -ENOENT",
		       EXPECT_TD_SHARED(t->vcpu, nowhere, NPAGES, PG_LEVEL_4K,
					self->shared_pfns));
	EXPECT_REFUSED("Wanted -ENOENT, got level 1 (4K)",
		       EXPECT_TDP_ABSENT(t->vcpu, t->gpa, 1));
	EXPECT_REFUSED("Wanted -ENOENT, got level 1 (4K)",
		       EXPECT_TDP_ABSENT(t->vcpu, shared, 1));
}

/* Rules: control.assertions */
TEST_F(td_control, pages)
{
	struct tdp_vm *t = &self->t;
	u64 shared = slot_gpa(t, SHARED);
	int i;

	for (i = 0; i < NPAGES; i++) {
		self->private_pfns[i] ^= 1;
		EXPECT_REFUSED("Wanted base pfn",
			       EXPECT_TD_PRIVATE(t->vcpu, t->gpa, NPAGES,
						 self->private_pfns));
		self->private_pfns[i] ^= 1;

		self->shared_pfns[i] ^= 1;
		EXPECT_REFUSED("Wanted base pfn",
			       EXPECT_TD_SHARED(t->vcpu, shared, NPAGES,
						PG_LEVEL_4K, self->shared_pfns));
		self->shared_pfns[i] ^= 1;
	}
	EXPECT_REFUSED("Wanted level 2 (2M), got level 1 (4K)",
		       EXPECT_TD_SHARED(t->vcpu, shared, NPAGES, PG_LEVEL_2M,
					self->shared_pfns));
}

/* Walks that are still answered truly. */
static int truths;

static void lie_once(enum kvm_tdp_walk_method method, bool is_private, u64 nr,
		     struct kvm_tdp_walk_entry *entries)
{
	if (!truths--)
		entries[nr - 1].ret ^= 3;
}

/*
 * Every walk of an assertion counts: by each method, in each root, with and
 * without the shared bit.
 *
 * Rules: control.assertions
 */
TEST_F(td_control, every_walk_counts)
{
	int i, nr_methods = 0, nr_walks;
	struct tdp_vm *t = &self->t;

	for (i = 0; i < KVM_TDP_WALK_NR_METHODS; i++)
		nr_methods += tdp_has_method(i);
	nr_walks = nr_methods * 2 * 2;

	tdp_falsify = lie_once;
	for (i = 0; i < nr_walks; i++) {
		truths = i;
		EXPECT_REFUSED("Wanted",
			       EXPECT_TD_PRIVATE(t->vcpu, t->gpa, NPAGES,
						 self->private_pfns));
		truths = i;
		EXPECT_REFUSED("Wanted",
			       EXPECT_TD_SHARED(t->vcpu, slot_gpa(t, SHARED),
						NPAGES, PG_LEVEL_4K,
						self->shared_pfns));
	}
	truths = nr_walks;
	EXPECT_ACCEPTED(EXPECT_TD_PRIVATE(t->vcpu, t->gpa, NPAGES,
					  self->private_pfns));
	EXPECT_EQ(truths, 0);
	tdp_falsify = NULL;
}

TD_HARNESS_MAIN
