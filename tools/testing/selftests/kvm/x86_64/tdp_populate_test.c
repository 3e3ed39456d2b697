// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that the guest's access or KVM_PRE_FAULT_MEMORY populated: each maps
 * to its backing, and nothing beside them is mapped.
 */
#include <sys/time.h>

#include "tdp_test.h"

/* The slot has 16 pages in one page table and 16 in the next. */
#define SLOT_PAGES	32
#define SLOT_GPA	(TDP_GPA + SZ_2M - SLOT_PAGES / 2 * PAGE_SIZE)

/* How much around the slot must stay unmapped. */
#define AROUND		(64 * PAGE_SIZE)

#define ALL_PAGES	GENMASK_ULL(SLOT_PAGES - 1, 0)

/* A set of the slot's pages. */
static u64 page_set(int first, int nr)
{
	return GENMASK_ULL(first + nr - 1, first);
}

/* The pages in the set are mapped to their backing, nothing else is. */
static void expect_only(struct __test_metadata *_metadata, struct tdp_vm *t,
			u64 set)
{
	int rets[SLOT_PAGES];
	u64 pfns[SLOT_PAGES];
	struct tdp_expect want = {
		.gpa = t->gpa,
		.stride = PAGE_SIZE,
		.nr = SLOT_PAGES,
		.rets = rets,
		.pfns = pfns,
	};
	int i;

	for (i = 0; i < SLOT_PAGES; i++)
		rets[i] = set & BIT_ULL(i) ? PG_LEVEL_4K : -ENOENT;
	tdp_vm_pfns(t, t->gpa, SLOT_PAGES, t->mem.is_private, pfns);

	EXPECT_TDP_WALKS(t->vcpu, &want);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa - AROUND, AROUND / PAGE_SIZE);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa + t->npages * PAGE_SIZE,
			  AROUND / PAGE_SIZE);
}

static u64 page_gpa(struct tdp_vm *t, u64 page)
{
	return t->gpa + page * PAGE_SIZE;
}

FIXTURE(access) {
	struct tdp_vm t;
};

TDP_MEM_VARIANTS(access);

FIXTURE_SETUP(access)
{
	TDP_SETUP_SLOT(&self->t, &variant->mem, VM_MEM_SRC_ANONYMOUS, SLOT_GPA,
		       SLOT_PAGES);
}

FIXTURE_TEARDOWN(access)
{
	tdp_vm_free(&self->t);
}

/* The order mixes both page tables, ends and middles. */
static const int access_order[] = { 7, 0, 31, 15, 16, 24 };

static void expect_access(struct __test_metadata *_metadata, struct tdp_vm *t,
			  enum guest_op op)
{
	u64 set = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(access_order); i++) {
		set |= BIT_ULL(access_order[i]);
		guest_do(t->vcpu, op, page_gpa(t, access_order[i]), 0, 1, 0);
		expect_only(_metadata, t, set);
	}

	guest_do(t->vcpu, op, t->gpa, PAGE_SIZE, SLOT_PAGES, 0);
	expect_only(_metadata, t, ALL_PAGES);
}

/* Rules: map.access walk.level walk.base-pfn walk.no-child walk.one-root */
TEST_F(access, read)
{
	tdp_vm_touch(&self->t);
	expect_access(_metadata, &self->t, GUEST_READ);
}

/* Rules: map.access walk.level walk.base-pfn walk.methods-agree */
TEST_F(access, write)
{
	expect_access(_metadata, &self->t, GUEST_WRITE);
}

/* Fill the slot with something to execute, and leave nothing mapped. */
static void fill_with_rets(struct tdp_vm *t)
{
	u64 size = t->npages * PAGE_SIZE, i;

	if (!t->mem.is_private) {
		memset(t->hva, (u8)GUEST_RETS, size);
		return;
	}

	/* A conversion there and back unmaps and leaves guest_memfd alone. */
	for (i = 0; i < t->npages; i++)
		guest_write(t->vcpu, page_gpa(t, i), GUEST_RETS);
	vm_mem_set_shared(t->vm, t->gpa, size);
	vm_mem_set_private(t->vm, t->gpa, size);
}

/* Rules: map.access */
TEST_F(access, execute)
{
	fill_with_rets(&self->t);
	expect_only(_metadata, &self->t, 0);
	expect_access(_metadata, &self->t, GUEST_EXEC);
}

/*
 * Memory that nobody wrote to reads as the zero page, which a write replaces;
 * guest_memfd has none, and keeps its page.
 *
 * Rules: map.access
 */
