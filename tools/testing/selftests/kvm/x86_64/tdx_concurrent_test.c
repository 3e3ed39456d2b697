// SPDX-License-Identifier: GPL-2.0
/*
 * Walks of a TD's two roots beside two vCPUs that convert, accept and use
 * memory.
 *
 * Each vCPU has a half of the slot, and both halves lie in one page table of each
 * root.  The pages stay where they are, so what a page may be mapped to in
 * which root is known all the while: its own page of guest_memfd in the mirror
 * root, its page of the slot's own memory in the direct root, or nothing.
 *
 * The work is counted, not timed.  That nothing makes the kernel complain is
 * for whoever reads the kernel's log.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#include "tdx/td_refuse.h"
#include "tdx/td_sept.h"
#include "tdx/td_test.h"
#include "tdx/tdcall.h"

#define NR_VCPUS	2
#define HALF		12
#define NPAGES		(NR_VCPUS * HALF)

/* How often each vCPU converts its half to and fro. */
#define ROUNDS		6

/* Where the TD sees the slot, as private and as shared memory. */
#define PRIVATE_GVA	(TDP_GPA + SZ_1G)
#define SHARED_GVA	(TDP_GPA + 2UL * SZ_1G)

/* A thread that never pauses takes a host with few CPUs for itself. */
#define PAUSE_USECS	100

/* What the TDX module says if the host is at the same entry just now. */
#define OPERAND_BUSY	0x8000020000000000ULL

#define TD_WROTE(round, page)	(0x7d0000 + 0x100 * (round) + (page))

/* vcpu, gpa, number of 4K pages, PFNs of the 4K pages, state */
#define EXPECT_TD_SEPT(...)		__TDP_JUDGE(0, td_check_sept, __VA_ARGS__)
/* vcpu, gpa, number of 4K pages */
#define EXPECT_TD_SEPT_FREE(...)	__TDP_JUDGE(0, td_check_sept_free, __VA_ARGS__)

static u64 *guest_word(u64 base, u64 page)
{
	return (u64 *)(base + page * PAGE_SIZE);
}

static void guest_use(u64 base, u64 first, u64 round)
{
	u64 page;

	for (page = first; page < first + HALF; page++)
		WRITE_ONCE(*guest_word(base, page), TD_WROTE(round, page));
	GUEST_SYNC1(round);
	for (page = first; page < first + HALF; page++)
		GUEST_ASSERT_EQ(READ_ONCE(*guest_word(base, page)),
				TD_WROTE(round, page));
}

/* Without the operand that the TDX module names, and never busy. */
static u64 accept_page(u64 page)
{
	u64 status;

	do {
		status = tdg_mem_page_accept(TDP_GPA + page * PAGE_SIZE,
					     PG_LEVEL_4K);
		status &= TDX_STATUS_MASK;
	} while (status == OPERAND_BUSY);
	return status;
}

static void guest_accept(u64 first)
{
	u64 page;

	for (page = first; page < first + HALF; page++) {
		GUEST_ASSERT_EQ(accept_page(page), TDX_SUCCESS);
		GUEST_ASSERT_EQ(READ_ONCE(*guest_word(PRIVATE_GVA, page)), 0);
	}
}

static void guest_convert(u64 first, u64 bit)
{
	GUEST_ASSERT_EQ(tdvmcall_map_gpa((TDP_GPA + first * PAGE_SIZE) | bit,
					 HALF * PAGE_SIZE, NULL),
			TDVMCALL_SUCCESS);
}

/* The first vCPU's half is private in the end, the second one's shared. */
static void guest_work(u64 vcpu)
{
	u64 first = vcpu * HALF, round;

	for (round = 0; round < ROUNDS; round++) {
		guest_convert(first, TD_SHARED_BIT);
		guest_use(SHARED_GVA, first, round);
		guest_convert(first, 0);
		guest_accept(first);
		guest_use(PRIVATE_GVA, first, round);
	}
	if (vcpu) {
		guest_convert(first, TD_SHARED_BIT);
		guest_use(SHARED_GVA, first, ROUNDS);
	}
	GUEST_DONE();
}

/* Where a TD asks whether it is to go on. */
#define DONE_PORT	0x3b8

