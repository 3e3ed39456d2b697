// SPDX-License-Identifier: GPL-2.0
/*
 * The Secure EPT, as the TDX module tells it, beside KVM's mirror of it.  What
 * KVM believes to have mapped must be what the TD has.
 */
#include "tdp_control.h"

#include "tdx/td_refuse.h"
#include "tdx/td_sept.h"
#include "tdx/td_test.h"
#include "tdx/tdcall.h"

#define NPAGES		16

/* vcpu, gpa, number of 4K pages, PFNs of the 4K pages, state */
#define EXPECT_TD_SEPT(...)		__TDP_JUDGE(0, td_check_sept, __VA_ARGS__)
/* vcpu, gpa, number of 4K pages */
#define EXPECT_TD_SEPT_FREE(...)	__TDP_JUDGE(0, td_check_sept_free, __VA_ARGS__)

FIXTURE(sept) {
	struct tdp_vm t;
	u64 pfns[NPAGES];
};

FIXTURE_SETUP(sept)
{
	td_vm_create_idle(&self->t);
	tdp_vm_add_slot(&self->t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, NPAGES);
	tdp_vm_touch(&self->t);
}

FIXTURE_TEARDOWN(sept)
{
	tdp_vm_free(&self->t);
}

static u64 slot_gpa(const struct tdp_vm *t, u64 page)
{
	return t->gpa + page * PAGE_SIZE;
}

static void add(struct tdp_vm *t, u64 first, u64 nr)
{
	tdx_init_mem_region(t->vcpu, t->hva + first * PAGE_SIZE,
			    slot_gpa(t, first), nr, 0);
}

/* The module and the mirror root both have these pages of guest_memfd. */
static void expect_pages(struct __test_metadata *_metadata, struct tdp_vm *t,
			 u64 first, u64 nr, enum td_sept_state state)
{
	u64 pfns[NPAGES], gpa = slot_gpa(t, first);

	tdp_vm_pfns(t, gpa, nr, true, pfns);
	EXPECT_TD_SEPT(t->vcpu, gpa, nr, pfns, state);
	EXPECT_TD_PRIVATE(t->vcpu, gpa, nr, pfns);
}

/* Neither has any. */
static void expect_none(struct __test_metadata *_metadata, struct tdp_vm *t,
			u64 first, u64 nr)
{
	EXPECT_TD_SEPT_FREE(t->vcpu, slot_gpa(t, first), nr);
	EXPECT_TDP_ABSENT(t->vcpu, slot_gpa(t, first), nr);
}

/* How often the host has called what takes a page away, and what it has got. */
struct removals {
	u64 blocked, tracked, removed;
	u64 regular;
};

static void count_removals(struct removals *removals)
{
	struct td_census census;

	removals->blocked = td_leaf_count("TDH_MEM_RANGE_BLOCK").calls;
	removals->tracked = td_leaf_count("TDH_MEM_TRACK").calls;
	removals->removed = td_leaf_count("TDH_MEM_PAGE_REMOVE").calls;
	td_take_census(&census);
	removals->regular = td_census_count(&census, "regular");
}

/*
 * So many pages were removed, and are the host's again; the module sees to it that
 * each was blocked and tracked before.
 */
static bool check_removed(const struct removals *before, u64 nr,
			  struct tdp_msg *msg)
{
	struct removals now;
	u64 removed, back;

	count_removals(&now);
	removed = now.removed - before->removed;
	back = before->regular - now.regular;
	if (removed == nr && back == nr && now.blocked > before->blocked &&
	    now.tracked > before->tracked)
		return true;
	snprintf(msg->text, sizeof(msg->text),
		 "Wanted %lu pages back, got %lu; blocked %lu, tracked %lu, removed %lu",
		 nr, back, now.blocked - before->blocked,
		 now.tracked - before->tracked, removed);
	return false;
}

/* address of what count_removals() left, number of pages */
#define EXPECT_REMOVED(...)	__TDP_JUDGE(0, check_removed, __VA_ARGS__)

/* Rules: tdx.sept-maps */
TEST_F(sept, added)
{
	struct tdp_vm *t = &self->t;

	expect_none(_metadata, t, 0, NPAGES);
	add(t, 3, 5);
	expect_none(_metadata, t, 0, 3);
	expect_pages(_metadata, t, 3, 5, TD_SEPT_MAPPED);
	expect_none(_metadata, t, 8, NPAGES - 8);

	add(t, 8, 1);
	add(t, 0, 1);
	tdx_finalize_vm(t->vm);
	expect_pages(_metadata, t, 0, 1, TD_SEPT_MAPPED);
	expect_none(_metadata, t, 1, 2);
	expect_pages(_metadata, t, 3, 6, TD_SEPT_MAPPED);
	EXPECT_TD_SEPT_FREE(t->vcpu, t->gpa - 8 * PAGE_SIZE, 8);
	EXPECT_TD_SEPT_FREE(t->vcpu, slot_gpa(t, NPAGES), 8);
}