TEST_F(access, write_after_read)
{
	struct tdp_vm *t = &self->t;
	u64 read_pfns[2], written_pfns[2];

	guest_read_pages(t->vcpu, t->gpa, 2);
	EXPECT_TDP_MAPPED(t, t->gpa, 2, PG_LEVEL_4K);
	tdp_vm_pfns(t, t->gpa, 2, t->mem.is_private, read_pfns);

	guest_write_pages(t->vcpu, t->gpa, 2, 1);
	EXPECT_TDP_MAPPED(t, t->gpa, 2, PG_LEVEL_4K);
	tdp_vm_pfns(t, t->gpa, 2, t->mem.is_private, written_pfns);

	EXPECT_NE(written_pfns[0], written_pfns[1]);
	EXPECT_EQ(read_pfns[0] == read_pfns[1], !t->mem.is_private);
	EXPECT_EQ(read_pfns[0] == written_pfns[0], t->mem.is_private);
	EXPECT_EQ(read_pfns[1] == written_pfns[1], t->mem.is_private);
	EXPECT_EQ(guest_read(t->vcpu, t->gpa), 1);
}

/*
 * The last pages that a guest can have, where a walk must not take the step
 * past the end.
 *
 * Rules: map.access walk.beyond walk.level
 */
TEST_F(access, last_pages)
{
	struct tdp_vm *t = &self->t;
	u64 end = (t->vm->max_gfn + 1) * PAGE_SIZE;

	vm_mem_region_delete(t->vm, TDP_SLOT);
	tdp_vm_add_slot(t, VM_MEM_SRC_ANONYMOUS, end - 4 * PAGE_SIZE, 4);

	guest_write(t->vcpu, end - PAGE_SIZE, 1);
	EXPECT_TDP_MAPPED(t, end - PAGE_SIZE, 1, PG_LEVEL_4K);
	EXPECT_TDP_ABSENT(t->vcpu, end - 4 * PAGE_SIZE, 3);
	EXPECT_TDP_ABSENT(t->vcpu, end, 512);
	EXPECT_TDP_ABSENT(t->vcpu, SLOT_GPA, SLOT_PAGES);
}

#define REQUIRE_PREFAULT()						\
	TDP_REQUIRE(kvm_has_cap(KVM_CAP_PRE_FAULT_MEMORY),		\
		    "KVM does not offer KVM_PRE_FAULT_MEMORY")

/* The vCPU never runs: the ioctl has to load the root. */
FIXTURE(prefault) {
	struct tdp_vm t;
};

TDP_MEM_VARIANTS(prefault);

FIXTURE_SETUP(prefault)
{
	REQUIRE_PREFAULT();
	TDP_SETUP_IDLE_SLOT(&self->t, &variant->mem, VM_MEM_SRC_ANONYMOUS,
			    SLOT_GPA, SLOT_PAGES);
	tdp_vm_touch(&self->t);
}

FIXTURE_TEARDOWN(prefault)
{
	tdp_vm_free(&self->t);
}

/* One ioctl, whose answer, and what it leaves to do, must be this. */
static void expect_prefault(struct __test_metadata *_metadata, struct tdp_vm *t,
			    struct kvm_pre_fault_memory range, int ret, u64 done)
{
	struct kvm_pre_fault_memory got = range;

	EXPECT_EQ(__tdp_prefault(t->vcpu, &got), ret)
		TH_LOG("gpa 0x%llx size 0x%llx flags 0x%llx", range.gpa,
		       range.size, range.flags);
	EXPECT_EQ(got.gpa, range.gpa + done);
	EXPECT_EQ(got.size, range.size - done);
	EXPECT_EQ(got.flags, range.flags);
}

/* Rules: map.prefault walk.level walk.base-pfn walk.methods-agree */
TEST_F(prefault, whole_slot)
{
	const u64 size = SLOT_PAGES * PAGE_SIZE;
	struct kvm_pre_fault_memory range = { .gpa = SLOT_GPA, .size = size };
	struct tdp_vm *t = &self->t;
	struct tdp_stats before;

	ASSERT_EQ(tdp_roots(t->vcpu).roots, 0);
	expect_prefault(_metadata, t, range, 0, size);
	expect_only(_metadata, t, ALL_PAGES);

	before = tdp_stats(t->vm);
	expect_prefault(_metadata, t, range, 0, size);
	expect_only(_metadata, t, ALL_PAGES);
	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_4K), 0);
}