/*
 * Accepts every page of the half, whether or not it was there before, and touches
 * none: what was accepted may be gone a moment later.
 */
static void guest_accept_again(u64 first)
{
	u64 page, status;

	for (page = first; page < first + HALF; page++) {
		status = accept_page(page);
		GUEST_ASSERT(status == TDX_SUCCESS ||
			     status == TDX_PAGE_ALREADY_ACCEPTED);
	}
}

/* A round more after it is done: then all pages are there. */
static void guest_keep_accepting(u64 vcpu)
{
	u64 done = 0;

	while (!done) {
		GUEST_ASSERT_EQ(tdvmcall_io_read(DONE_PORT, 1, &done),
				TDVMCALL_SUCCESS);
		guest_accept_again(vcpu * HALF);
	}
	GUEST_DONE();
}

enum root {
	MIRROR,
	DIRECT,
	NR_ROOTS,
};

struct walker {
	pthread_t thread;
	u64 rounds, absent, wrong;
	u64 mapped[NR_ROOTS];
	struct tdp_msg first_wrong;
};

struct world;

struct worker {
	struct world *w;
	pthread_t thread;
	struct kvm_vcpu *vcpu;
	u64 conversions, uses;
};

/* A TD, what its pages may be mapped to, and the threads. */
struct world {
	struct tdp_vm t;
	struct worker workers[NR_VCPUS];
	struct walker walker;
	u64 pfns[NR_ROOTS][NPAGES];
	void *guest_code;
	bool stop, disturbed;
};

static u64 load(const u64 *value)
{
	return __atomic_load_n(value, __ATOMIC_SEQ_CST);
}

static void count(u64 *value)
{
	__atomic_add_fetch(value, 1, __ATOMIC_SEQ_CST);
}

/* A page that may become another one at any time. */
#define ANY_PFN		(~1ULL)

static bool answer_is_allowed(const struct kvm_tdp_walk_entry *entry, u64 pfn)
{
	if (entry->ret == -ENOENT)
		return entry->pfn == TDP_NO_PFN;
	if (entry->ret != PG_LEVEL_4K || entry->level != PG_LEVEL_4K)
		return false;
	return pfn == ANY_PFN ? entry->pfn != TDP_NO_PFN : entry->pfn == pfn;
}

static void note_answer(struct world *w, enum root r, u64 page,
			const struct kvm_tdp_walk_entry *entry)
{
	u64 pfn = w->pfns[r][page];
	struct walker *walker = &w->walker;

	if (entry->ret == -ENOENT)
		count(&walker->absent);
	else
		count(&walker->mapped[r]);
	if (answer_is_allowed(entry, pfn) || walker->wrong++)
		return;

	snprintf(walker->first_wrong.text, sizeof(walker->first_wrong.text),
		 "Wanted -ENOENT or pfn 0x%lx at 4K, got %d, level %u, pfn 0x%lx of page %lu in the %s root",
		 pfn, entry->ret, entry->level, (u64)entry->pfn, page,
		 r == MIRROR ? "mirror" : "direct");
}

/* Methods, vCPUs, and GPAs with and without the shared bit in turns. */
static void walk_once(struct world *w)
{
	u64 rounds = w->walker.rounds, gpa = w->t.gpa, page;
	struct kvm_vcpu *vcpu = w->workers[rounds >> 2 & 1].vcpu;
	enum kvm_tdp_walk_method method = rounds & 1;
	struct kvm_tdp_walk_entry entries[NPAGES];
	enum root r;

	if (!tdp_has_method(method))
		method = KVM_TDP_WALK_TABLE;
	if (rounds & 2)
		gpa |= TD_SHARED_BIT;
	for (r = 0; r < NR_ROOTS; r++) {
		tdp_walk_range(vcpu, method, r == MIRROR, gpa, PAGE_SIZE,
			       NPAGES, entries);
		for (page = 0; page < NPAGES; page++)
			note_answer(w, r, page, &entries[page]);
	}
	count(&w->walker.rounds);
}

static void *walk_until_stopped(void *arg)
{
	struct world *w = arg;

	while (!READ_ONCE(w->stop)) {
		walk_once(w);
		usleep(PAUSE_USECS);
	}
	return NULL;
}

