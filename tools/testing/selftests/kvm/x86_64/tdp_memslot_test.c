// SPDX-License-Identifier: GPL-2.0
/*
 * Memslots that are deleted, moved, created again and changed.
 *
 *	GPA	TDP_GPA		TDP_GPA + 8	+ 16			+ 64
 *		| bystander	|  nothing	|  slot under test	|
 *
 * Both slots share one 4K page table, so that a zap that is too wide or too
 * narrow shows on the other side of the gap.
 */
#include <pthread.h>

#include "tdp_slot.h"
#include "tdp_test.h"

#define BYSTANDER_PAGES	8
#define SLOT_GPA	(TDP_GPA + 16 * PAGE_SIZE)
#define NPAGES		48

/* Where moved slots and aliases go: other tables than those of TDP_GPA. */
#define FAR_GPA		(TDP_GPA + SZ_1G)

static bool can_disable_zap_all(void)
{
	return kvm_check_cap(KVM_CAP_DISABLE_QUIRKS2) &
	       KVM_X86_QUIRK_SLOT_ZAP_ALL;
}

static void disable_zap_all(struct tdp_vm *t)
{
	int r = __vm_enable_cap(t->vm, KVM_CAP_DISABLE_QUIRKS2,
				KVM_X86_QUIRK_SLOT_ZAP_ALL);

	TDP_ASSERT(!r, "KVM_CAP_DISABLE_QUIRKS2: %s", strerror(errno));
}

/* For FIXTURE_SETUP() of fixtures with "t" and "bystander". */
#define MEMSLOT_SETUP() do {						\
	TDP_REQUIRE(!variant->disable_quirk || can_disable_zap_all(),	\
		    "KVM does not know KVM_X86_QUIRK_SLOT_ZAP_ALL");	\
	TDP_SETUP_SLOT(&self->t, &variant->mem, VM_MEM_SRC_ANONYMOUS,	\
		       SLOT_GPA, NPAGES);				\
	if (variant->disable_quirk)					\
		disable_zap_all(&self->t);				\
	tdp_vm_touch(&self->t);						\
	self->bystander = tdp_slot_add(&self->t, VM_MEM_SRC_ANONYMOUS,	\
				       TDP_SLOT2, TDP_GPA,		\
				       BYSTANDER_PAGES);		\
} while (0)

static void guest_write_all(const struct tdp_vm *s)
{
	guest_write_pages(s->vcpu, s->gpa, s->npages, 1);
}

/* How an access leaves the guest where there is no slot. */
static int absent_exit(const struct tdp_mem *mem)
{
	return mem->is_private ? KVM_EXIT_MEMORY_FAULT : KVM_EXIT_MMIO;
}

static void walk_all(const struct tdp_vm *s, struct kvm_tdp_walk_entry *entries)
{
	tdp_walk_range(s->vcpu, KVM_TDP_WALK_TABLE, false, s->gpa, PAGE_SIZE,
		       s->npages, entries);
}

FIXTURE(memslot) {
	struct tdp_vm t;
	struct tdp_vm bystander;
};

/*
 * What KVM does when a slot goes away depends on the VM type and a quirk:
 * documented for KVM_X86_QUIRK_SLOT_ZAP_ALL in api.rst.
 */
FIXTURE_VARIANT(memslot) {
	struct tdp_mem mem;
	bool disable_quirk;
	bool zap_all;
};

FIXTURE_VARIANT_ADD(memslot, default_vm) {
	.mem = TDP_MEM_DEFAULT,
	.disable_quirk = false,
	.zap_all = true,
};

FIXTURE_VARIANT_ADD(memslot, default_vm_no_quirk) {
	.mem = TDP_MEM_DEFAULT,
	.disable_quirk = true,
	.zap_all = false,
};

FIXTURE_VARIANT_ADD(memslot, sw_protected_shared) {
	.mem = TDP_MEM_SW_PROTECTED_SHARED,
	.disable_quirk = false,
	.zap_all = false,
};

FIXTURE_VARIANT_ADD(memslot, sw_protected_private) {
	.mem = TDP_MEM_SW_PROTECTED_PRIVATE,
	.disable_quirk = false,
	.zap_all = false,
};