/* Rules: map.prefault walk.no-child walk.absent */
TEST_F(prefault, parts)
{
	static const struct {
		int first, nr;
	} parts[] = {
		{ 7, 1 }, { 0, 1 }, { 31, 1 }, { 12, 8 }, { 15, 1 }, { 16, 1 },
		{ 2, 3 }, { 24, 8 }, { 0, SLOT_PAGES },
	};
	struct tdp_vm *t = &self->t;
	u64 set = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		const u64 size = parts[i].nr * PAGE_SIZE;
		struct kvm_pre_fault_memory range = {
			.gpa = page_gpa(t, parts[i].first),
			.size = size,
		};

		set |= page_set(parts[i].first, parts[i].nr);
		expect_prefault(_metadata, t, range, 0, size);
		expect_only(_metadata, t, set);
	}
}

/* Rules: map.prefault-errno walk.absent */
TEST_F(prefault, bad_input)
{
	static const struct kvm_pre_fault_memory bad[] = {
		{ SLOT_GPA, 0 },
		{ SLOT_GPA + 1, PAGE_SIZE },
		{ SLOT_GPA + PAGE_SIZE / 2, PAGE_SIZE },
		{ SLOT_GPA, 1 },
		{ SLOT_GPA, PAGE_SIZE - 1 },
		{ SLOT_GPA, PAGE_SIZE + 1 },
		{ SLOT_GPA, PAGE_SIZE, 1 },
		{ SLOT_GPA, PAGE_SIZE, BIT_ULL(31) },
		{ SLOT_GPA, PAGE_SIZE, BIT_ULL(63) },
		{ SLOT_GPA, -SLOT_GPA },
		{ SLOT_GPA, -PAGE_SIZE },
		{ -PAGE_SIZE, PAGE_SIZE },
		{ -PAGE_SIZE, 2 * PAGE_SIZE },
	};
	struct tdp_vm *t = &self->t;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		expect_prefault(_metadata, t, bad[i], -EINVAL, 0);
	EXPECT_EQ(__vcpu_ioctl(t->vcpu, KVM_PRE_FAULT_MEMORY,
			       (struct kvm_pre_fault_memory *)NULL), -1);
	EXPECT_EQ(errno, EFAULT);
	expect_only(_metadata, t, 0);
}

/* Rules: map.prefault-errno walk.no-slot walk.mmio */
TEST_F(prefault, no_slot)
{
	struct tdp_vm *t = &self->t;
	const u64 gpas[] = {
		t->gpa - PAGE_SIZE, page_gpa(t, SLOT_PAGES), SZ_1G,
		TDP_GPA + SZ_1G, BIT_ULL(t->vm->pa_bits) - PAGE_SIZE,
	};
	struct kvm_pre_fault_memory range = { .size = PAGE_SIZE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(gpas); i++) {
		range.gpa = gpas[i];
		expect_prefault(_metadata, t, range, -ENOENT, 0);
		EXPECT_TDP_ABSENT(t->vcpu, range.gpa, 1);
	}

	range.gpa = t->gpa - PAGE_SIZE;
	range.size = 2 * PAGE_SIZE;
	expect_prefault(_metadata, t, range, -ENOENT, 0);
	expect_only(_metadata, t, 0);
}

/* Rules: map.prefault-progress map.prefault-errno walk.no-slot */
TEST_F(prefault, past_slot_end)
{
	struct tdp_vm *t = &self->t;
	struct kvm_pre_fault_memory range = {
		.gpa = page_gpa(t, SLOT_PAGES - 4),
		.size = 8 * PAGE_SIZE,
	};

	expect_prefault(_metadata, t, range, 0, 4 * PAGE_SIZE);
	expect_only(_metadata, t, page_set(SLOT_PAGES - 4, 4));

	range.gpa += 4 * PAGE_SIZE;
	range.size -= 4 * PAGE_SIZE;
	expect_prefault(_metadata, t, range, -ENOENT, 0);
	expect_only(_metadata, t, page_set(SLOT_PAGES - 4, 4));
}

/*
 * One page without a slot between two slots: what lies behind it is not
 * reached.
 *
 * Rules: map.prefault-progress walk.no-slot
 */