/*
 * A walk that began from now on shall end.  The vCPUs wait in turns, so that
 * one of them is at work meanwhile.
 */
static void let_walker_look(struct worker *worker, u64 turn)
{
	struct world *w = worker->w;
	u64 end = load(&w->walker.rounds) + 2;

	if ((turn + (worker - w->workers)) % NR_VCPUS)
		return;
	while (load(&w->walker.rounds) < end)
		usleep(PAUSE_USECS);
}

static void say_whether_done(struct worker *worker)
{
	struct kvm_run *run = worker->vcpu->run;

	*((u8 *)run + run->io.data_offset) = READ_ONCE(worker->w->disturbed);
	count(&worker->uses);
}

/* Serve one exit of a vCPU.  Return: false once it is done. */
static bool serve_exit(struct worker *worker)
{
	struct kvm_run *run = worker->vcpu->run;
	struct ucall uc;

	if (run->exit_reason == KVM_EXIT_IO && run->io.port == DONE_PORT) {
		say_whether_done(worker);
		return true;
	}
	if (worker->vcpu->run->exit_reason == KVM_EXIT_HYPERCALL) {
		td_handle_map_gpa(worker->vcpu);
		let_walker_look(worker, worker->conversions++ / 2);
		return true;
	}

	switch (get_ucall(worker->vcpu, &uc)) {
	case UCALL_SYNC:
		let_walker_look(worker, worker->uses++ / 2);
		return true;
	case UCALL_DONE:
		return false;
	default:
		TDP_ASSERT(false, "vCPU %u left by exit %d (%s): %s",
			   worker->vcpu->id, worker->vcpu->run->exit_reason,
			   exit_reason_str(worker->vcpu->run->exit_reason),
			   uc.buffer);
		return false;
	}
}

/* There is no slot at times.  Return: false if that is why there was no exit. */
static bool run_to_exit(struct kvm_vcpu *vcpu)
{
	int r = __vcpu_run(vcpu);

	if (!r)
		return true;
	TDP_ASSERT(errno == EFAULT &&
		   vcpu->run->exit_reason == KVM_EXIT_MEMORY_FAULT,
		   "KVM_RUN of vCPU %u: %s", vcpu->id, strerror(errno));
	usleep(PAUSE_USECS);
	return false;
}

static void *run_until_done(void *arg)
{
	struct worker *worker = arg;
	bool more = true;

	while (more)
		more = !run_to_exit(worker->vcpu) || serve_exit(worker);
	return NULL;
}

static void start_thread(pthread_t *thread, void *(*function)(void *), void *arg)
{
	TDP_ASSERT(!pthread_create(thread, NULL, function, arg),
		   "Cannot create a thread");
}

/* What is done beside the vCPUs: nothing, or @disturb. */
static void run_world(struct world *w, void (*disturb)(struct world *w))
{
	int i;

	tdp_probe_info();
	start_thread(&w->walker.thread, walk_until_stopped, w);
	for (i = 0; i < NR_VCPUS; i++)
		start_thread(&w->workers[i].thread, run_until_done,
			     &w->workers[i]);
	if (disturb)
		disturb(w);
	WRITE_ONCE(w->disturbed, true);
	for (i = 0; i < NR_VCPUS; i++)
		pthread_join(w->workers[i].thread, NULL);

	WRITE_ONCE(w->stop, true);
	pthread_join(w->walker.thread, NULL);
}

/* Pages of both kinds are there beforehand, and stay. */
static void add_slot(struct world *w)
{
	u64 size = NPAGES * PAGE_SIZE;
	struct tdp_vm *t = &w->t;

	tdp_vm_add_slot(t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, NPAGES);
	tdp_vm_touch(t);
	TDP_ASSERT(!mlock(t->hva, size), "mlock() failed: %s", strerror(errno));
	TDP_ASSERT(!fallocate(t->gmem_fd, FALLOC_FL_KEEP_SIZE, 0, size),
		   "fallocate() of guest_memfd failed: %s", strerror(errno));
	tdp_vm_pfns(t, t->gpa, NPAGES, true, w->pfns[MIRROR]);
	tdp_vm_pfns(t, t->gpa, NPAGES, false, w->pfns[DIRECT]);

	td_map_private(t->vm, PRIVATE_GVA, t->gpa, NPAGES);
	td_map_shared(t->vm, SHARED_GVA, t->gpa, NPAGES);
}

