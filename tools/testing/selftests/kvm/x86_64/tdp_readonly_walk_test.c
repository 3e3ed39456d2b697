// SPDX-License-Identifier: GPL-2.0
/*
 * A walk changes nothing: a million walks leave every fact as it was that can
 * be told about the pages, KVM's tables and KVM's counters.
 *
 * SPTEs are compared as the probe reads them, so a method that changed one on
 * each walk could hide it from that comparison.  The host's aging of pages and
 * KVM's dirty log are asked as well: both are KVM's own answers.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "tdp_test.h"

/* Pages of slot 0 that are compared too: the guest's own code and tables. */
#define OTHER_PAGES	512

/* A number that no array of facts reaches. */
#define MAX_WORDS	(SZ_64K / sizeof(u64))

/* What is compared, each an array of 64-bit words. */
enum fact {
	SPTES,
	VM_STATS,
	VCPU_STATS,
	PAGEMAP,
	GMEM,
	NR_FACTS,
};

static const char * const fact_names[] = {
	"SPTE", "VM statistics", "vCPU statistics", "pagemap", "guest_memfd",
};

struct snapshot {
	u64 words[NR_FACTS][MAX_WORDS];
	u64 nr[NR_FACTS];
};

static void read_sptes(struct tdp_vm *t, u64 gpa, u64 nr, u64 *words)
{
	struct kvm_tdp_walk_entry *entries = calloc(nr, sizeof(*entries));
	u64 i;

	TDP_ASSERT(entries, "No memory for %lu answers", nr);
	tdp_walk_range(t->vcpu, KVM_TDP_WALK_TABLE, false, gpa, PAGE_SIZE, nr,
		       entries);
	for (i = 0; i < nr; i++)
		words[i] = entries[i].spte;
	free(entries);
}

/* Raw, with the soft-dirty and all other flags. */
static void read_pagemap(const void *hva, u64 nr, u64 *words)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ssize_t size = nr * sizeof(*words);

	TDP_ASSERT(pread(fd, words, size, (uintptr_t)hva / PAGE_SIZE *
			 sizeof(*words)) == size,
		   "Cannot read /proc/self/pagemap: %s", strerror(errno));
	close(fd);
}

static u64 read_stats(int fd, u64 *words)
{
	ssize_t size = pread(fd, words, MAX_WORDS * sizeof(*words), 0);

	TDP_ASSERT(size > 0 && size < (ssize_t)(MAX_WORDS * sizeof(*words)),
		   "Got %zd bytes of statistics", size);
	close(fd);
	return DIV_ROUND_UP(size, sizeof(*words));
}

static struct snapshot *take_snapshot(struct tdp_vm *t)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	TDP_ASSERT(s && t->npages + OTHER_PAGES <= MAX_WORDS,
		   "No room for %lu pages", t->npages);

	read_sptes(t, t->gpa, t->npages, s->words[SPTES]);
	read_sptes(t, 0, OTHER_PAGES, s->words[SPTES] + t->npages);
	s->nr[SPTES] = t->npages + OTHER_PAGES;

	s->nr[VM_STATS] = read_stats(vm_get_stats_fd(t->vm), s->words[VM_STATS]);
	s->nr[VCPU_STATS] = read_stats(vcpu_get_stats_fd(t->vcpu),
				       s->words[VCPU_STATS]);

	read_pagemap(t->hva, t->npages, s->words[PAGEMAP]);
	s->nr[PAGEMAP] = t->npages;

	if (t->gmem_fd >= 0) {
		tdp_gmem_pfns(t->gmem_fd, 0, t->npages, s->words[GMEM]);
		s->nr[GMEM] = t->npages;
	}
	return s;
}

/* Return: number of the first word that differs, or MAX_WORDS. */
static u64 first_change(const struct snapshot *a, const struct snapshot *b,
			enum fact fact)
{
	u64 i;

	for (i = 0; i < a->nr[fact]; i++)
		if (a->words[fact][i] != b->words[fact][i])
			return i;
	return a->nr[fact] == b->nr[fact] ? MAX_WORDS : i;
}