FIXTURE_SETUP(memslot)
{
	MEMSLOT_SETUP();
}

FIXTURE_TEARDOWN(memslot)
{
	tdp_vm_free(&self->t);
}

/* Rules: slot.delete */
TEST_F(memslot, delete)
{
	struct tdp_vm *t = &self->t;

	guest_write_all(t);
	ASSERT_TDP_MAPPED(t, t->gpa, t->npages, PG_LEVEL_4K);

	tdp_slot_delete(t, TDP_SLOT);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, t->npages);

	/* An invalidated root answers for all GPAs: look at the next one too. */
	guest_idle(t->vcpu);
	ASSERT_EQ(tdp_roots(t->vcpu).roots & KVM_TDP_ROOT_INVALID, 0);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, t->npages);

	EXPECT_EQ(absent_exit(&t->mem),
		  __guest_do(t->vcpu, GUEST_READ, t->gpa, 0, 1, 0));
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, t->npages);
}

/* Rules: slot.zap-all slot.zap-own walk.no-root */
TEST_F(memslot, delete_beside_another)
{
	struct kvm_tdp_walk_entry before[BYSTANDER_PAGES], after[BYSTANDER_PAGES];
	struct tdp_vm *t = &self->t, *b = &self->bystander;
	struct kvm_tdp_roots roots;

	guest_write_all(t);
	guest_write_all(b);
	walk_all(b, before);

	tdp_slot_delete(t, TDP_SLOT);
	roots = tdp_roots(t->vcpu);
	EXPECT_EQ(!!(roots.roots & KVM_TDP_ROOT_INVALID), variant->zap_all);

	if (variant->zap_all) {
		EXPECT_TDP_ABSENT(b->vcpu, b->gpa, b->npages);
		/* The guest's own code, which ran a moment ago. */
		EXPECT_TDP_ABSENT(b->vcpu, 0, 512);
		/* Nor is anything left behind the root that is no more. */
		EXPECT_EQ(tdp_stats(b->vm).pages[PG_LEVEL_4K], 0);
		EXPECT_EQ(tdp_stats(b->vm).pages[PG_LEVEL_2M], 0);
		guest_idle(b->vcpu);
		EXPECT_EQ(tdp_roots(b->vcpu).roots & KVM_TDP_ROOT_INVALID, 0);
		EXPECT_TDP_ABSENT(b->vcpu, b->gpa, b->npages);
		guest_read_pages(b->vcpu, b->gpa, b->npages);
	} else {
		walk_all(b, after);
		EXPECT_EQ(memcmp(before, after, sizeof(before)), 0);
	}

	EXPECT_TDP_MAPPED(b, b->gpa, b->npages, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, t->npages);
}

/* Rules: walk.no-root map.prefault slot.delete */
TEST_F(memslot, prefault_after_delete)
{
	struct tdp_vm *t = &self->t, *b = &self->bystander;
	struct kvm_pre_fault_memory range = {
		.gpa = t->gpa,
		.size = t->npages * PAGE_SIZE,
	};

	guest_write_all(t);
	tdp_slot_delete(t, TDP_SLOT);

	/* Takes the vCPU to a valid root as running it does. */
	tdp_prefault(b->vcpu, b->gpa, b->npages * PAGE_SIZE);
	EXPECT_EQ(tdp_prefaults_stuck(), 0);
	EXPECT_EQ(tdp_roots(b->vcpu).roots & KVM_TDP_ROOT_INVALID, 0);
	EXPECT_TDP_MAPPED(b, b->gpa, b->npages, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, t->npages);

	EXPECT_LT(__tdp_prefault(t->vcpu, &range), 0);
	EXPECT_EQ(range.gpa, t->gpa);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, t->npages);
}

/* Every page of a slot that came into the place of another is the new one's. */
static bool check_recreated(struct tdp_vm *s, const u64 *old_pfns,
			    struct tdp_msg *msg)
{
	u64 pfns[NPAGES], i;

	guest_read_pages(s->vcpu, s->gpa, s->npages);
	tdp_vm_pfns(s, s->gpa, s->npages, s->mem.is_private, pfns);
	for (i = 0; i < s->npages; i++)
		TDP_ASSERT(pfns[i] != old_pfns[i],
			   "Old and new memory share pfn 0x%lx", pfns[i]);