static void complete_world(struct world *w)
{
	int i;

	for (i = 0; i < NR_VCPUS; i++) {
		w->workers[i].w = w;
		w->workers[i].vcpu = td_vcpu_add(w->t.vm, i, w->guest_code, i);
	}
	w->t.vcpu = w->workers[0].vcpu;
	add_slot(w);
	td_finalize(w->t.vm);
}

/* What the TDX module refuses besides what two vCPUs have it refuse. */
static const struct {
	const char *leaf;
	int every;
} refused[] = {
	{ "TDH_VP_ENTER", 10 },
	{ "TDH_MEM_PAGE_AUG", 10 },
	{ "TDH_MEM_RANGE_BLOCK", 10 },
	{ "TDH_MEM_TRACK", 10 },
	{ "TDH_MEM_PAGE_REMOVE", 10 },
};

FIXTURE(concurrent) {
	struct world w;
	u64 refusals[ARRAY_SIZE(refused)];
};

static void create_world(struct world *w, void *guest_code)
{
	struct tdp_vm *t = &w->t;

	w->guest_code = guest_code;
	*t = (struct tdp_vm) {
		.mem = {
			.vm_type = KVM_X86_TDX_VM,
			.gmem = true,
			.is_private = true,
		},
	};
	t->vm = td_create(NR_VCPUS);
}

#define CREATE_WORLD(w, guest_code) do {				\
	create_world(w, guest_code);					\
	TDP_REQUIRE(vm_check_cap((w)->t.vm, KVM_CAP_MAX_VCPUS) >= NR_VCPUS, \
		    "this host has one CPU, hence TDs have one vCPU");	\
	complete_world(w);						\
} while (0)

FIXTURE_SETUP(concurrent)
{
	CREATE_WORLD(&self->w, guest_work);
}

/* In the parent, so that it is done even if the case ended early. */
FIXTURE_TEARDOWN_PARENT(concurrent)
{
	td_refuse_nothing();
}

static void expect_end(struct __test_metadata *_metadata, struct world *w,
		       struct kvm_vcpu *vcpu)
{
	u64 gpa = w->t.gpa, shared_gpa = gpa + HALF * PAGE_SIZE;
	const u64 *shared_pfns = w->pfns[DIRECT] + HALF;

	EXPECT_TD_PRIVATE(vcpu, gpa, HALF, w->pfns[MIRROR]);
	EXPECT_TD_SEPT(vcpu, gpa, HALF, w->pfns[MIRROR], TD_SEPT_MAPPED);
	EXPECT_TD_SHARED(vcpu, shared_gpa, HALF, PG_LEVEL_4K, shared_pfns);
	EXPECT_TD_SEPT_FREE(vcpu, shared_gpa, HALF);
}

static void expect_work_was_done(struct __test_metadata *_metadata,
				 struct world *w)
{
	int i, page;

	for (i = 0; i < NR_VCPUS; i++) {
		EXPECT_EQ(w->workers[i].conversions, 2 * ROUNDS + i);
		EXPECT_EQ(w->workers[i].uses, 2 * ROUNDS + i);
	}
	for (page = HALF; page < NPAGES; page++)
		EXPECT_EQ(*(u64 *)(w->t.hva + page * PAGE_SIZE),
			  TD_WROTE(ROUNDS, page));
}

static void run_and_judge(struct __test_metadata *_metadata, struct world *w)
{
	struct walker *walker = &w->walker;
	int i;

	run_world(w, NULL);
	EXPECT_EQ(walker->wrong, 0)
		TH_LOG("%s", walker->first_wrong.text);
	expect_work_was_done(_metadata, w);
	for (i = 0; i < NR_VCPUS; i++)
		expect_end(_metadata, w, w->workers[i].vcpu);

	/* A walker that saw nothing proves nothing. */
	EXPECT_LT(0, walker->mapped[MIRROR]);
	EXPECT_LT(0, walker->mapped[DIRECT]);
	EXPECT_LT(0, walker->absent);
	TH_LOG("%lu rounds of walks: %lu mapped private, %lu shared, %lu absent",
	       walker->rounds, walker->mapped[MIRROR], walker->mapped[DIRECT],
	       walker->absent);
	tdp_vm_free(&w->t);
}