/* Return: a bit for each fact that differs. */
static unsigned int changes(const struct snapshot *a, const struct snapshot *b)
{
	unsigned int fact, mask = 0;

	for (fact = 0; fact < NR_FACTS; fact++)
		if (first_change(a, b, fact) != MAX_WORDS)
			mask |= BIT(fact);
	return mask;
}

static bool nothing_changed(const struct snapshot *a, const struct snapshot *b,
			    struct tdp_msg *msg)
{
	unsigned int mask = changes(a, b), fact = mask ? __builtin_ctz(mask) : 0;
	u64 i;

	if (!mask)
		return true;

	i = first_change(a, b, fact);
	snprintf(msg->text, sizeof(msg->text),
		 "Wanted nothing to change, but word %lu of %s was 0x%lx and is 0x%lx",
		 i, fact_names[fact], a->words[fact][i], b->words[fact][i]);
	return false;
}

#define EXPECT_NOTHING_CHANGED(a, b)	__TDP_JUDGE(0, nothing_changed, a, b)

#define SPTE_ADDRESS	GENMASK_ULL(51, 12)

/* Which bits a walk could change, if it changed any: all but the address. */
static u64 spte_flags(u64 spte)
{
	return spte & ~SPTE_ADDRESS;
}

/* How many walks there were, and how many of them found a leaf. */
struct tally {
	u64 walks;
	u64 mapped;
};

static void count_walks(struct tally *tally,
			const struct kvm_tdp_walk_entry *entries, u64 nr)
{
	u64 i;

	tally->walks += nr;
	for (i = 0; i < nr; i++)
		tally->mapped += entries[i].ret > 0;
}

/*
 * Walk @nr GPAs that are spread evenly over the slot, and slot 0, by every
 * method and in both views.
 */
static struct tally walk_much(struct tdp_vm *t, u64 nr)
{
	struct kvm_tdp_walk_entry *entries = calloc(nr, sizeof(*entries));
	u64 stride = t->npages * PAGE_SIZE / nr;
	struct tally tally = {};
	int method, is_private;

	TDP_ASSERT(entries && stride, "Cannot walk %lu GPAs", nr);
	for (method = 0; method < KVM_TDP_WALK_NR_METHODS; method++) {
		if (!tdp_has_method(method))
			continue;
		for (is_private = 0; is_private < 2; is_private++) {
			tdp_walk_range(t->vcpu, method, is_private, 0,
				       PAGE_SIZE, OTHER_PAGES, entries);
			tdp_walk_range(t->vcpu, method, is_private, t->gpa,
				       stride, nr, entries);
			count_walks(&tally, entries, nr);
		}
	}
	free(entries);
	return tally;
}

/* What was done to a leaf of the slot before walks begin, in turns. */
enum state {
	ABSENT,
	PREFAULTED,
	READ,
	WRITTEN,
	NR_STATES,
};

FIXTURE(readonly) {
	struct tdp_vm t;
};

/* The slot has nr_leaves leaves, each range walk over it nr_gpas GPAs. */
FIXTURE_VARIANT(readonly) {
	struct tdp_mem mem;
	enum vm_mem_backing_src_type src;
	int level;
	u64 nr_leaves;
	u64 nr_gpas;
};

/* Four range walks of this size are the million; a slow host does fewer. */
FIXTURE_VARIANT_ADD(readonly, default_vm_4k) {
	.mem = TDP_MEM_DEFAULT,
	.src = VM_MEM_SRC_ANONYMOUS,
	.level = PG_LEVEL_4K,
	.nr_leaves = 64,
	.nr_gpas = KVM_TDP_WALK_MAX_COUNT,
};

FIXTURE_VARIANT_ADD(readonly, sw_protected_shared_4k) {
	.mem = TDP_MEM_SW_PROTECTED_SHARED,
	.src = VM_MEM_SRC_ANONYMOUS,
	.level = PG_LEVEL_4K,
	.nr_leaves = 64,
	.nr_gpas = SZ_8K,
};

FIXTURE_VARIANT_ADD(readonly, sw_protected_private_4k) {
	.mem = TDP_MEM_SW_PROTECTED_PRIVATE,
	.src = VM_MEM_SRC_ANONYMOUS,
	.level = PG_LEVEL_4K,
	.nr_leaves = 64,
	.nr_gpas = SZ_8K,
};