TEST_F(prefault, gap)
{
	struct tdp_vm *t = &self->t;
	u64 gap = page_gpa(t, SLOT_PAGES), behind = gap + PAGE_SIZE;
	struct kvm_pre_fault_memory range = {
		.gpa = t->gpa,
		.size = (SLOT_PAGES + 1 + 4) * PAGE_SIZE,
	};

	vm_userspace_mem_region_add(t->vm, VM_MEM_SRC_ANONYMOUS, behind,
				    TDP_SLOT + 1, 4, 0);
	expect_prefault(_metadata, t, range, 0, SLOT_PAGES * PAGE_SIZE);
	expect_only(_metadata, t, ALL_PAGES);

	range.gpa = behind;
	range.size = 4 * PAGE_SIZE;
	expect_prefault(_metadata, t, range, 0, range.size);
	EXPECT_TDP_ABSENT(t->vcpu, gap, 1);
	EXPECT_TDP_LEAF(t->vcpu, behind, PG_LEVEL_4K,
			tdp_hva_pfn(addr_gpa2hva(t->vm, behind)));
}

static void ignore_signal(int signal)
{
}

/* One pre-fault that a signal may cut short; yields how far it came. */
static u64 interrupted_prefault(struct __test_metadata *_metadata,
				struct tdp_vm *t, u64 usec)
{
	const struct itimerval timer = { .it_value.tv_usec = usec };
	struct kvm_pre_fault_memory range = {
		.gpa = t->gpa,
		.size = t->npages * PAGE_SIZE,
	};
	int r;

	ASSERT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
	r = __tdp_prefault(t->vcpu, &range);
	EXPECT_EQ(r, range.gpa == t->gpa ? -EINTR : 0);
	EXPECT_EQ(range.gpa + range.size, t->gpa + t->npages * PAGE_SIZE);
	return (range.gpa - t->gpa) / PAGE_SIZE;
}

static void expect_prefix(struct __test_metadata *_metadata, struct tdp_vm *t,
			  u64 done)
{
	if (done)
		EXPECT_TDP_MAPPED(t, t->gpa, done, PG_LEVEL_4K);
	if (done < t->npages)
		EXPECT_TDP_ABSENT(t->vcpu, page_gpa(t, done), t->npages - done);
}

/*
 * What a signal interrupts has got exactly as far as it says.  When the signal
 * comes is up to the host: try ever shorter times until it comes in time.
 *
 * Rules: map.prefault-progress
 */
TEST_F(prefault, interrupted)
{
	const struct sigaction action = { .sa_handler = ignore_signal };
	struct tdp_vm *t = &self->t;
	u64 usec, done = 0;

	vm_mem_region_delete(t->vm, TDP_SLOT);
	tdp_vm_add_slot(t, VM_MEM_SRC_ANONYMOUS, TDP_GPA + SZ_1G, 512);
	ASSERT_EQ(sigaction(SIGALRM, &action, NULL), 0);

	for (usec = 4096; usec; usec /= 2) {
		done = interrupted_prefault(_metadata, t, usec);
		expect_prefix(_metadata, t, done);
		if (done && done < t->npages)
			break;
		vm_mem_region_reload(t->vm, TDP_SLOT);
		EXPECT_TDP_ABSENT(t->vcpu, t->gpa, t->npages);
	}
	TDP_REQUIRE(usec, "no signal came in the middle of a pre-fault");

	tdp_prefault(t->vcpu, t->gpa, t->npages * PAGE_SIZE);
	expect_prefix(_metadata, t, t->npages);
}

/* Pre-faults, and the guest's accesses after them. */
FIXTURE(prefault_run) {
	struct tdp_vm t;
};

TDP_MEM_VARIANTS(prefault_run);

FIXTURE_SETUP(prefault_run)
{
	REQUIRE_PREFAULT();
	TDP_SETUP_SLOT(&self->t, &variant->mem, VM_MEM_SRC_ANONYMOUS, SLOT_GPA,
		       SLOT_PAGES);
}

FIXTURE_TEARDOWN(prefault_run)
{
	tdp_vm_free(&self->t);
}

/*
 * Pre-faulting reads: it maps the zero page where nobody wrote, and leaves the
 * copy to the first write.
 *
 * Rules: map.prefault
 */
TEST_F(prefault_run, untouched_memory)
{
	struct tdp_vm *t = &self->t;
	u64 before[2], after;

	tdp_prefault(t->vcpu, t->gpa, 2 * PAGE_SIZE);
	expect_only(_metadata, t, page_set(0, 2));
	tdp_vm_pfns(t, t->gpa, 2, t->mem.is_private, before);
	EXPECT_EQ(before[0] == before[1], !t->mem.is_private);

	guest_write(t->vcpu, t->gpa, 1);
	expect_only(_metadata, t, page_set(0, 2));
	tdp_vm_pfns(t, t->gpa, 1, t->mem.is_private, &after);
	EXPECT_EQ(before[0] == after, t->mem.is_private);
}

