// SPDX-License-Identifier: GPL-2.0
/*
 * Walks beside everything that changes mappings.
 *
 * One thread changes what a GPA may be mapped to, a vCPU and a pre-faulting
 * thread populate meanwhile, and one more thread walks.  What a walk may find
 * is written down by who changes it:
 *
 *	publish(new PFN) -> the change -> retire(old PFN)
 *
 * so that an answer has to be a PFN that was published before the walk ended
 * and not retired before it began.  All PFNs come from the host's page tables
 * and from guest_memfd's page cache; the pages stay where they are.
 *
 * The work is counted, not timed, so it is the same on every host.  That no walk
 * makes the kernel complain is for whoever reads the kernel's log.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#include "tdp_test.h"

#define MAX_PAGES	512
#define MAX_CHANGES	64

/*
 * A thread that never pauses slows the others down on a host with few CPUs, and
 * adds rounds but no changes.
 */
#define PAUSE_USECS	100

/* A PFN that the changing thread will know and put here before long. */
#define PFN_PENDING	(TDP_NO_PFN - 1)

/* What one GPA was, is and may be mapped to: [retired, nr) of pfns now. */
struct history {
	u64 pfns[MAX_CHANGES + 1];
	u32 nr;
	u32 retired;
};

static void publish(struct history *h, u64 pfn)
{
	TDP_ASSERT(h->nr < ARRAY_SIZE(h->pfns), "More changes than planned");
	__atomic_store_n(&h->pfns[h->nr], pfn, __ATOMIC_SEQ_CST);
	__atomic_store_n(&h->nr, h->nr + 1, __ATOMIC_SEQ_CST);
}

/* All but the last @keep PFNs are gone for good. */
static void retire(struct history *h, u32 keep)
{
	__atomic_store_n(&h->retired, h->nr - keep, __ATOMIC_SEQ_CST);
}

static void settle(struct history *h, u64 pfn)
{
	if (h->nr && h->pfns[h->nr - 1] == PFN_PENDING)
		__atomic_store_n(&h->pfns[h->nr - 1], pfn, __ATOMIC_SEQ_CST);
}

static u64 history_pfn(const struct history *h, u32 i)
{
	u64 pfn;

	while ((pfn = __atomic_load_n(&h->pfns[i], __ATOMIC_SEQ_CST)) == PFN_PENDING)
		usleep(PAUSE_USECS);
	return pfn;
}

static bool history_allows(const struct history *h, u32 from, u32 to, u64 pfn)
{
	u32 i;

	for (i = from; i < to; i++)
		if (__atomic_load_n(&h->pfns[i], __ATOMIC_SEQ_CST) == pfn)
			return true;
	/* Wait for what is pending only if nothing else explains the answer. */
	for (i = from; i < to; i++)
		if (history_pfn(h, i) == pfn)
			return true;
	return false;
}

/* A walk and the part of the history that it may report. */
struct sighting {
	const struct history *h;
	u32 from;
	u32 to;
	u64 gpa;
	int max_level;
};

static bool answer_is_allowed(const struct sighting *s,
			      const struct kvm_tdp_walk_entry *entry)
{
	if (entry->ret == -ENOENT)
		return entry->pfn == TDP_NO_PFN;
	if (entry->ret < PG_LEVEL_4K || entry->ret > s->max_level ||
	    entry->level != (u32)entry->ret)
		return false;
	if (entry->pfn & (tdp_level_pages(entry->ret) - 1))
		return false;
	return history_allows(s->h, s->from, s->to, tdp_exact_pfn(entry, s->gpa));
}

enum change {
	/* The host's page tables forget pages that stay in the page cache. */
	ZAP,
	/* The slot's own memory becomes other pages. */
	REMAP,
	/* The slot goes, and comes back with other pages. */
	SLOT,
	/* Shared memory becomes private, or the reverse. */
	CONVERT,
	/* Pages of guest_memfd are freed, and others allocated. */
	PUNCH,
	/* The slot's dirty pages are logged, or no more. */
	DIRTY_LOG,
	NR_CHANGES,
};

struct page_state {
	bool is_private;
	/* Which of the two backings the slot's own memory is. */
	int backing;
};

struct walker {
	pthread_t thread;
	u64 rounds, overlaps, walks, mapped, huge, absent, moved, wrong;
	u64 last[MAX_PAGES];
	struct tdp_msg first_wrong;
};