FIXTURE_VARIANT_ADD(readonly, default_vm_2m) {
	.mem = TDP_MEM_DEFAULT,
	.src = VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB,
	.level = PG_LEVEL_2M,
	.nr_leaves = 8,
	.nr_gpas = SZ_8K,
};

static u64 leaf_spte(const struct snapshot *s, int level, u64 leaf)
{
	return s->words[SPTES][leaf * tdp_level_pages(level)];
}

/*
 * A page that the process may not write is mapped by a clean SPTE.  Private
 * memory is no memory of the process, and always writable.
 */
static void make_state(struct tdp_vm *t, int level, u64 leaf)
{
	u64 size = tdp_level_size(level), gpa = t->gpa + leaf * size;

	switch (leaf % NR_STATES) {
	case PREFAULTED:
		tdp_prefault(t->vcpu, gpa, size);
		break;
	case READ:
		TDP_ASSERT(!mprotect(t->hva + leaf * size, size, PROT_READ),
			   "mprotect() failed: %s", strerror(errno));
		guest_read(t->vcpu, gpa);
		break;
	case WRITTEN:
		guest_write(t->vcpu, gpa, leaf);
		break;
	}
}

/* Let soft-dirty bits differ from page to page, where the kernel has them. */
static void forget_soft_dirty(struct tdp_vm *t)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	u64 i;

	TDP_ASSERT(fd >= 0, "Cannot open /proc/self/clear_refs");
	if (write(fd, "4", 1) == 1)
		for (i = 0; i < t->npages; i += 2)
			memset(t->hva + i * PAGE_SIZE, 0, PAGE_SIZE);
	close(fd);
}

FIXTURE_SETUP(readonly)
{
	struct tdp_vm *t = &self->t;
	u64 leaf;

	TDP_SETUP_SLOT(t, &variant->mem, variant->src, TDP_GPA,
		       variant->nr_leaves * tdp_level_pages(variant->level));
	tdp_vm_touch(t);
	forget_soft_dirty(t);
	for (leaf = 0; leaf < variant->nr_leaves; leaf++)
		make_state(t, variant->level, leaf);
}

FIXTURE_TEARDOWN(readonly)
{
	tdp_vm_free(&self->t);
}

/*
 * Comparing means something only if what is compared differs from state to state
 * before the first walk.
 */
static bool states_differ(struct tdp_vm *t, const struct snapshot *s, int level,
			  struct tdp_msg *msg)
{
	u64 prefaulted = spte_flags(leaf_spte(s, level, PREFAULTED));
	u64 read = spte_flags(leaf_spte(s, level, READ));
	u64 written = spte_flags(leaf_spte(s, level, WRITTEN));

	snprintf(msg->text, sizeof(msg->text),
		 "Wanted SPTEs that differ, got flags 0x%lx, read 0x%lx, written 0x%lx",
		 prefaulted, read, written);
	return prefaulted != read && (t->mem.is_private || read != written);
}

#define ASSERT_STATES_DIFFER(...)	__TDP_JUDGE(1, states_differ, __VA_ARGS__)

/* Still as many to each leaf. */
static u64 nr_for_host(u64 nr)
{
	u64 enough = tdp_repeat(nr);

	while (nr > enough)
		nr /= 2;
	return nr;
}

/* Rules: walk.changes-nothing walk.methods-agree */
TEST_F(readonly, million_walks)
{
	struct snapshot *before, *after;
	struct tdp_vm *t = &self->t;
	struct tally tally;

	before = take_snapshot(t);
	ASSERT_STATES_DIFFER(t, before, variant->level);
	tally = walk_much(t, nr_for_host(variant->nr_gpas));
	after = take_snapshot(t);

	EXPECT_NOTHING_CHANGED(before, after);
	EXPECT_TDP_AGREE(t->vcpu, t->gpa, PAGE_SIZE, t->npages);
	EXPECT_TDP_MAPPED(t, t->gpa + READ * tdp_level_size(variant->level),
			  tdp_level_pages(variant->level), variant->level);
	EXPECT_EQ(tally.walks / NR_STATES * (NR_STATES - 1), tally.mapped);
	TH_LOG("%lu walks, %lu of them to a leaf", tally.walks, tally.mapped);
}