	return tdp_check_mapped(s, s->gpa, s->npages, PG_LEVEL_4K, msg);
}

#define EXPECT_RECREATED(...)	__TDP_JUDGE(0, check_recreated, __VA_ARGS__)

/* Rules: slot.recreate */
TEST_F(memslot, recreate)
{
	struct tdp_vm *t = &self->t, new;
	u64 old_pfns[NPAGES];

	guest_write_all(t);
	tdp_vm_pfns(t, t->gpa, t->npages, t->mem.is_private, old_pfns);

	new = tdp_slot_memory(t, VM_MEM_SRC_ANONYMOUS, t->gpa, t->npages);
	tdp_slot_delete(t, TDP_SLOT);
	tdp_slot_set(&new, TDP_SLOT, 0);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, t->npages);
	EXPECT_RECREATED(&new, old_pfns);
}

/* Rules: slot.recreate mmio.replaced */
TEST_F(memslot, recreate_after_access)
{
	struct tdp_vm *t = &self->t, new;
	u64 old_pfns[NPAGES];

	guest_write_all(t);
	tdp_vm_pfns(t, t->gpa, t->npages, t->mem.is_private, old_pfns);

	new = tdp_slot_memory(t, VM_MEM_SRC_ANONYMOUS, t->gpa, t->npages);
	tdp_slot_delete(t, TDP_SLOT);
	EXPECT_EQ(absent_exit(&t->mem),
		  __guest_do(t->vcpu, GUEST_READ, t->gpa, 0, 1, 0));
	tdp_slot_set(&new, TDP_SLOT, 0);
	EXPECT_EQ(__guest_resume(t->vcpu), 0);
	EXPECT_RECREATED(&new, old_pfns);
}

/* Rules: slot.refused */
TEST_F(memslot, refused_changes)
{
	struct kvm_tdp_walk_entry before[NPAGES], after[NPAGES];
	struct tdp_vm *t = &self->t, s;

	guest_write_all(t);
	walk_all(t, before);

	EXPECT_EQ(__tdp_slot_set(t, TDP_SLOT, KVM_MEM_READONLY), -EINVAL);

	s = *t;
	s.npages--;
	EXPECT_EQ(__tdp_slot_set(&s, TDP_SLOT, 0), -EINVAL);

	s = *t;
	s.hva += PAGE_SIZE;
	EXPECT_EQ(__tdp_slot_set(&s, TDP_SLOT, 0), -EINVAL);

	/* The last page of one would be the first of the other. */
	s = tdp_slot_memory(t, VM_MEM_SRC_ANONYMOUS,
			    t->gpa + (t->npages - 1) * PAGE_SIZE, NPAGES);
	EXPECT_EQ(__tdp_slot_set(&s, TDP_SLOT3, 0), -EEXIST);

	if (t->mem.gmem) {
		s = *t;
		s.gpa = FAR_GPA;
		EXPECT_EQ(__tdp_slot_set(&s, TDP_SLOT, 0), -EINVAL);
		EXPECT_EQ(__tdp_slot_set(t, TDP_SLOT, KVM_MEM_LOG_DIRTY_PAGES),
			  -EINVAL);
		/* One page of guest_memfd has one GPA. */
		EXPECT_EQ(__tdp_slot_set(&s, TDP_SLOT3, 0), -EEXIST);
	}

	walk_all(t, after);
	EXPECT_EQ(memcmp(before, after, sizeof(before)), 0);
	EXPECT_TDP_MAPPED(t, t->gpa, t->npages, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa + t->npages * PAGE_SIZE, t->npages);
	EXPECT_TDP_ABSENT(t->vcpu, FAR_GPA, t->npages);
}

/* For what KVM refuses where a slot has guest_memfd. */
FIXTURE(memslot_plain) {
	struct tdp_vm t;
	struct tdp_vm bystander;
};

FIXTURE_VARIANT(memslot_plain) {
	struct tdp_mem mem;
	bool disable_quirk;
	bool zap_all;
};

FIXTURE_VARIANT_ADD(memslot_plain, default_vm) {
	.mem = TDP_MEM_DEFAULT,
	.disable_quirk = false,
	.zap_all = true,
};