/* A VM, what it may be mapped to, and the threads. */
struct world {
	struct tdp_vm t;
	struct kvm_vcpu *prefault_vcpu;
	int level;
	u64 rng;
	/* Added to every PFN that is published: 0 but for a control. */
	u64 lie;

	struct history history[MAX_PAGES];
	struct page_state pages[MAX_PAGES];
	bool slot_is_there;
	u32 slot_flags;
	u64 gmem_pfns[MAX_PAGES];

	/* Two sets of pages for the slot's own memory. */
	int fds[2];
	void *views[2];
	u64 pfns[2][MAX_PAGES];

	/* Odd while something is being changed. */
	u64 changing;
	bool stop;
	/* The guest runs with the lock held, and stays out if asked to. */
	pthread_mutex_t guest_lock;
	bool guest_out;
	struct walker walker;
	pthread_t guest, prefault;
	u64 guest_rounds, prefaults;
};

static u64 load(const u64 *value)
{
	return __atomic_load_n(value, __ATOMIC_SEQ_CST);
}

static void count(u64 *value)
{
	__atomic_add_fetch(value, 1, __ATOMIC_SEQ_CST);
}

/* The same numbers everywhere; each thread has its own. */
static u64 random_below(u64 *rng, u64 n)
{
	*rng = *rng * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*rng >> 33) % n;
}

/* What a page would be mapped to if it were touched now. */
static u64 reachable_pfn(struct world *w, u64 i)
{
	const struct page_state *page = &w->pages[i];

	if (!w->slot_is_there)
		return TDP_NO_PFN;
	return page->is_private ? w->gmem_pfns[i] : w->pfns[page->backing][i];
}

static void publish_range(struct world *w, u64 first, u64 nr)
{
	u64 i, pfn;

	for (i = first; i < first + nr; i++) {
		pfn = reachable_pfn(w, i);
		if (pfn != TDP_NO_PFN && pfn != PFN_PENDING)
			pfn += w->lie;
		if (pfn != TDP_NO_PFN)
			publish(&w->history[i], pfn);
	}
}

static void retire_range(struct world *w, u64 first, u64 nr)
{
	u64 i;

	for (i = first; i < first + nr; i++)
		retire(&w->history[i], reachable_pfn(w, i) != TDP_NO_PFN);
}

static void *page_hva(struct world *w, u64 i)
{
	return w->t.hva + i * PAGE_SIZE;
}

/* A huge page is replaced as a whole. */
static void to_backing_pages(struct world *w, u64 *first, u64 *nr)
{
	if (w->level == PG_LEVEL_4K)
		return;
	*first = 0;
	*nr = w->t.npages;
}

static void map_backing(struct world *w, u64 first, u64 nr)
{
	int backing = w->pages[first].backing;
	void *hva = page_hva(w, first);

	TDP_ASSERT(mmap(hva, nr * PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_FIXED, w->fds[backing],
			first * PAGE_SIZE) == hva,
		   "mmap() failed: %s", strerror(errno));
}

static void switch_backing(struct world *w, u64 first, u64 nr)
{
	int backing = !w->pages[first].backing;
	u64 i;

	for (i = first; i < first + nr; i++)
		w->pages[i].backing = backing;
}

static void set_slot(struct world *w, u64 size)
{
	struct tdp_vm *t = &w->t;

	vm_set_user_memory_region2(t->vm, TDP_SLOT, w->slot_flags, t->gpa, size,
				   t->hva, t->mem.gmem ? t->gmem_fd : 0, 0);
}

static void zap(struct world *w, u64 first, u64 nr)
{
	to_backing_pages(w, &first, &nr);
	TDP_ASSERT(!madvise(page_hva(w, first), nr * PAGE_SIZE, MADV_DONTNEED),
		   "madvise() failed: %s", strerror(errno));
}

static void remap(struct world *w, u64 first, u64 nr)
{
	to_backing_pages(w, &first, &nr);
	switch_backing(w, first, nr);
	publish_range(w, first, nr);
	map_backing(w, first, nr);
	retire_range(w, first, nr);
}

static void keep_guest_out(struct world *w)
{
	WRITE_ONCE(w->guest_out, true);
	pthread_mutex_lock(&w->guest_lock);
	WRITE_ONCE(w->guest_out, false);
}