/*
 * Negative controls: an access by the guest is noticed, by the accessed bit, and
 * so is a change of each of the other facts.
 */
/* Rules: walk.changes-nothing map.access map.prefault map.stats */
TEST_F(readonly, changes_are_noticed)
{
	u64 size = tdp_level_size(variant->level), old, new;
	struct snapshot *one, *two, *three, *four, *five;
	struct tdp_vm *t = &self->t;

	one = take_snapshot(t);
	guest_read(t->vcpu, t->gpa + PREFAULTED * size);
	two = take_snapshot(t);
	old = leaf_spte(one, variant->level, PREFAULTED);
	new = leaf_spte(two, variant->level, PREFAULTED);
	EXPECT_NE(old, new);
	EXPECT_EQ(old & SPTE_ADDRESS, new & SPTE_ADDRESS);
	EXPECT_EQ(BIT(SPTES) | BIT(VCPU_STATS),
		  changes(one, two) & (BIT(SPTES) | BIT(VCPU_STATS)));

	tdp_prefault(t->vcpu, t->gpa + ABSENT * size, size);
	three = take_snapshot(t);
	EXPECT_EQ(BIT(SPTES) | BIT(VM_STATS),
		  changes(two, three) & (BIT(SPTES) | BIT(VM_STATS)));

	ASSERT_EQ(0, madvise(t->hva + (NR_STATES + ABSENT) * size, size,
			     MADV_DONTNEED));
	four = take_snapshot(t);
	EXPECT_EQ(BIT(PAGEMAP), changes(three, four) & (BIT(PAGEMAP) | BIT(SPTES)));

	if (!t->mem.gmem)
		return;
	ASSERT_EQ(0, fallocate(t->gmem_fd, FALLOC_FL_KEEP_SIZE, 0,
			       t->npages * PAGE_SIZE));
	five = take_snapshot(t);
	EXPECT_EQ(BIT(GMEM), changes(four, five) & (BIT(GMEM) | BIT(SPTES)));
}

/* What the host's aging of pages sees: its own page tables and KVM's. */
#define IDLE_BITMAP	"/sys/kernel/mm/page_idle/bitmap"
#define IDLE_PAGES	128

FIXTURE(idle) {
	struct tdp_vm t;
	u64 pfns[IDLE_PAGES];
	int fd;
};

/* Private memory is on no list that the host ages. */
TDP_VM_VARIANTS(idle);

FIXTURE_SETUP(idle)
{
	struct tdp_vm *t = &self->t;

	self->fd = open(IDLE_BITMAP, O_RDWR | O_CLOEXEC);
	TDP_REQUIRE(self->fd >= 0, "no " IDLE_BITMAP ": CONFIG_IDLE_PAGE_TRACKING");
	TDP_SETUP_SLOT(t, &variant->mem, VM_MEM_SRC_ANONYMOUS, TDP_GPA,
		       IDLE_PAGES);
	tdp_vm_touch(t);
	guest_read_pages(t->vcpu, t->gpa, t->npages);
	tdp_vm_pfns(t, t->gpa, t->npages, false, self->pfns);
}

FIXTURE_TEARDOWN(idle)
{
	tdp_vm_free(&self->t);
	close(self->fd);
}

/* One word of the bitmap has 64 pages. */
static off_t idle_offset(u64 pfn)
{
	return pfn / 64 * sizeof(u64);
}

static void set_idle(int fd, u64 pfn)
{
	u64 word = BIT_ULL(pfn % 64);

	TDP_ASSERT(pwrite(fd, &word, sizeof(word), idle_offset(pfn)) == sizeof(word),
		   "Cannot write to " IDLE_BITMAP ": %s", strerror(errno));
}

static bool is_idle(int fd, u64 pfn)
{
	u64 word;

	TDP_ASSERT(pread(fd, &word, sizeof(word), idle_offset(pfn)) == sizeof(word),
		   "Cannot read " IDLE_BITMAP ": %s", strerror(errno));
	return word & BIT_ULL(pfn % 64);
}

/* Return: how many pages are idle; idle[i] says whether page i is. */
static int count_idle(int fd, const u64 *pfns, bool *idle)
{
	int i, nr = 0;

	for (i = 0; i < IDLE_PAGES; i++) {
		idle[i] = is_idle(fd, pfns[i]);
		nr += idle[i];
	}
	return nr;
}