FIXTURE_VARIANT_ADD(memslot_plain, sw_protected_vm) {
	.mem = TDP_MEM_SW_PROTECTED_PLAIN,
	.disable_quirk = false,
	.zap_all = false,
};

FIXTURE_SETUP(memslot_plain)
{
	MEMSLOT_SETUP();
}

FIXTURE_TEARDOWN(memslot_plain)
{
	tdp_vm_free(&self->t);
}

/* One pre-fault of a whole slot, by a thread of its own. */
struct prefault {
	struct tdp_vm *s;
	struct kvm_pre_fault_memory range;
	int r;
};

static void *prefault_slot(void *arg)
{
	struct prefault *p = arg;

	p->range.gpa = p->s->gpa;
	p->range.size = p->s->npages * PAGE_SIZE;
	p->r = __tdp_prefault(p->s->vcpu, &p->range);
	return NULL;
}

static u64 pages_mapped(struct tdp_vm *t)
{
	return vm_get_stat(t->vm, pages_4k);
}

/* The slot goes as soon as its first pages are mapped. */
static void delete_amid(struct __test_metadata *_metadata, struct prefault *p)
{
	u64 before = pages_mapped(p->s);
	pthread_t thread;

	ASSERT_EQ(pthread_create(&thread, NULL, prefault_slot, p), 0);
	while (pages_mapped(p->s) == before)
		usleep(100);
	tdp_slot_delete(p->s, TDP_SLOT3);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
}

/*
 * When the deletion comes is up to the host: try again until the pre-fault was
 * not through.
 *
 * Rules: slot.prefault slot.delete
 */
TEST_F(memslot_plain, delete_amid_prefault)
{
	struct tdp_vm *t = &self->t, s;
	struct prefault p = { .s = &s };
	int i;

	s = tdp_slot_memory(t, VM_MEM_SRC_ANONYMOUS, FAR_GPA, 4096);
	for (i = 0; i < 8 && !p.range.size; i++) {
		tdp_slot_set(&s, TDP_SLOT3, 0);
		delete_amid(_metadata, &p);
		ASSERT_EQ(tdp_prefaults_stuck(), 0)
			TH_LOG("A pre-fault and the slot's deletion waited for each other");
		EXPECT_EQ(p.r, 0);
		EXPECT_EQ(p.range.gpa + p.range.size,
			  s.gpa + s.npages * PAGE_SIZE);
		EXPECT_TDP_ABSENT(t->vcpu, s.gpa, s.npages);
	}
	TDP_REQUIRE(p.range.size, "no slot went in the middle of a pre-fault");

	EXPECT_EQ(__tdp_prefault(t->vcpu, &p.range), -ENOENT);
	EXPECT_TDP_ABSENT(t->vcpu, s.gpa, s.npages);
}

/* Rules: slot.move slot.zap-all slot.zap-own */
TEST_F(memslot_plain, move)
{
	struct tdp_vm *t = &self->t, *b = &self->bystander, moved = self->t;

	guest_map(t->vm, FAR_GPA, t->npages * PAGE_SIZE);
	guest_write_all(t);
	guest_write_all(b);

	moved.gpa = FAR_GPA;
	tdp_slot_set(&moved, TDP_SLOT, 0);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, t->npages);
	EXPECT_TDP_ABSENT(t->vcpu, moved.gpa, t->npages);
	if (variant->zap_all)
		EXPECT_TDP_ABSENT(b->vcpu, b->gpa, b->npages);
	if (!variant->zap_all)
		EXPECT_TDP_MAPPED(b, b->gpa, b->npages, PG_LEVEL_4K);

	EXPECT_EQ(guest_read(t->vcpu, moved.gpa + 5 * PAGE_SIZE), 6);
	EXPECT_TDP_MAPPED(&moved, moved.gpa + 5 * PAGE_SIZE, 1, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(t->vcpu, moved.gpa, 5);
	EXPECT_TDP_ABSENT(t->vcpu, moved.gpa + 6 * PAGE_SIZE, t->npages - 6);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, t->npages);

	guest_read_pages(t->vcpu, moved.gpa, moved.npages);
	EXPECT_TDP_MAPPED(&moved, moved.gpa, moved.npages, PG_LEVEL_4K);
}