static void let_guest_in(struct world *w)
{
	pthread_mutex_unlock(&w->guest_lock);
}

static int guest_do_unless_out(struct world *w, bool resume, u64 first, u64 stride)
{
	struct tdp_vm *t = &w->t;
	int reason;

	while (READ_ONCE(w->guest_out))
		usleep(PAUSE_USECS);

	pthread_mutex_lock(&w->guest_lock);
	if (resume)
		reason = __guest_resume(t->vcpu);
	else
		reason = __guest_do(t->vcpu, GUEST_WRITE,
				    t->gpa + first * PAGE_SIZE, stride * PAGE_SIZE,
				    DIV_ROUND_UP(t->npages - first, stride), 0);
	pthread_mutex_unlock(&w->guest_lock);
	return reason;
}

/*
 * The slot goes while it is in use.  When it comes back only one vCPU may fault
 * on it: a fault that began without a slot does not notice the new one, and KVM
 * WARNs when it then finds another vCPU's mapping in its place.
 */
static void recreate_slot(struct world *w, u64 first, u64 nr)
{
	nr = w->t.npages;
	w->slot_is_there = false;
	set_slot(w, 0);
	retire_range(w, 0, nr);

	switch_backing(w, 0, nr);
	map_backing(w, 0, nr);
	w->slot_is_there = true;
	publish_range(w, 0, nr);
	keep_guest_out(w);
	set_slot(w, nr * PAGE_SIZE);
	let_guest_in(w);
}

static void convert(struct world *w, u64 first, u64 nr)
{
	bool is_private = !w->pages[first].is_private;
	u64 i;

	for (i = first; i < first + nr; i++)
		w->pages[i].is_private = is_private;
	publish_range(w, first, nr);
	vm_set_memory_attributes(w->t.vm, w->t.gpa + first * PAGE_SIZE,
				 nr * PAGE_SIZE,
				 is_private ? KVM_MEMORY_ATTRIBUTE_PRIVATE : 0);
	retire_range(w, first, nr);
}

static void gmem_fallocate(struct world *w, int mode, u64 first, u64 nr)
{
	TDP_ASSERT(!fallocate(w->t.gmem_fd, FALLOC_FL_KEEP_SIZE | mode,
			      first * PAGE_SIZE, nr * PAGE_SIZE),
		   "fallocate() of guest_memfd failed: %s", strerror(errno));
}

/*
 * Which pages come after the hole is known only when they are there, and a
 * vCPU may be faster.  But one set it is, whoever allocates it.
 */
static void punch_hole(struct world *w, u64 first, u64 nr)
{
	u64 i;

	for (i = first; i < first + nr; i++)
		w->gmem_pfns[i] = PFN_PENDING;
	publish_range(w, first, nr);
	gmem_fallocate(w, FALLOC_FL_PUNCH_HOLE, first, nr);
	retire_range(w, first, nr);

	gmem_fallocate(w, 0, first, nr);
	tdp_gmem_pfns(w->t.gmem_fd, first * PAGE_SIZE, nr, w->gmem_pfns + first);
	for (i = first; i < first + nr; i++)
		settle(&w->history[i], w->gmem_pfns[i] + w->lie);
}

static void toggle_dirty_log(struct world *w, u64 first, u64 nr)
{
	unsigned long log[MAX_PAGES / 64];

	w->slot_flags ^= KVM_MEM_LOG_DIRTY_PAGES;
	set_slot(w, w->t.npages * PAGE_SIZE);
	if (w->slot_flags & KVM_MEM_LOG_DIRTY_PAGES)
		kvm_vm_get_dirty_log(w->t.vm, TDP_SLOT, log);
}

static void (* const change_functions[])(struct world *w, u64 first, u64 nr) = {
	[ZAP] = zap,
	[REMAP] = remap,
	[SLOT] = recreate_slot,
	[CONVERT] = convert,
	[PUNCH] = punch_hole,
	[DIRTY_LOG] = toggle_dirty_log,
};

/* One of the kinds in @kinds, on a part of the slot. */
static void change_something(struct world *w, unsigned int kinds)
{
	u64 first = random_below(&w->rng, w->t.npages);
	u64 nr = 1 + random_below(&w->rng, w->t.npages - first);
	unsigned int kind;

	do {
		kind = random_below(&w->rng, NR_CHANGES);
	} while (!(kinds & BIT(kind)));

	count(&w->changing);
	change_functions[kind](w, first, nr);
	count(&w->changing);
}