/* Rules: tdx.concurrent tdx.two-roots tdx.convert tdx.sept-maps walk.concurrent */
TEST_F_TIMEOUT(concurrent, convert_and_use, 60)
{
	run_and_judge(_metadata, &self->w);
}

/* Rules: tdx.concurrent tdx.retries tdx.sept-maps walk.concurrent */
TEST_F_TIMEOUT(concurrent, refused, 60)
{
	size_t i;

	TDP_REQUIRE_NOT(td_refuse_lacks());
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		self->refusals[i] = td_leaf_count(refused[i].leaf).refusals;
		td_refuse(refused[i].leaf, "busy", refused[i].every);
	}
	run_and_judge(_metadata, &self->w);
	for (i = 0; i < ARRAY_SIZE(refused); i++)
		EXPECT_LT(self->refusals[i],
			  td_leaf_count(refused[i].leaf).refusals)
			TH_LOG("leaf %zu", i);
}

FIXTURE(disturbed) {
	struct world w;
};

FIXTURE_VARIANT(disturbed) {
	void (*disturb)(struct world *w);
	bool moves;
	bool refused;
};

#define DISTURBANCES	32
#define HOLE		5

static int nr_disturbances(void)
{
	return tdp_repeat(DISTURBANCES);
}

static void wait_until(const u64 *value, u64 end)
{
	while (load(value) < end)
		usleep(PAUSE_USECS);
}

/* A walk ends that began from now on, and each vCPU has all its pages again. */
static void let_all_go_on(struct world *w)
{
	int i;

	wait_until(&w->walker.rounds, load(&w->walker.rounds) + 2);
	for (i = 0; i < NR_VCPUS; i++)
		wait_until(&w->workers[i].uses, load(&w->workers[i].uses) + 2);
}

/* Holes that reach into either half, and over the border. */
static void punch_holes(struct world *w)
{
	int i;

	for (i = 0; i < nr_disturbances(); i++) {
		let_all_go_on(w);
		vm_guest_mem_punch_hole(w->t.vm, w->t.gpa +
					(i * 3 % (NPAGES - HOLE)) * PAGE_SIZE,
					HOLE * PAGE_SIZE);
	}
}

static void reload_slot(struct world *w)
{
	int i;

	for (i = 0; i < nr_disturbances(); i++) {
		let_all_go_on(w);
		vm_mem_region_reload(w->t.vm, TDP_SLOT);
	}
}

FIXTURE_VARIANT_ADD(disturbed, by_holes) {
	.disturb = punch_holes,
	.moves = true,
};

FIXTURE_VARIANT_ADD(disturbed, by_holes_and_refusals) {
	.disturb = punch_holes,
	.moves = true,
	.refused = true,
};

FIXTURE_VARIANT_ADD(disturbed, by_slot_deletion) {
	.disturb = reload_slot,
};

FIXTURE_SETUP(disturbed)
{
	CREATE_WORLD(&self->w, guest_keep_accepting);
}

FIXTURE_TEARDOWN_PARENT(disturbed)
{
	td_refuse_nothing();
}

/* Calls of these leaves took away pages while the vCPUs ran. */
enum { BLOCK, TRACK, REMOVE };

static const char * const removal[] = {
	[BLOCK] = "TDH_MEM_RANGE_BLOCK",
	[TRACK] = "TDH_MEM_TRACK",
	[REMOVE] = "TDH_MEM_PAGE_REMOVE",
};

/* Nothing is shared here: a leaf in the direct root is one too many. */
static void expect_mirror_only(struct __test_metadata *_metadata,
			       struct world *w)
{
	u64 pfns[NPAGES];

	EXPECT_EQ(w->walker.wrong, 0)
		TH_LOG("%s", w->walker.first_wrong.text);
	EXPECT_LT(0, w->walker.mapped[MIRROR]);
	EXPECT_EQ(w->walker.mapped[DIRECT], 0);
	EXPECT_LT(0, w->walker.absent);