/* Rules: slot.move */
TEST_F(memslot_plain, move_by_one_page)
{
	struct tdp_vm *t = &self->t, moved = self->t;
	u64 end = t->gpa + t->npages * PAGE_SIZE;

	guest_map(t->vm, end, PAGE_SIZE);
	guest_write_all(t);

	/* Each GPA that is in both places gets another page. */
	moved.gpa += PAGE_SIZE;
	tdp_slot_set(&moved, TDP_SLOT, 0);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, t->npages + 1);

	guest_read_pages(t->vcpu, moved.gpa, moved.npages);
	EXPECT_TDP_MAPPED(&moved, moved.gpa, moved.npages, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, 1);
	EXPECT_TDP_ABSENT(t->vcpu, end + PAGE_SIZE, 1);
}

/* Rules: slot.flags */
TEST_F(memslot_plain, dirty_logging)
{
	struct kvm_tdp_walk_entry before[NPAGES], after[NPAGES];
	struct tdp_vm *t = &self->t, *b = &self->bystander;

	guest_write_all(t);
	guest_write_all(b);

	tdp_slot_set(t, TDP_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	EXPECT_TDP_MAPPED(t, t->gpa, t->npages, PG_LEVEL_4K);
	EXPECT_TDP_MAPPED(b, b->gpa, b->npages, PG_LEVEL_4K);
	guest_write(t->vcpu, t->gpa + 7 * PAGE_SIZE, 1);
	EXPECT_TDP_MAPPED(t, t->gpa, t->npages, PG_LEVEL_4K);

	/* Nothing to change: a no-op. */
	walk_all(t, before);
	tdp_slot_set(t, TDP_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	walk_all(t, after);
	EXPECT_EQ(memcmp(before, after, sizeof(before)), 0);

	tdp_slot_set(t, TDP_SLOT, 0);
	guest_write_all(t);
	EXPECT_TDP_MAPPED(t, t->gpa, t->npages, PG_LEVEL_4K);
	EXPECT_TDP_MAPPED(b, b->gpa, b->npages, PG_LEVEL_4K);
}

static void drop_pages(const struct tdp_vm *s, u64 first, u64 nr)
{
	int r = madvise(s->hva + first * PAGE_SIZE, nr * PAGE_SIZE,
			MADV_DONTNEED);

	TDP_ASSERT(!r, "MADV_DONTNEED: %s", strerror(errno));
}

static struct tdp_vm add_alias(struct tdp_vm *t, u64 gpa)
{
	struct tdp_vm alias = *t;

	alias.gpa = gpa;
	tdp_slot_set(&alias, TDP_SLOT3, 0);
	guest_map(t->vm, gpa, t->npages * PAGE_SIZE);
	return alias;
}

/* Rules: slot.alias */
TEST_F(memslot_plain, alias)
{
	struct tdp_vm *t = &self->t, alias = add_alias(t, FAR_GPA);
	const u64 gone = 9 * PAGE_SIZE;

	guest_write_all(t);
	EXPECT_TDP_ABSENT(t->vcpu, alias.gpa, alias.npages);
	guest_write_all(&alias);
	EXPECT_TDP_MAPPED(t, t->gpa, t->npages, PG_LEVEL_4K);
	EXPECT_TDP_MAPPED(&alias, alias.gpa, alias.npages, PG_LEVEL_4K);

	drop_pages(t, 9, 1);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa + gone, 1);
	EXPECT_TDP_ABSENT(t->vcpu, alias.gpa + gone, 1);
	EXPECT_TDP_MAPPED(t, t->gpa, 9, PG_LEVEL_4K);
	EXPECT_TDP_MAPPED(&alias, alias.gpa + gone + PAGE_SIZE,
			  alias.npages - 10, PG_LEVEL_4K);

	guest_write(t->vcpu, alias.gpa + gone, 0x1234);
	EXPECT_TDP_MAPPED(&alias, alias.gpa + gone, 1, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa + gone, 1);
	EXPECT_EQ(guest_read(t->vcpu, t->gpa + gone), 0x1234);
	EXPECT_TDP_MAPPED(t, t->gpa, t->npages, PG_LEVEL_4K);
}

/* Rules: slot.alias slot.zap-own slot.delete */
TEST_F(memslot_plain, delete_alias)
{
	struct tdp_vm *t = &self->t, alias = add_alias(t, FAR_GPA);

	guest_write_all(t);
	guest_write_all(&alias);

	tdp_slot_delete(t, TDP_SLOT3);
	EXPECT_TDP_ABSENT(t->vcpu, alias.gpa, alias.npages);
	if (!variant->zap_all)
		EXPECT_TDP_MAPPED(t, t->gpa, t->npages, PG_LEVEL_4K);
	guest_read_pages(t->vcpu, t->gpa, t->npages);
	EXPECT_TDP_MAPPED(t, t->gpa, t->npages, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(t->vcpu, alias.gpa, alias.npages);
}

/*
 * Slots made of hugetlb memory, whose GPAs and addresses are congruent: only
 * what a case does keeps a leaf from being huge.
 */
#define HUGE_PAGES	512ULL
#define HUGE_SIZE	SZ_2M

FIXTURE(memslot_huge) {
	struct tdp_vm t;
};

FIXTURE_VARIANT(memslot_huge) {
	struct tdp_mem mem;
};

FIXTURE_VARIANT_ADD(memslot_huge, default_vm) { .mem = TDP_MEM_DEFAULT };
FIXTURE_VARIANT_ADD(memslot_huge, sw_protected_vm) {
	.mem = TDP_MEM_SW_PROTECTED_PLAIN };

FIXTURE_SETUP(memslot_huge)
{
	TDP_REQUIRE_NOT(tdp_mem_lacks(&variant->mem));
	TDP_REQUIRE_NOT(tdp_backing_lacks(VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB,
					  6 * HUGE_SIZE));
	tdp_vm_create(&self->t, &variant->mem);
	self->t.gpa = TDP_GPA;
}

FIXTURE_TEARDOWN(memslot_huge)
{
	tdp_vm_free(&self->t);
}

static struct tdp_vm huge_memory(struct tdp_vm *t, u64 nr)
{
	return tdp_slot_memory(t, VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB, t->gpa,
			       nr * HUGE_PAGES);
}

/* Part of a slot's GPAs and memory. */
static struct tdp_vm part(const struct tdp_vm *s, u64 first, u64 nr)
{
	struct tdp_vm p = *s;

	p.gpa += first * PAGE_SIZE;
	p.hva += first * PAGE_SIZE;
	p.npages = nr;
	return p;
}

/*
 *	GPA	0M	2M	      4M      6M
 *	slots	|  lower     |  upper         |
 *	leaves	|  2M	| 4K | 4K     |  2M   |
 *			     ^ 2M + edge pages
 */
static void touch_edges(struct kvm_vcpu *vcpu, u64 gpa, u64 edge)
{
	const u64 split = gpa + HUGE_SIZE, at = split + edge * PAGE_SIZE;

	guest_write(vcpu, gpa + 3 * PAGE_SIZE, 1);
	guest_write(vcpu, split, 1);
	guest_write(vcpu, at - PAGE_SIZE, 1);
	guest_write(vcpu, at, 1);
	guest_write(vcpu, split + HUGE_SIZE - PAGE_SIZE, 1);
	guest_write(vcpu, split + HUGE_SIZE, 1);
}

/* The negative control is in it: outside the shared 2M, leaves are huge. */
static bool check_split_at(struct tdp_vm *lower, struct tdp_vm *upper, u64 edge,
			   struct tdp_msg *msg)
{
	const u64 split = lower->gpa + HUGE_SIZE, next = split + HUGE_SIZE;

	return tdp_check_mapped(lower, lower->gpa, HUGE_PAGES, PG_LEVEL_2M, msg) &&
	       tdp_check_mapped(upper, next, HUGE_PAGES, PG_LEVEL_2M, msg) &&
	       tdp_check_mapped(lower, split, 1, PG_LEVEL_4K, msg) &&
	       tdp_check_mapped(lower, upper->gpa - PAGE_SIZE, 1, PG_LEVEL_4K, msg) &&
	       tdp_check_mapped(upper, upper->gpa, 1, PG_LEVEL_4K, msg) &&
	       tdp_check_mapped(upper, next - PAGE_SIZE, 1, PG_LEVEL_4K, msg) &&
	       (edge < 3 || tdp_check_absent(lower->vcpu, split + PAGE_SIZE,
					     edge - 2, msg)) &&
	       (edge > HUGE_PAGES - 3 ||
		tdp_check_absent(lower->vcpu, upper->gpa + PAGE_SIZE,
				 HUGE_PAGES - 2 - edge, msg));
}

#define EXPECT_SPLIT_AT(...)	__TDP_JUDGE(0, check_split_at, __VA_ARGS__)

static const u64 edges[] = { 1, 256, 511 };

/* Rules: slot.adjacent huge.slot-edge */
TEST_F(memslot_huge, adjacent)
{
	struct tdp_vm a, b, lower, upper, *t = &self->t;
	u64 i;

	guest_map(t->vm, t->gpa, 3 * HUGE_SIZE);
	a = huge_memory(t, 3);
	b = huge_memory(t, 3);
	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		lower = part(&a, 0, HUGE_PAGES + edges[i]);
		upper = part(&b, lower.npages, b.npages - lower.npages);
		tdp_slot_set(&lower, TDP_SLOT, 0);
		tdp_slot_set(&upper, TDP_SLOT2, 0);
		touch_edges(t->vcpu, t->gpa, edges[i]);
		EXPECT_SPLIT_AT(&lower, &upper, edges[i]);
		tdp_slot_delete(t, TDP_SLOT);
		tdp_slot_delete(t, TDP_SLOT2);
	}
}

/* Rules: slot.adjacent huge.slot-edge */
TEST_F(memslot_huge, adjacent_same_memory)
{
	struct tdp_vm a, lower, upper, *t = &self->t;
	u64 i;

	guest_map(t->vm, t->gpa, 3 * HUGE_SIZE);
	a = huge_memory(t, 3);
	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		lower = part(&a, 0, HUGE_PAGES + edges[i]);
		/* Even the 2M leaf that must not be would have these PFNs. */
		upper = part(&a, lower.npages, a.npages - lower.npages);
		tdp_slot_set(&lower, TDP_SLOT, 0);
		tdp_slot_set(&upper, TDP_SLOT2, 0);
		touch_edges(t->vcpu, t->gpa, edges[i]);
		EXPECT_SPLIT_AT(&lower, &upper, edges[i]);
		tdp_slot_delete(t, TDP_SLOT);
		tdp_slot_delete(t, TDP_SLOT2);
	}
}