static void note_wrong(struct walker *walker, const struct sighting *s,
		       const struct kvm_tdp_walk_entry *entry, const char *how)
{
	if (walker->wrong++)
		return;
	snprintf(walker->first_wrong.text, sizeof(walker->first_wrong.text),
		 "Wanted one of %u pfns, the first 0x%lx, got ret %d, level %u, base pfn 0x%lx at gpa 0x%lx (%s)",
		 s->to - s->from,
		 s->from < s->to ? s->h->pfns[s->from] : (u64)TDP_NO_PFN,
		 entry->ret, entry->level, (u64)entry->pfn, s->gpa, how);
}

static void note_answer(struct walker *walker, u64 i, u64 gpa,
			const struct kvm_tdp_walk_entry *entry)
{
	u64 pfn = tdp_exact_pfn(entry, gpa);

	walker->walks++;
	if (pfn == TDP_NO_PFN) {
		walker->absent++;
		return;
	}
	walker->mapped++;
	walker->huge += entry->ret > PG_LEVEL_4K;
	walker->moved += walker->last[i] && walker->last[i] != pfn;
	walker->last[i] = pfn;
}

/* Methods, views and vCPUs in turns. */
static void walk_once(struct world *w, struct kvm_tdp_walk_entry *entries,
		      struct sighting *sightings)
{
	struct walker *walker = &w->walker;
	u64 changing = load(&w->changing), i;
	enum kvm_tdp_walk_method method = walker->rounds & 1;
	struct kvm_vcpu *vcpu = walker->rounds & 4 ? w->prefault_vcpu : w->t.vcpu;

	if (!tdp_has_method(method))
		method = KVM_TDP_WALK_TABLE;
	for (i = 0; i < w->t.npages; i++)
		sightings[i].from = __atomic_load_n(&w->history[i].retired,
						    __ATOMIC_SEQ_CST);
	tdp_walk_range(vcpu, method, walker->rounds & 2, w->t.gpa, PAGE_SIZE,
		       w->t.npages, entries);
	for (i = 0; i < w->t.npages; i++)
		sightings[i].to = __atomic_load_n(&w->history[i].nr,
						  __ATOMIC_SEQ_CST);
	walker->overlaps += changing % 2 || changing != load(&w->changing);

	for (i = 0; i < w->t.npages; i++) {
		if (!answer_is_allowed(&sightings[i], &entries[i]))
			note_wrong(walker, &sightings[i], &entries[i],
				   tdp_method_name(method));
		note_answer(walker, i, sightings[i].gpa, &entries[i]);
	}
	count(&walker->rounds);
}

static void *walk_until_stopped(void *arg)
{
	static struct kvm_tdp_walk_entry entries[MAX_PAGES];
	static struct sighting sightings[MAX_PAGES];
	struct world *w = arg;
	u64 i;

	for (i = 0; i < w->t.npages; i++) {
		sightings[i].h = &w->history[i];
		sightings[i].gpa = w->t.gpa + i * PAGE_SIZE;
		sightings[i].max_level = w->level;
	}
	while (!READ_ONCE(w->stop)) {
		walk_once(w, entries, sightings);
		if (w->walker.rounds % 4 == 0)
			usleep(PAUSE_USECS);
	}
	return NULL;
}

/* Without the slot, or amid a conversion, the guest leaves and tries again. */
static void guest_write_some(struct world *w, u64 first, u64 stride)
{
	int reason = guest_do_unless_out(w, false, first, stride);

	while (reason) {
		TDP_ASSERT(reason == KVM_EXIT_MMIO ||
			   reason == KVM_EXIT_MEMORY_FAULT,
			   "The guest left by exit %d (%s)", reason,
			   exit_reason_str(reason));
		reason = guest_do_unless_out(w, true, first, stride);
	}
}

/* A part of the pages at a time, so that others are seen to be absent. */
static void *touch_until_stopped(void *arg)
{
	struct world *w = arg;
	u64 stride = w->t.npages / 20;

	while (!READ_ONCE(w->stop)) {
		guest_write_some(w, w->guest_rounds % stride, stride);
		count(&w->guest_rounds);
		usleep(PAUSE_USECS);
	}
	return NULL;
}