/* Rules: map.prefault walk.level */
TEST_F(prefault_run, gpa_zero)
{
	struct tdp_vm *t = &self->t;

	tdp_prefault(t->vcpu, 0, PAGE_SIZE);
	EXPECT_TDP_LEAF(t->vcpu, 0, PG_LEVEL_4K,
			tdp_hva_pfn(addr_gpa2hva(t->vm, 0)));
	EXPECT_TDP_ABSENT(t->vcpu, PAGE_SIZE, 511);
}

static u64 accessed_bit(void)
{
	return host_cpu_is_intel ? BIT_ULL(8) : BIT_ULL(5);
}

/* The set of the slot's pages that the page tables say were accessed. */
static u64 accessed_pages(struct tdp_vm *t)
{
	struct kvm_tdp_walk_entry entries[SLOT_PAGES];
	u64 set = 0;
	int i;

	tdp_walk_range(t->vcpu, KVM_TDP_WALK_TABLE, false, t->gpa, PAGE_SIZE,
		       SLOT_PAGES, entries);
	for (i = 0; i < SLOT_PAGES; i++)
		if (entries[i].spte & accessed_bit())
			set |= BIT_ULL(i);
	return set;
}

/* Rules: map.prefault-accessed */
TEST_F(prefault_run, not_accessed)
{
	struct tdp_vm *t = &self->t;

	TDP_REQUIRE(!host_cpu_is_intel ||
		    tdp_read_line("/sys/module/kvm_intel/parameters/eptad")[0] == 'Y',
		    "EPT has no accessed bits on this host");

	tdp_prefault(t->vcpu, t->gpa, SLOT_PAGES * PAGE_SIZE);
	expect_only(_metadata, t, ALL_PAGES);
	EXPECT_EQ(accessed_pages(t), 0);

	guest_read(t->vcpu, page_gpa(t, 3));
	EXPECT_EQ(accessed_pages(t), BIT_ULL(3));

	/* What the guest did is not forgotten, either. */
	tdp_prefault(t->vcpu, t->gpa, SLOT_PAGES * PAGE_SIZE);
	EXPECT_EQ(accessed_pages(t), BIT_ULL(3));
}

FIXTURE(stats) {
	struct tdp_vm t;
};

FIXTURE_VARIANT(stats) {
	struct tdp_mem mem;
	enum vm_mem_backing_src_type src;
	int level;
	u64 leaves;
};

TDP_MEM_VARIANTS_OF(stats, 4k, .src = VM_MEM_SRC_ANONYMOUS,
		    .level = PG_LEVEL_4K, .leaves = 32);
TDP_VM_VARIANTS_OF(stats, 2m, .src = VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB,
		   .level = PG_LEVEL_2M, .leaves = 3);

FIXTURE_SETUP(stats)
{
	REQUIRE_PREFAULT();
	TDP_SETUP_IDLE_SLOT(&self->t, &variant->mem, variant->src, TDP_GPA,
			    variant->leaves * tdp_level_pages(variant->level));
}

FIXTURE_TEARDOWN(stats)
{
	tdp_vm_free(&self->t);
}

/* No level but this one has leaves, and it has so many. */
static void expect_stats(struct __test_metadata *_metadata, struct tdp_vm *t,
			 int level, u64 leaves)
{
	struct tdp_stats stats = tdp_stats(t->vm);
	int i;

	for (i = PG_LEVEL_4K; i <= PG_LEVEL_1G; i++) {
		EXPECT_EQ(stats.pages[i], i == level ? leaves : 0)
			TH_LOG("Leaves of level %d (%s)", i, tdp_level_name(i));
	}
}

/*
 * No guest runs, so the slot has all leaves of the VM.
 *
 * Rules: map.stats
 */
TEST_F(stats, count_leaves)
{
	u64 size = tdp_level_size(variant->level), i;
	struct tdp_vm *t = &self->t;

	expect_stats(_metadata, t, variant->level, 0);

	for (i = 0; i < variant->leaves; i++) {
		tdp_prefault(t->vcpu, t->gpa + i * size, PAGE_SIZE);
		EXPECT_TDP_MAPPED(t, t->gpa + i * size, 1, variant->level);
		expect_stats(_metadata, t, variant->level, i + 1);
	}

	vm_mem_region_delete(t->vm, TDP_SLOT);
	expect_stats(_metadata, t, variant->level, 0);
}

TDP_HARNESS_MAIN