/*
 * A slot that starts 4K too high has whole 2M ranges all the same: only the
 * memory behind them is not where a huge page begins.
 */
/* Rules: slot.alias huge.alignment */
TEST_F(memslot_huge, alias)
{
	struct tdp_vm a, incongruent, *t = &self->t;
	const u64 range = FAR_GPA + HUGE_SIZE;

	guest_map(t->vm, t->gpa, 2 * HUGE_SIZE);
	a = huge_memory(t, 2);
	tdp_slot_set(&a, TDP_SLOT, 0);
	incongruent = add_alias(&a, FAR_GPA + PAGE_SIZE);

	guest_write(t->vcpu, a.gpa, 1);
	guest_write_pages(t->vcpu, range, 16, 1);
	EXPECT_TDP_MAPPED(&a, a.gpa, HUGE_PAGES, PG_LEVEL_2M);
	EXPECT_TDP_MAPPED(&incongruent, range, 16, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(t->vcpu, range + 16 * PAGE_SIZE, HUGE_PAGES - 16);

	/* The first of them is the last of the lower huge page. */
	drop_pages(&a, 0, HUGE_PAGES);
	EXPECT_TDP_ABSENT(t->vcpu, a.gpa, 2 * HUGE_PAGES);
	EXPECT_TDP_ABSENT(t->vcpu, range, 1);
	EXPECT_TDP_MAPPED(&incongruent, range + PAGE_SIZE, 15, PG_LEVEL_4K);

	guest_write(t->vcpu, range, 1);
	guest_write(t->vcpu, a.gpa, 1);
	EXPECT_TDP_MAPPED(&a, a.gpa, HUGE_PAGES, PG_LEVEL_2M);
	EXPECT_TDP_MAPPED(&incongruent, range, 16, PG_LEVEL_4K);
}

/* Rules: slot.recreate slot.delete huge.backing */
TEST_F(memslot_huge, recreate)
{
	struct tdp_vm huge, small, *t = &self->t;

	guest_map(t->vm, t->gpa, HUGE_SIZE);
	small = tdp_slot_memory(t, VM_MEM_SRC_ANONYMOUS, t->gpa, HUGE_PAGES);
	huge = huge_memory(t, 1);

	tdp_slot_set(&small, TDP_SLOT, 0);
	guest_write_pages(t->vcpu, t->gpa, 16, 1);
	EXPECT_TDP_MAPPED(&small, t->gpa, 16, PG_LEVEL_4K);

	tdp_slot_delete(t, TDP_SLOT);
	tdp_slot_set(&huge, TDP_SLOT, 0);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, HUGE_PAGES);
	guest_write(t->vcpu, t->gpa + 100 * PAGE_SIZE, 1);
	EXPECT_TDP_MAPPED(&huge, t->gpa, HUGE_PAGES, PG_LEVEL_2M);

	tdp_slot_delete(t, TDP_SLOT);
	tdp_slot_set(&small, TDP_SLOT, 0);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, HUGE_PAGES);
	guest_write(t->vcpu, t->gpa + 100 * PAGE_SIZE, 1);
	EXPECT_TDP_MAPPED(&small, t->gpa + 100 * PAGE_SIZE, 1, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, 100);
}