/* A page may have no slot, or become private or shared, at the wrong moment. */
static bool prefault_may_fail(struct world *w, int r)
{
	return r == -EINTR || r == -EAGAIN || r == -ENOENT ||
	       (w->t.mem.gmem && r == -EFAULT);
}

static void *prefault_until_stopped(void *arg)
{
	struct world *w = arg;
	u64 rng = 1, first;
	int r;

	while (!READ_ONCE(w->stop)) {
		first = random_below(&rng, w->t.npages);
		struct kvm_pre_fault_memory range = {
			.gpa = w->t.gpa + first * PAGE_SIZE,
			.size = min_t(u64, 8, w->t.npages - first) * PAGE_SIZE,
		};
		r = __tdp_prefault(w->prefault_vcpu, &range);
		TDP_ASSERT(!r || prefault_may_fail(w, r),
			   "KVM_PRE_FAULT_MEMORY failed: %s", strerror(-r));
		if (!r)
			count(&w->prefaults);
		usleep(PAUSE_USECS);
	}
	return NULL;
}

/* Let a counter go on by @nr from where it is. */
static void wait_for(const u64 *counter, u64 nr)
{
	u64 end = load(counter) + nr;

	while (load(counter) < end)
		usleep(PAUSE_USECS);
}

static void start_thread(pthread_t *thread, void *(*function)(void *),
			 struct world *w)
{
	TDP_ASSERT(!pthread_create(thread, NULL, function, w),
		   "Cannot create a thread");
}

/*
 * After each burst of changes, the guest and then the walker get to see where
 * it led: on a host with few CPUs they might not otherwise.  A burst is odd: a
 * change takes the other of two backings, and an even number leads nowhere.
 */
static void run_world(struct world *w, unsigned int kinds, int nr_changes)
{
	const int burst = 3;
	int i;

	tdp_probe_info();
	start_thread(&w->walker.thread, walk_until_stopped, w);
	wait_for(&w->walker.rounds, 1);
	start_thread(&w->guest, touch_until_stopped, w);
	start_thread(&w->prefault, prefault_until_stopped, w);

	for (i = 0; i < nr_changes; i++) {
		if (i % burst == 0) {
			wait_for(&w->guest_rounds, 1);
			wait_for(&w->walker.rounds, 2);
		}
		change_something(w, kinds);
	}
	wait_for(&w->guest_rounds, 1);
	wait_for(&w->walker.rounds, 2);

	WRITE_ONCE(w->stop, true);
	pthread_join(w->prefault, NULL);
	pthread_join(w->guest, NULL);
	pthread_join(w->walker.thread, NULL);
}

/* Pages that neither move nor go: the process holds a view of its own. */
static void create_backing(struct world *w, int k)
{
	unsigned int flags = w->level == PG_LEVEL_4K ? 0 : MFD_HUGETLB | MAP_HUGE_2MB;
	u64 size = w->t.npages * PAGE_SIZE;

	w->fds[k] = memfd_create("backing", flags);
	TDP_ASSERT(w->fds[k] >= 0 && !ftruncate(w->fds[k], size),
		   "Cannot create a memfd: %s", strerror(errno));
	w->views[k] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			   w->fds[k], 0);
	TDP_ASSERT(w->views[k] != MAP_FAILED, "mmap() failed: %s", strerror(errno));
	memset(w->views[k], 0, size);
	TDP_ASSERT(!mlock(w->views[k], size), "mlock() failed: %s", strerror(errno));
	tdp_hva_pfns(w->views[k], w->t.npages, w->pfns[k]);
}

static bool backing_stayed(struct world *w, int k)
{
	static u64 now[MAX_PAGES];

	tdp_hva_pfns(w->views[k], w->t.npages, now);
	return !memcmp(now, w->pfns[k], w->t.npages * sizeof(*now));
}

static enum vm_mem_backing_src_type slot_src(int level)
{
	return level == PG_LEVEL_4K ? VM_MEM_SRC_ANONYMOUS :
				      VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB;
}

static u64 slot_pages(int level)
{
	return level == PG_LEVEL_4K ? 64 : tdp_level_pages(level);
}

static struct world *create_world(const struct tdp_mem *mem, int level)
{
	struct world *w = calloc(1, sizeof(*w));
	struct tdp_vm *t = &w->t;
	u64 i;