/* Rules: tdx.sept-pending */
TEST_F(sept, pending)
{
	struct tdp_vm *t = &self->t;

	add(t, 0, 2);
	tdx_finalize_vm(t->vm);
	tdp_prefault(t->vcpu, slot_gpa(t, 1), 4 * PAGE_SIZE);

	expect_pages(_metadata, t, 0, 2, TD_SEPT_MAPPED);
	expect_pages(_metadata, t, 2, 3, TD_SEPT_PENDING);
	expect_none(_metadata, t, 5, NPAGES - 5);
}

/* Rules: tdx.sept-removes */
TEST_F(sept, hole)
{
	struct tdp_vm *t = &self->t;

	add(t, 0, NPAGES);
	tdx_finalize_vm(t->vm);
	ASSERT_EQ(fallocate(t->gmem_fd,
			    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    4 * PAGE_SIZE, 3 * PAGE_SIZE), 0);

	expect_pages(_metadata, t, 0, 4, TD_SEPT_MAPPED);
	expect_none(_metadata, t, 4, 3);
	expect_pages(_metadata, t, 7, NPAGES - 7, TD_SEPT_MAPPED);

	tdp_prefault(t->vcpu, slot_gpa(t, 4), PAGE_SIZE);
	expect_pages(_metadata, t, 4, 1, TD_SEPT_PENDING);
	expect_none(_metadata, t, 5, 2);
}

/* Rules: tdx.sept-removes */
TEST_F(sept, conversion)
{
	struct tdp_vm *t = &self->t;
	u64 pfns[2];

	add(t, 0, NPAGES);
	tdx_finalize_vm(t->vm);
	vm_mem_set_shared(t->vm, slot_gpa(t, 6), 2 * PAGE_SIZE);
	expect_pages(_metadata, t, 0, 6, TD_SEPT_MAPPED);
	expect_none(_metadata, t, 6, 2);
	expect_pages(_metadata, t, 8, NPAGES - 8, TD_SEPT_MAPPED);

	/* Shared pages are nothing to the module. */
	tdp_prefault(t->vcpu, slot_gpa(t, 6), 2 * PAGE_SIZE);
	tdp_vm_pfns(t, slot_gpa(t, 6), 2, false, pfns);
	EXPECT_TD_SHARED(t->vcpu, slot_gpa(t, 6), 2, PG_LEVEL_4K, pfns);
	EXPECT_TD_SEPT_FREE(t->vcpu, slot_gpa(t, 6), 2);
}

/* Rules: tdx.sept-removes */
TEST_F(sept, slot_deleted)
{
	struct tdp_vm *t = &self->t;

	add(t, 0, NPAGES);
	tdx_finalize_vm(t->vm);
	vm_mem_region_delete(t->vm, TDP_SLOT);
	expect_none(_metadata, t, 0, NPAGES);
}

/*
 * What the host called for that, and that it has got the pages.
 *
 * Rules: tdx.sept-removes control.assertions
 */
TEST_F(sept, removals)
{
	struct tdp_vm *t = &self->t;
	struct removals before;

	TDP_REQUIRE_NOT(td_soft_lacks());
	add(t, 0, NPAGES);
	tdx_finalize_vm(t->vm);
	count_removals(&before);
	vm_guest_mem_punch_hole(t->vm, slot_gpa(t, 4), 3 * PAGE_SIZE);
	EXPECT_REMOVED(&before, 3);
	EXPECT_REFUSED("Wanted 4 pages back, got 3",
		       EXPECT_REMOVED(&before, 4));

	count_removals(&before);
	vm_mem_set_shared(t->vm, slot_gpa(t, 8), 2 * PAGE_SIZE);
	EXPECT_REMOVED(&before, 2);
	count_removals(&before);
	vm_mem_region_delete(t->vm, TDP_SLOT);
	EXPECT_REMOVED(&before, NPAGES - 5);
}