/* Rules: slot.move huge.alignment */
TEST_F(memslot_huge, move)
{
	struct tdp_vm s, *t = &self->t;
	const u64 range = t->gpa + HUGE_SIZE;

	guest_map(t->vm, t->gpa, 3 * HUGE_SIZE);
	s = huge_memory(t, 2);
	tdp_slot_set(&s, TDP_SLOT, 0);
	guest_write(t->vcpu, s.gpa, 1);
	guest_write(t->vcpu, range, 1);
	EXPECT_TDP_MAPPED(&s, s.gpa, 2 * HUGE_PAGES, PG_LEVEL_2M);

	s.gpa += PAGE_SIZE;
	tdp_slot_set(&s, TDP_SLOT, 0);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, 3 * HUGE_PAGES);
	guest_write(t->vcpu, range, 1);
	EXPECT_TDP_MAPPED(&s, range, 1, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, HUGE_PAGES);
	EXPECT_TDP_ABSENT(t->vcpu, range + PAGE_SIZE, 2 * HUGE_PAGES - 1);

	s.gpa = range;
	tdp_slot_set(&s, TDP_SLOT, 0);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, 3 * HUGE_PAGES);
	guest_write(t->vcpu, s.gpa + PAGE_SIZE, 1);
	EXPECT_TDP_MAPPED(&s, s.gpa, HUGE_PAGES, PG_LEVEL_2M);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, HUGE_PAGES);
}