	TDP_ASSERT(w, "No memory");
	w->level = level;
	pthread_mutex_init(&w->guest_lock, NULL);
	tdp_vm_create(t, mem);
	tdp_vm_add_slot(t, slot_src(level), TDP_GPA, slot_pages(level));
	w->prefault_vcpu = vm_vcpu_add(t->vm, 1, guest_loop);
	guest_init(w->prefault_vcpu);

	create_backing(w, 0);
	create_backing(w, 1);
	map_backing(w, 0, t->npages);
	if (mem->gmem) {
		w->slot_flags = KVM_MEM_GUEST_MEMFD;
		gmem_fallocate(w, 0, 0, t->npages);
		tdp_gmem_pfns(t->gmem_fd, 0, t->npages, w->gmem_pfns);
	}

	for (i = 0; i < t->npages; i++)
		w->pages[i].is_private = mem->is_private;
	w->slot_is_there = true;
	return w;
}

static void free_world(struct world *w)
{
	int k;

	tdp_vm_free(&w->t);
	for (k = 0; k < 2; k++) {
		munmap(w->views[k], w->t.npages * PAGE_SIZE);
		close(w->fds[k]);
	}
	free(w);
}

/* The PFN of every page now, by the truth that the changes left behind. */
static bool ends_as_it_should(struct world *w, struct tdp_msg *msg)
{
	static struct kvm_tdp_walk_entry entries[MAX_PAGES];
	struct tdp_vm *t = &w->t;
	static u64 pfns[MAX_PAGES];
	static int rets[MAX_PAGES];
	const struct tdp_expect want = {
		.gpa = t->gpa, .stride = PAGE_SIZE, .nr = t->npages,
		.rets = rets, .pfns = pfns,
	};
	u64 i;

	tdp_prefault(t->vcpu, t->gpa, t->npages * PAGE_SIZE);
	tdp_walk_range(t->vcpu, KVM_TDP_WALK_TABLE, false, t->gpa, PAGE_SIZE,
		       t->npages, entries);
	for (i = 0; i < t->npages; i++) {
		/* Which level it is depends on how the changes went. */
		rets[i] = entries[i].ret == w->level ? w->level : PG_LEVEL_4K;
		pfns[i] = reachable_pfn(w, i);
	}
	return tdp_check(t->vcpu, &want, msg);
}

#define EXPECT_ENDS_AS_IT_SHOULD(w)	__TDP_JUDGE(0, ends_as_it_should, w)

FIXTURE(concurrent) {
	struct world *w;
};

FIXTURE_VARIANT(concurrent) {
	struct tdp_mem mem;
	int level;
	unsigned int kinds;
	int nr_changes;
};

#define CONCURRENT_4K(_kinds, _nr)					\
	.level = PG_LEVEL_4K, .kinds = _kinds, .nr_changes = _nr
#define CONCURRENT_2M(_kinds, _nr)					\
	.level = PG_LEVEL_2M, .kinds = _kinds, .nr_changes = _nr

TDP_VM_VARIANTS_OF(concurrent, zap, CONCURRENT_4K(BIT(ZAP), 24));
TDP_VM_VARIANTS_OF(concurrent, remap, CONCURRENT_4K(BIT(REMAP), 24));
TDP_VM_VARIANTS_OF(concurrent, slot, CONCURRENT_4K(BIT(SLOT), 8));

FIXTURE_VARIANT_ADD(concurrent, sw_protected_vm_convert) {
	.mem = TDP_MEM_SW_PROTECTED_SHARED,
	CONCURRENT_4K(BIT(CONVERT), 24),
};

FIXTURE_VARIANT_ADD(concurrent, sw_protected_vm_punch) {
	.mem = TDP_MEM_SW_PROTECTED_PRIVATE,
	CONCURRENT_4K(BIT(PUNCH), 24),
};

/* KVM logs no slot that has a guest_memfd. */
FIXTURE_VARIANT_ADD(concurrent, default_vm_dirty_log_2m) {
	.mem = TDP_MEM_DEFAULT,
	CONCURRENT_2M(BIT(DIRTY_LOG), 16),
};

#define ALL_OF_DEFAULT	(BIT(ZAP) | BIT(REMAP) | BIT(SLOT) | BIT(DIRTY_LOG))
#define ALL_OF_SW	(BIT(ZAP) | BIT(REMAP) | BIT(SLOT) | BIT(CONVERT) | BIT(PUNCH))