	tdp_vm_pfns(&w->t, w->t.gpa, NPAGES, true, pfns);
	EXPECT_TD_PRIVATE(w->t.vcpu, w->t.gpa, NPAGES, pfns);
	EXPECT_TD_SEPT(w->t.vcpu, w->t.gpa, NPAGES, pfns, TD_SEPT_MAPPED);
}

/*
 * Memory is taken from two vCPUs while they ask for it.
 *
 * Rules: tdx.concurrent tdx.zap tdx.accept tdx.sept-removes tdx.retries
 */
TEST_F_TIMEOUT(disturbed, beside_vcpus, 60)
{
	struct td_leaf_count before[ARRAY_SIZE(removal)];
	struct world *w = &self->w;
	size_t i;

	TDP_REQUIRE_NOT(td_refuse_lacks());
	for (i = 0; variant->moves && i < NPAGES; i++)
		w->pfns[MIRROR][i] = ANY_PFN;
	for (i = 0; i < ARRAY_SIZE(removal); i++)
		before[i] = td_leaf_count(removal[i]);
	for (i = 0; variant->refused && i < ARRAY_SIZE(refused); i++)
		td_refuse(refused[i].leaf, "busy", refused[i].every);

	run_world(w, variant->disturb);
	expect_mirror_only(_metadata, w);
	for (i = 0; i < ARRAY_SIZE(removal); i++)
		EXPECT_LE(before[i].calls + nr_disturbances(),
			  td_leaf_count(removal[i]).calls);
	EXPECT_LE(before[REMOVE].calls + nr_disturbances() * HOLE,
		  td_leaf_count(removal[REMOVE]).calls);
	EXPECT_EQ(variant->refused, td_leaf_count(removal[REMOVE]).refusals >
		  before[REMOVE].refusals);
	for (i = 0; i < NR_VCPUS; i++)
		EXPECT_LT(1, w->workers[i].uses);
	tdp_vm_free(&w->t);
}

/* Negative controls: what the checks above must refuse. */

/*
 * The pages of the other root are never right.
 *
 * Rules: tdx.concurrent control.assertions
 */
TEST_F_TIMEOUT(concurrent, wrong_pages_are_noticed, 60)
{
	struct world *w = &self->w;

	tdp_vm_pfns(&w->t, w->t.gpa, NPAGES, false, w->pfns[MIRROR]);
	tdp_vm_pfns(&w->t, w->t.gpa, NPAGES, true, w->pfns[DIRECT]);
	run_world(w, NULL);
	EXPECT_LT(0, w->walker.wrong);
	EXPECT_EQ(w->walker.wrong,
		  w->walker.mapped[MIRROR] + w->walker.mapped[DIRECT]);
	tdp_vm_free(&w->t);
}

/* Rules: tdx.concurrent control.assertions */
TEST(a_wrong_answer_is_noticed)
{
	const struct {
		struct kvm_tdp_walk_entry entry;
		bool allowed;
	} answers[] = {
		{ { PG_LEVEL_4K, PG_LEVEL_4K, 0x1201, 0 }, true },
		{ { -ENOENT, PG_LEVEL_4K, TDP_NO_PFN, 0 }, true },
		{ { PG_LEVEL_4K, PG_LEVEL_4K, 0x1202, 0 }, false },
		{ { PG_LEVEL_2M, PG_LEVEL_2M, 0x1200, 0 }, false },
		{ { PG_LEVEL_4K, PG_LEVEL_2M, 0x1201, 0 }, false },
		{ { -ENOENT, PG_LEVEL_4K, 0x1201, 0 }, false },
		{ { -EOPNOTSUPP, 0, TDP_NO_PFN, 0 }, false },
		{ { 0, 0, 0x1201, 0 }, false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(answers); i++)
		EXPECT_EQ(answers[i].allowed,
			  answer_is_allowed(&answers[i].entry, 0x1201))
			TH_LOG("answer %zu", i);

	/* Any page is one, but no level but 4K. */
	for (i = 0; i < ARRAY_SIZE(answers); i++)
		EXPECT_EQ(answers[i].allowed || i == 2,
			  answer_is_allowed(&answers[i].entry, ANY_PFN))
			TH_LOG("answer %zu", i);
}

TD_HARNESS_MAIN