/* Rules: slot.flags */
TEST_F(memslot_huge, dirty_logging)
{
	struct tdp_vm s, *t = &self->t;
	const u64 written = t->gpa + 77 * PAGE_SIZE;
	const u64 next = t->gpa + HUGE_SIZE;

	guest_map(t->vm, t->gpa, 2 * HUGE_SIZE);
	s = huge_memory(t, 2);
	tdp_slot_set(&s, TDP_SLOT, 0);
	guest_write(t->vcpu, s.gpa, 1);
	EXPECT_TDP_MAPPED(&s, s.gpa, HUGE_PAGES, PG_LEVEL_2M);

	/* One page was mapped before, the other is not until now. */
	tdp_slot_set(&s, TDP_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	guest_write(t->vcpu, written, 1);
	guest_write(t->vcpu, next, 1);
	EXPECT_TDP_MAPPED(&s, written, 1, PG_LEVEL_4K);
	EXPECT_TDP_MAPPED(&s, next, 1, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(t->vcpu, next + PAGE_SIZE, HUGE_PAGES - 1);

	tdp_slot_set(&s, TDP_SLOT, 0);
	guest_write(t->vcpu, written + PAGE_SIZE, 1);
	guest_write(t->vcpu, next + PAGE_SIZE, 1);
	EXPECT_TDP_MAPPED(&s, s.gpa, 2 * HUGE_PAGES, PG_LEVEL_2M);
}

TDP_HARNESS_MAIN