FIXTURE_VARIANT_ADD(concurrent, default_vm_all_4k) {
	.mem = TDP_MEM_DEFAULT,
	CONCURRENT_4K(ALL_OF_DEFAULT, 24),
};

FIXTURE_VARIANT_ADD(concurrent, default_vm_all_2m) {
	.mem = TDP_MEM_DEFAULT,
	CONCURRENT_2M(ALL_OF_DEFAULT, 24),
};

FIXTURE_VARIANT_ADD(concurrent, sw_protected_vm_all_4k) {
	.mem = TDP_MEM_SW_PROTECTED_SHARED,
	CONCURRENT_4K(ALL_OF_SW, 24),
};

FIXTURE_VARIANT_ADD(concurrent, sw_protected_vm_all_2m) {
	.mem = TDP_MEM_SW_PROTECTED_SHARED,
	CONCURRENT_2M(ALL_OF_SW, 24),
};

FIXTURE_SETUP(concurrent)
{
	TDP_REQUIRE_NOT(tdp_mem_lacks(&variant->mem));
	/* The slot as the library makes it, and two backings. */
	TDP_REQUIRE_NOT(tdp_backing_lacks(slot_src(variant->level),
					  3 * slot_pages(variant->level) * PAGE_SIZE));
	self->w = create_world(&variant->mem, variant->level);
	publish_range(self->w, 0, self->w->t.npages);
}

FIXTURE_TEARDOWN(concurrent)
{
	free_world(self->w);
}

/* Rules: walk.concurrent walk.level walk.base-pfn walk.absent */
TEST_F_TIMEOUT(concurrent, walk, 60)
{
	struct world *w = self->w;
	struct walker *walker = &w->walker;

	run_world(w, variant->kinds, variant->nr_changes);

	EXPECT_EQ(0, walker->wrong)
		TH_LOG("%s", walker->first_wrong.text);
	EXPECT_ENDS_AS_IT_SHOULD(w);
	EXPECT_TRUE(backing_stayed(w, 0) && backing_stayed(w, 1));

	/* A case in which nothing happened proves nothing. */
	EXPECT_EQ(2 * variant->nr_changes, w->changing);
	EXPECT_LT(0, walker->mapped);
	EXPECT_LT(0, walker->absent);
	EXPECT_LT(0, w->prefaults);
	if (variant->kinds & ~(BIT(ZAP) | BIT(DIRTY_LOG)))
		EXPECT_LT(0, walker->moved);
	if (variant->level > PG_LEVEL_4K) {
		EXPECT_LT(0, walker->huge);
		EXPECT_LT(walker->huge, walker->mapped);
	}
	TH_LOG("%d changes, %lu guest rounds, %lu pre-faults, %lu range walks, %lu beside a change",
	       variant->nr_changes, w->guest_rounds, w->prefaults,
	       walker->rounds, walker->overlaps);
	/* That is for tdp_memslot_test to judge. */
	if (tdp_prefaults_stuck())
		TH_LOG("%d times a pre-fault had to be interrupted",
		       tdp_prefaults_stuck());
	TH_LOG("%lu walks: %lu mapped (%lu huge, %lu not as before), %lu absent",
	       walker->walks, walker->mapped, walker->huge, walker->moved,
	       walker->absent);
}

FIXTURE(closed) {
	struct world *w;
};

TDP_MEM_VARIANTS(closed);

FIXTURE_SETUP(closed)
{
	TDP_REQUIRE_NOT(tdp_mem_lacks(&variant->mem));
	self->w = create_world(&variant->mem, PG_LEVEL_4K);
	publish_range(self->w, 0, self->w->t.npages);
}

/* The case itself frees the VM. */
FIXTURE_TEARDOWN(closed)
{
	self->w->t.vm = NULL;
	free_world(self->w);
}

/*
 * The VM is closed, and its memory freed, but for the file descriptor of a vCPU
 * that the walker has; so the VM lives on, with nothing to map.
 */