/* Rules: control.assertions */
TEST_F(sept, differences_are_noticed)
{
	struct tdp_vm *t = &self->t;
	u64 *pfns = self->pfns;

	add(t, 0, 4);
	tdp_vm_pfns(t, t->gpa, 4, true, pfns);
	EXPECT_ACCEPTED(EXPECT_TD_SEPT(t->vcpu, t->gpa, 4, pfns, TD_SEPT_MAPPED));
	EXPECT_REFUSED("state 2", EXPECT_TD_SEPT(t->vcpu, t->gpa, 4, pfns,
						 TD_SEPT_PENDING));
	EXPECT_REFUSED(">4K.mapped@", EXPECT_TD_SEPT(t->vcpu, t->gpa, 4, pfns,
						     TD_SEPT_PENDING));
	EXPECT_REFUSED("nothing", EXPECT_TD_SEPT_FREE(t->vcpu, slot_gpa(t, 3), 2));
	EXPECT_REFUSED("Secure EPT, private: gpa 0x100003000 stride 0x1000 nr 2: 1*->4K.mapped@",
		       EXPECT_TD_SEPT_FREE(t->vcpu, slot_gpa(t, 3), 2));
	EXPECT_ACCEPTED(EXPECT_TD_SEPT_FREE(t->vcpu, slot_gpa(t, 4), 2));
	EXPECT_REFUSED("state 4", EXPECT_TD_SEPT(t->vcpu, slot_gpa(t, 1), 4, pfns + 1,
						 TD_SEPT_MAPPED));
	pfns[3]++;
	EXPECT_REFUSED("HPA", EXPECT_TD_SEPT(t->vcpu, t->gpa, 4, pfns,
					     TD_SEPT_MAPPED));
}

/* Source: TDX Module ABI, global metadata. */
#define FIELD_MINOR		0x0800000100000003
#define FIELD_MAJOR		0x0800000100000004
#define FIELD_UPDATE		0x0800000100000005
#define FIELD_BUILD_DATE	0x8800000200000001
#define FIELD_BUILD_NUM		0x8800000100000002
#define FIELD_NONE		0x0800000100000fff

/* Whichever module it is: its version is the one that the kernel has read. */
/* Rules: probe.input */
TEST_F(sept, module)
{
	static const u64 ids[] = { FIELD_MAJOR, FIELD_MINOR, FIELD_UPDATE,
				   FIELD_BUILD_NUM, FIELD_BUILD_DATE };
	const char *known = tdp_read_line("/sys/devices/faux/tdx_host/version");
	u64 values[ARRAY_SIZE(ids)] = {}, status, value;
	struct tdp_vm plain;
	const struct tdp_mem mem = TDP_MEM_DEFAULT;
	char version[64];
	int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		ASSERT_EQ(__tdp_module(self->t.vcpu, ids[i], &status, &values[i]), 0);
		ASSERT_EQ(status, 0);
	}
	snprintf(version, sizeof(version), "%lu.%lu.%02lu", values[0], values[1],
		 values[2]);
	if (known[0])
		EXPECT_STREQ(version, known);
	fprintf(stderr, "# tdp-module: %s build %lu %lu\n", version, values[3],
		values[4]);

	EXPECT_EQ(__tdp_module(self->t.vcpu, FIELD_NONE, &status, &value), 0);
	EXPECT_NE(status, 0);
	tdp_vm_create_idle(&plain, &mem);
	EXPECT_EQ(__tdp_module(plain.vcpu, FIELD_MAJOR, &status, &value),
		  -EOPNOTSUPP);
	tdp_vm_free(&plain);
}

/* Rules: probe.input */
TEST_F(sept, bad_input)
{
	struct kvm_tdp_sept_entry entry;
	struct tdp_vm *t = &self->t, plain;
	const struct tdp_mem mem = TDP_MEM_DEFAULT;
	u64 tdr;

	EXPECT_EQ(__tdp_sept(t->vcpu, t->gpa, 1, &entry, &tdr), 0);
	EXPECT_NE(tdr, 0);
	EXPECT_EQ(__tdp_sept(t->vcpu, t->gpa + 8, 1, &entry, &tdr), -EINVAL);
	EXPECT_EQ(__tdp_sept(t->vcpu, t->gpa, 0, &entry, &tdr), -EINVAL);
	EXPECT_EQ(__tdp_sept(t->vcpu, t->gpa, KVM_TDP_WALK_MAX_COUNT + 1, &entry,
			     &tdr), -E2BIG);
	EXPECT_EQ(__tdp_sept(t->vcpu, t->gpa, 1, NULL, &tdr), -EFAULT);

	/* The module refuses a shared GPA itself. */
	EXPECT_EQ(__tdp_sept(t->vcpu, t->gpa | TD_SHARED_BIT, 1, &entry, &tdr), 0);
	EXPECT_EQ(entry.status >> 32, 0xc0000100);

	tdp_vm_create_idle(&plain, &mem);
	EXPECT_EQ(__tdp_sept(plain.vcpu, 0, 1, &entry, &tdr), -EOPNOTSUPP);
	tdp_vm_free(&plain);
}

TD_HARNESS_MAIN