/* A page is not on the list of what can age before some time after its birth. */
static int make_idle(int fd, const u64 *pfns, bool *idle)
{
	int i;

	for (i = 0; i < IDLE_PAGES; i++)
		set_idle(fd, pfns[i]);
	return count_idle(fd, pfns, idle);
}

/*
 * KVM flushes no TLB when pages age.  It does when it unmaps one, and only then
 * is the guest sure to set the accessed bit of another again.
 */
static void flush_guest_tlb(struct tdp_vm *t)
{
	TDP_ASSERT(!madvise(t->hva, PAGE_SIZE, MADV_DONTNEED),
		   "madvise() failed: %s", strerror(errno));
}

/* Rules: walk.changes-nothing */
TEST_F(idle, walks_leave_pages_idle)
{
	bool idle[IDLE_PAGES], still[IDLE_PAGES];
	struct snapshot *young, *before, *after;
	struct tdp_vm *t = &self->t;
	int i, nr;

	young = take_snapshot(t);
	nr = make_idle(self->fd, self->pfns, idle);
	ASSERT_LE(IDLE_PAGES / 2, nr);
	before = take_snapshot(t);
	EXPECT_TRUE(changes(young, before) & BIT(SPTES));

	walk_much(t, SZ_4K);
	after = take_snapshot(t);
	EXPECT_EQ(nr, count_idle(self->fd, self->pfns, still));
	EXPECT_FALSE(changes(before, after) & BIT(SPTES));

	/* Negative control. */
	for (i = IDLE_PAGES - 1; i > 1 && !idle[i]; i--)
		;
	flush_guest_tlb(t);
	guest_read(t->vcpu, t->gpa + i * PAGE_SIZE);
	EXPECT_FALSE(is_idle(self->fd, self->pfns[i]));
}

/* What KVM's dirty log sees. */
#define LOG_PAGES	128

FIXTURE(dirty_log) {
	struct tdp_vm t;
	unsigned long log[LOG_PAGES / 64];
};

/* KVM logs no slot that has a guest_memfd. */
FIXTURE_SETUP(dirty_log)
{
	const struct tdp_mem mem = TDP_MEM_DEFAULT;
	struct tdp_vm *t = &self->t;

	TDP_SETUP_SLOT(t, &mem, VM_MEM_SRC_ANONYMOUS, TDP_GPA, LOG_PAGES);
	tdp_vm_touch(t);
	vm_mem_region_set_flags(t->vm, TDP_SLOT, KVM_MEM_LOG_DIRTY_PAGES);
	guest_write_pages(t->vcpu, t->gpa, t->npages, 0);
	kvm_vm_get_dirty_log(t->vm, TDP_SLOT, self->log);
}

FIXTURE_TEARDOWN(dirty_log)
{
	tdp_vm_free(&self->t);
}

/* Return: number of pages in which the log, which is emptied, is not as said. */
static int log_differs(struct tdp_vm *t, unsigned long *log, int first,
		       int stride, int nr)
{
	int i, wrong = 0;
	bool want;

	kvm_vm_get_dirty_log(t->vm, TDP_SLOT, log);
	for (i = 0; i < LOG_PAGES; i++) {
		want = i >= first && i < first + nr * stride &&
		       !((i - first) % stride);
		wrong += test_bit(i, log) != want;
	}
	return wrong;
}

/* Rules: walk.changes-nothing */
TEST_F(dirty_log, walks_are_not_logged)
{
	struct tdp_vm *t = &self->t;

	walk_much(t, SZ_4K);
	EXPECT_EQ(0, log_differs(t, self->log, 0, 1, 0));

	guest_do(t->vcpu, GUEST_WRITE, t->gpa + PAGE_SIZE, 3 * PAGE_SIZE, 40, 1);
	walk_much(t, SZ_4K);
	EXPECT_EQ(0, log_differs(t, self->log, 1, 3, 40));

	/* Negative control: one page is told from none. */
	guest_write(t->vcpu, t->gpa + 5 * PAGE_SIZE, 1);
	EXPECT_EQ(1, log_differs(t, self->log, 0, 1, 0));
}

TDP_HARNESS_MAIN