/* Rules: walk.concurrent walk.absent */
TEST_F(closed, walk)
{
	struct kvm_vcpu walked = { .fd = dup(self->w->t.vcpu->fd) };
	struct world *w = self->w;
	struct walker *walker = &w->walker;
	u64 i, absent;

	ASSERT_LE(0, walked.fd);
	guest_write_some(w, 0, 1);
	w->t.vcpu = &walked;
	w->prefault_vcpu = &walked;
	tdp_probe_info();
	start_thread(&walker->thread, walk_until_stopped, w);
	wait_for(&walker->rounds, 4);
	EXPECT_EQ(load(&walker->walks), load(&walker->mapped));

	kvm_vm_free(w->t.vm);
	for (i = 0; i < w->t.npages; i++)
		retire(&w->history[i], 0);
	wait_for(&walker->rounds, 1);
	absent = load(&walker->absent);
	wait_for(&walker->rounds, 4);
	WRITE_ONCE(w->stop, true);
	pthread_join(walker->thread, NULL);
	close(walked.fd);

	EXPECT_EQ(0, walker->wrong)
		TH_LOG("%s", walker->first_wrong.text);
	EXPECT_LE(absent + 4 * w->t.npages, walker->absent);
}

/* Negative controls: what the checks above must refuse. */

/* Rules: walk.concurrent */
TEST(a_wrong_answer_is_noticed)
{
	struct history h = { .pfns = { 0x1000, 0x1201, 0x1401 }, .nr = 3 };
	struct sighting s = {
		.h = &h, .from = 1, .to = 2,
		.gpa = TDP_GPA + PAGE_SIZE, .max_level = PG_LEVEL_2M,
	};
	const struct {
		struct kvm_tdp_walk_entry entry;
		bool allowed;
	} answers[] = {
		{ { PG_LEVEL_4K, PG_LEVEL_4K, 0x1201, 0 }, true },
		{ { PG_LEVEL_2M, PG_LEVEL_2M, 0x1200, 0 }, true },
		{ { -ENOENT, PG_LEVEL_4K, TDP_NO_PFN, 0 }, true },
		/* Retired before the walk, published after it, never there. */
		{ { PG_LEVEL_4K, PG_LEVEL_4K, 0x1000, 0 }, false },
		{ { PG_LEVEL_4K, PG_LEVEL_4K, 0x1401, 0 }, false },
		{ { PG_LEVEL_4K, PG_LEVEL_4K, 0x1202, 0 }, false },
		{ { PG_LEVEL_2M, PG_LEVEL_2M, 0x1400, 0 }, false },
		/* A base PFN that no leaf of this level has. */
		{ { PG_LEVEL_2M, PG_LEVEL_2M, 0x1201, 0 }, false },
		/* No level, too large a level, and two levels. */
		{ { 0, 0, 0x1201, 0 }, false },
		{ { PG_LEVEL_1G, PG_LEVEL_1G, 0, 0 }, false },
		{ { PG_LEVEL_4K, PG_LEVEL_2M, 0x1201, 0 }, false },
		/* Nothing there, and yet a PFN; another errno. */
		{ { -ENOENT, PG_LEVEL_4K, 0x1201, 0 }, false },
		{ { -EOPNOTSUPP, 0, TDP_NO_PFN, 0 }, false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(answers); i++)
		EXPECT_EQ(answers[i].allowed,
			  answer_is_allowed(&s, &answers[i].entry))
			TH_LOG("answer %zu", i);

	/* With nothing published, no PFN is allowed. */
	s.to = s.from;
	EXPECT_FALSE(answer_is_allowed(&s, &answers[0].entry));
}

FIXTURE(control) {
	struct world *w;
};

FIXTURE_SETUP(control)
{
	const struct tdp_mem mem = TDP_MEM_DEFAULT;

	self->w = create_world(&mem, PG_LEVEL_4K);
}

FIXTURE_TEARDOWN(control)
{
	free_world(self->w);
}

/* Rules: walk.concurrent */
TEST_F(control, wrong_pfns_are_noticed)
{
	struct world *w = self->w;

	w->lie = 1;
	publish_range(w, 0, w->t.npages);
	run_world(w, BIT(REMAP), 8);
	EXPECT_LT(0, w->walker.wrong);
	EXPECT_EQ(w->walker.mapped, w->walker.wrong);
}

/* Rules: walk.concurrent */
TEST_F(control, stale_pfns_are_noticed)
{
	struct world *w = self->w;
	u64 i;

	publish_range(w, 0, w->t.npages);
	for (i = 0; i < w->t.npages; i++)
		retire(&w->history[i], 0);
	run_world(w, BIT(ZAP), 8);
	EXPECT_LT(0, w->walker.wrong);
	EXPECT_EQ(w->walker.mapped, w->walker.wrong);
}

TDP_HARNESS_MAIN
