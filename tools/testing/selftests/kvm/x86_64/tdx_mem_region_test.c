// SPDX-License-Identifier: GPL-2.0
/* KVM_TDX_INIT_MEM_REGION: what it maps, and what it must not. */
#include <signal.h>
#include <sys/time.h>

#include "tdx/td_test.h"

#define NPAGES		16
#define MEASURE		KVM_TDX_MEASURE_MEMORY_REGION

/* What the first word of each page of the source is. */
#define PATTERN(page)	(0x7d00000000ULL + (page))

/* The bytes of a slot's pages, and where a test adds them from. */
struct source {
	void *mem;
	u64 npages;
};

static u64 *source_word(const struct source *s, u64 page, u64 word)
{
	return s->mem + page * PAGE_SIZE + word * sizeof(u64);
}

static struct source source_create(u64 npages)
{
	struct source s = { .npages = npages };
	u64 page, last = PAGE_SIZE / sizeof(u64) - 1;

	s.mem = kvm_mmap(npages * PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1);
	for (page = 0; page < npages; page++) {
		*source_word(&s, page, 0) = PATTERN(page);
		*source_word(&s, page, last) = ~PATTERN(page);
	}
	return s;
}

static struct kvm_tdx_init_mem_region
region_of(const struct tdp_vm *t, const struct source *s, u64 page, u64 nr)
{
	return (struct kvm_tdx_init_mem_region) {
		.source_addr = (uintptr_t)source_word(s, page, 0),
		.gpa = t->gpa + page * PAGE_SIZE,
		.nr_pages = nr,
	};
}

/* Both move on by @nr pages, and nothing else changes. */
static bool check_progress(const struct kvm_tdx_init_mem_region *before,
			   const struct kvm_tdx_init_mem_region *after, u64 nr,
			   struct tdp_msg *msg)
{
	if (after->gpa == before->gpa + nr * PAGE_SIZE &&
	    after->source_addr == before->source_addr + nr * PAGE_SIZE &&
	    after->nr_pages == before->nr_pages - nr)
		return true;

	snprintf(msg->text, sizeof(msg->text),
		 "Wanted %lu of %llu pages done at gpa 0x%llx, got gpa 0x%llx, source 0x%llx moved by 0x%llx, %llu left",
		 nr, before->nr_pages, before->gpa, after->gpa,
		 before->source_addr, after->source_addr - before->source_addr,
		 after->nr_pages);
	return false;
}

/* Region before and after, number of pages that were done. */
#define EXPECT_PROGRESS(...)	__TDP_JUDGE(0, check_progress, __VA_ARGS__)

/* Rules: control.assertions */
TEST(progress_is_compared)
{
	const struct kvm_tdx_init_mem_region before = {
		.source_addr = 0x100000,
		.gpa = TDP_GPA,
		.nr_pages = 4,
	};
	struct kvm_tdx_init_mem_region after = {
		.source_addr = 0x103000,
		.gpa = TDP_GPA + 3 * PAGE_SIZE,
		.nr_pages = 1,
	};

	EXPECT_TRUE(check_progress(&before, &before, 0, tdp_msg()));
	EXPECT_TRUE(check_progress(&before, &after, 3, tdp_msg()));
	EXPECT_FALSE(check_progress(&before, &after, 2, tdp_msg()));
	EXPECT_FALSE(check_progress(&before, &before, 3, tdp_msg()));

	after.nr_pages++;
	EXPECT_FALSE(check_progress(&before, &after, 3, tdp_msg()));
	after.nr_pages--;
	after.gpa -= PAGE_SIZE;
	EXPECT_FALSE(check_progress(&before, &after, 3, tdp_msg()));
	after.gpa += PAGE_SIZE;
	after.source_addr += PAGE_SIZE;
	EXPECT_FALSE(check_progress(&before, &after, 3, tdp_msg()));
}

/* A range of the slot is mapped in the mirror root, to guest_memfd. */
static bool check_added(struct tdp_vm *t, u64 page, u64 nr, struct tdp_msg *msg)
{
	u64 *pfns = calloc(nr, sizeof(*pfns));
	u64 gpa = t->gpa + page * PAGE_SIZE;
	bool ok;

	TDP_ASSERT(pfns, "No memory for %lu PFNs", nr);
	tdp_vm_pfns(t, gpa, nr, true, pfns);
	ok = td_check_private(t->vcpu, gpa, nr, pfns, msg);
	free(pfns);
	return ok;
}

/* A range of the slot is in neither root, with and without the shared bit. */
static bool check_not_added(struct tdp_vm *t, u64 page, u64 nr,
			    struct tdp_msg *msg)
{
	u64 gpa = t->gpa + page * PAGE_SIZE;

	return tdp_check_absent(t->vcpu, gpa, nr, msg) &&
	       tdp_check_absent(t->vcpu, gpa | TD_SHARED_BIT, nr, msg);
}

/* struct tdp_vm *, first page in the slot, number of pages */
#define ASSERT_ADDED(...)	__TDP_JUDGE(1, check_added, __VA_ARGS__)
#define EXPECT_ADDED(...)	__TDP_JUDGE(0, check_added, __VA_ARGS__)
#define EXPECT_NOT_ADDED(...)	__TDP_JUDGE(0, check_not_added, __VA_ARGS__)

/* A TD that never runs, with a private slot. */
static void create_idle(struct tdp_vm *t, u64 npages)
{
	td_vm_create_idle(t);
	tdp_vm_add_slot(t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, npages);
}

FIXTURE(mem_region) {
	struct tdp_vm t;
	struct source s;
};

FIXTURE_SETUP(mem_region)
{
	create_idle(&self->t, NPAGES);
	self->s = source_create(2 * NPAGES);
}

FIXTURE_TEARDOWN(mem_region)
{
	tdp_vm_free(&self->t);
}

/* Nothing of the slot, and nothing beside it. */
static void expect_untouched(struct __test_metadata *_metadata,
			     struct tdp_vm *t)
{
	EXPECT_NOT_ADDED(t, 0, NPAGES);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa - 8 * PAGE_SIZE, 8);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa + NPAGES * PAGE_SIZE, 8);
	EXPECT_EQ(tdp_stats(t->vm).pages[PG_LEVEL_4K], 0);
}

static void add_and_expect(struct __test_metadata *_metadata, struct tdp_vm *t,
			   const struct source *s, u64 page, u64 nr, u32 flags)
{
	struct kvm_tdx_init_mem_region before = region_of(t, s, page, nr);
	struct kvm_tdx_init_mem_region region = before;

	ASSERT_EQ(__tdx_init_mem_region(t->vcpu, &region, flags), 0);
	EXPECT_PROGRESS(&before, &region, nr);
	EXPECT_ADDED(t, page, nr);
}

/* Rules: tdx.add-maps tdx.two-roots walk.no-root walk.absent map.stats */
TEST_F(mem_region, maps)
{
	struct tdp_vm *t = &self->t;

	ASSERT_EQ(tdp_roots(t->vcpu).roots, 0);
	expect_untouched(_metadata, t);

	add_and_expect(_metadata, t, &self->s, 4, 6, 0);
	EXPECT_EQ(tdp_roots(t->vcpu).roots, KVM_TDP_ROOT_DIRECT |
		  KVM_TDP_ROOT_MIRROR | KVM_TDP_ROOT_TDP_MMU);
	EXPECT_EQ(tdp_stats(t->vm).pages[PG_LEVEL_4K], 6);
	EXPECT_NOT_ADDED(t, 0, 4);
	EXPECT_NOT_ADDED(t, 10, NPAGES - 10);

	add_and_expect(_metadata, t, &self->s, 12, 1, MEASURE);
	add_and_expect(_metadata, t, &self->s, 0, 4, MEASURE);
	EXPECT_EQ(tdp_stats(t->vm).pages[PG_LEVEL_4K], 11);
	EXPECT_ADDED(t, 0, 10);
	EXPECT_NOT_ADDED(t, 10, 2);
	EXPECT_NOT_ADDED(t, 13, NPAGES - 13);
}

/* One call that must be refused; @want is changed in one thing by a case. */
static void expect_refused(struct __test_metadata *_metadata, struct tdp_vm *t,
			   const struct kvm_tdx_init_mem_region *want,
			   u32 flags, int error)
{
	struct kvm_tdx_init_mem_region region = *want;

	EXPECT_EQ(__tdx_init_mem_region(t->vcpu, &region, flags), error)
		TH_LOG("gpa 0x%llx, source 0x%llx, %llu pages, flags 0x%x",
		       want->gpa, want->source_addr, want->nr_pages, flags);
	EXPECT_PROGRESS(want, &region, 0);
}

#define EXPECT_REGION_REFUSED(error, flags, ...) do {			\
	struct kvm_tdx_init_mem_region region = good;			\
									\
	__VA_ARGS__;							\
	expect_refused(_metadata, t, &region, flags, error);		\
} while (0)

/* Rules: tdx.add-errno */
TEST_F(mem_region, bad_range)
{
	struct tdp_vm *t = &self->t;
	struct kvm_tdx_init_mem_region good = region_of(t, &self->s, 0, 2);
	void *hole = mmap(NULL, PAGE_SIZE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(hole, MAP_FAILED);
	EXPECT_REGION_REFUSED(-EINVAL, 0, region.nr_pages = 0);
	EXPECT_REGION_REFUSED(-EINVAL, 0, region.gpa += 1);
	EXPECT_REGION_REFUSED(-EINVAL, 0, region.gpa += PAGE_SIZE / 2);
	EXPECT_REGION_REFUSED(-EINVAL, 0, region.source_addr += 8);
	EXPECT_REGION_REFUSED(-EINVAL, 0, region.source_addr = 0);
	EXPECT_REGION_REFUSED(-EINVAL, 0, region.gpa |= TD_SHARED_BIT);
	EXPECT_REGION_REFUSED(-EINVAL, 0,
			      region.gpa = TD_SHARED_BIT - PAGE_SIZE);
	EXPECT_REGION_REFUSED(-EINVAL, 0, region.gpa = -PAGE_SIZE);
	EXPECT_REGION_REFUSED(-EINVAL, 0, region.nr_pages = ~0ULL / PAGE_SIZE + 1);
	EXPECT_REGION_REFUSED(-EINVAL, MEASURE << 1, (void)0);
	EXPECT_REGION_REFUSED(-EINVAL, MEASURE | BIT(31), (void)0);
	EXPECT_REGION_REFUSED(-EFAULT, 0, region.source_addr = (uintptr_t)hole);
	expect_untouched(_metadata, t);

	/* The control: what is refused above is refused for that alone. */
	add_and_expect(_metadata, t, &self->s, 0, 2, 0);
}

/*
 * A range whose first page could be added, and whose last one has the shared
 * bit: all of it is looked at before any of it is added.
 *
 * Rules: tdx.add-errno
 */
TEST_F(mem_region, reaches_the_shared_bit)
{
	struct tdp_vm *t = &self->t;
	struct kvm_tdx_init_mem_region good = region_of(t, &self->s, 0, 1);
	u64 last = TD_SHARED_BIT - PAGE_SIZE;

	vm_userspace_mem_region_add(t->vm, VM_MEM_SRC_ANONYMOUS,
				    TD_SHARED_BIT - NPAGES * PAGE_SIZE,
				    TDP_SLOT + 1, NPAGES, KVM_MEM_GUEST_MEMFD);
	vm_mem_set_private(t->vm, last, PAGE_SIZE);
	good.gpa = last;
	EXPECT_REGION_REFUSED(-EINVAL, 0, region.nr_pages = 2);
	EXPECT_REGION_REFUSED(-EINVAL, MEASURE, region.nr_pages = NPAGES);
	EXPECT_TDP_ABSENT(t->vcpu, last, 1);

	ASSERT_EQ(__tdx_init_mem_region(t->vcpu, &good, 0), 0);
	EXPECT_EQ(good.nr_pages, 0);
	EXPECT_EQ(tdp_stats(t->vm).pages[PG_LEVEL_4K], 1);
}

/* As many pages that their bytes are those of one. */
/* Rules: tdx.add-errno */
TEST_F(mem_region, bytes_overflow)
{
	struct tdp_vm *t = &self->t;
	struct kvm_tdx_init_mem_region good = region_of(t, &self->s, 0, 2);

	EXPECT_REGION_REFUSED(-EINVAL, 0, region.nr_pages = ~0ULL / PAGE_SIZE + 2);
	expect_untouched(_metadata, t);
}

/* Rules: tdx.add-errno */
TEST_F(mem_region, bad_memory)
{
	struct tdp_vm *t = &self->t;
	struct kvm_tdx_init_mem_region good = region_of(t, &self->s, 0, 2);
	u64 plain = t->gpa + SZ_1G;

	vm_userspace_mem_region_add(t->vm, VM_MEM_SRC_ANONYMOUS, plain,
				    TDP_SLOT + 1, NPAGES, 0);
	vm_mem_set_private(t->vm, plain, NPAGES * PAGE_SIZE);
	EXPECT_REGION_REFUSED(-EINVAL, 0, region.gpa = plain);
	EXPECT_TDP_ABSENT(t->vcpu, plain, NPAGES);

	EXPECT_REGION_REFUSED(-EINVAL, 0, region.gpa = SZ_1G);
	EXPECT_REGION_REFUSED(-EINVAL, 0, region.gpa -= 2 * PAGE_SIZE);

	vm_mem_set_shared(t->vm, t->gpa, 2 * PAGE_SIZE);
	EXPECT_REGION_REFUSED(-EINVAL, 0, (void)0);
	EXPECT_REGION_REFUSED(-EINVAL, MEASURE, (void)0);
	expect_untouched(_metadata, t);

	vm_mem_set_private(t->vm, t->gpa, 2 * PAGE_SIZE);
	add_and_expect(_metadata, t, &self->s, 0, 2, 0);
}

/* Rules: tdx.add-errno */
TEST_F(mem_region, bad_command)
{
	struct tdp_vm *t = &self->t;
	struct kvm_tdx_init_mem_region region = region_of(t, &self->s, 0, 2);
	struct kvm_tdx_cmd cmd = {
		.id = KVM_TDX_INIT_MEM_REGION,
		.data = (uintptr_t)&region,
	};

	EXPECT_EQ(__tdx_cmd(t->vm->fd, &cmd), -EINVAL);
	cmd.hw_error = 1;
	EXPECT_EQ(__tdx_cmd(t->vcpu->fd, &cmd), -EINVAL);
	EXPECT_EQ(__tdx_init_mem_region(t->vcpu, NULL, 0), -EFAULT);
	expect_untouched(_metadata, t);

	add_and_expect(_metadata, t, &self->s, 0, 2, 0);
}

/* A range that ends early at page @done, and is carried on as KVM left it. */
static void expect_early_end(struct __test_metadata *_metadata,
			     struct tdp_vm *t, const struct source *s, u64 done,
			     int error, struct kvm_tdx_init_mem_region *region)
{
	struct kvm_tdx_init_mem_region before = region_of(t, s, 0, NPAGES);

	*region = before;
	ASSERT_EQ(__tdx_init_mem_region(t->vcpu, region, MEASURE), error);
	EXPECT_PROGRESS(&before, region, done);
	ASSERT_ADDED(t, 0, done);
	EXPECT_NOT_ADDED(t, done, NPAGES - done);
	EXPECT_EQ(tdp_stats(t->vm).pages[PG_LEVEL_4K], done);
}

/* Rules: tdx.add-progress */
TEST_F(mem_region, progress_to_shared_page)
{
	struct kvm_tdx_init_mem_region region;
	struct tdp_vm *t = &self->t;
	u64 done = 5;

	vm_mem_set_shared(t->vm, t->gpa + done * PAGE_SIZE, PAGE_SIZE);
	expect_early_end(_metadata, t, &self->s, done, -EINVAL, &region);

	vm_mem_set_private(t->vm, t->gpa + done * PAGE_SIZE, PAGE_SIZE);
	ASSERT_EQ(__tdx_init_mem_region(t->vcpu, &region, MEASURE), 0);
	EXPECT_EQ(region.nr_pages, 0);
	EXPECT_ADDED(t, 0, NPAGES);
}

/* Rules: tdx.add-progress */
TEST_F(mem_region, progress_to_bad_source)
{
	struct kvm_tdx_init_mem_region region;
	struct tdp_vm *t = &self->t;
	u64 done = NPAGES - 1;
	void *bad = source_word(&self->s, done, 0);

	ASSERT_EQ(mprotect(bad, PAGE_SIZE, PROT_NONE), 0);
	expect_early_end(_metadata, t, &self->s, done, -EFAULT, &region);

	ASSERT_EQ(mprotect(bad, PAGE_SIZE, PROT_READ), 0);
	ASSERT_EQ(__tdx_init_mem_region(t->vcpu, &region, MEASURE), 0);
	EXPECT_EQ(region.nr_pages, 0);
	EXPECT_ADDED(t, 0, NPAGES);
}

/* Rules: tdx.add-progress */
TEST_F(mem_region, progress_to_end_of_slot)
{
	struct tdp_vm *t = &self->t;
	struct kvm_tdx_init_mem_region before, region;

	before = region_of(t, &self->s, NPAGES - 3, 6);
	region = before;
	ASSERT_EQ(__tdx_init_mem_region(t->vcpu, &region, 0), -EINVAL);
	EXPECT_PROGRESS(&before, &region, 3);
	EXPECT_ADDED(t, NPAGES - 3, 3);
	EXPECT_NOT_ADDED(t, 0, NPAGES - 3);
	EXPECT_TDP_ABSENT(t->vcpu, t->gpa + NPAGES * PAGE_SIZE, 8);
}

/* Rules: tdx.add-twice */
TEST_F(mem_region, twice)
{
	struct tdp_vm *t = &self->t;
	struct kvm_tdx_init_mem_region before, region;
	u64 pfn;

	add_and_expect(_metadata, t, &self->s, 2, 1, 0);
	pfn = tdp_gmem_pfn(t->gmem_fd, 2 * PAGE_SIZE);

	before = region_of(t, &self->s, 0, 4);
	region = before;
	EXPECT_EQ(__tdx_init_mem_region(t->vcpu, &region, 0), -EIO);
	EXPECT_PROGRESS(&before, &region, 2);
	EXPECT_EQ(tdp_gmem_pfn(t->gmem_fd, 2 * PAGE_SIZE), pfn);
	EXPECT_ADDED(t, 0, 3);
	EXPECT_NOT_ADDED(t, 3, NPAGES - 3);

	/* The TD lives on. */
	add_and_expect(_metadata, t, &self->s, 3, 4, 0);
}

/* Rules: tdx.add-final */
TEST_F(mem_region, finalized)
{
	struct tdp_vm *t = &self->t;
	struct kvm_tdx_init_mem_region region;

	add_and_expect(_metadata, t, &self->s, 0, 2, 0);
	tdx_finalize_vm(t->vm);

	region = region_of(t, &self->s, 2, 2);
	expect_refused(_metadata, t, &region, 0, -EINVAL);
	region = region_of(t, &self->s, 0, 2);
	expect_refused(_metadata, t, &region, 0, -EINVAL);
	EXPECT_ADDED(t, 0, 2);
	EXPECT_NOT_ADDED(t, 2, NPAGES - 2);
}

/* Room for signals: so many pages take longer than the time between two. */
#define SIGNAL_PAGES	1024
#define SIGNAL_USECS	500

static void on_alarm(int sig)
{
}

static void alarm_every(u64 usecs)
{
	const struct itimerval timer = {
		.it_interval.tv_usec = usecs,
		.it_value.tv_usec = usecs,
	};

	TDP_ASSERT(!setitimer(ITIMER_REAL, &timer, NULL), "setitimer failed: %s",
		   strerror(errno));
}

FIXTURE(signals) {
	struct tdp_vm t;
	struct source s;
};

FIXTURE_SETUP(signals)
{
	const struct sigaction action = { .sa_handler = on_alarm };

	create_idle(&self->t, SIGNAL_PAGES);
	self->s = source_create(SIGNAL_PAGES);
	ASSERT_EQ(sigaction(SIGALRM, &action, NULL), 0);
}

FIXTURE_TEARDOWN(signals)
{
	alarm_every(0);
	tdp_vm_free(&self->t);
}

/* Rules: tdx.add-progress */
TEST_F(signals, in_the_middle)
{
	struct kvm_tdx_init_mem_region before, region;
	struct tdp_vm *t = &self->t;
	u64 done, middles = 0;
	int r;

	before = region_of(t, &self->s, 0, SIGNAL_PAGES);
	region = before;
	alarm_every(SIGNAL_USECS);
	do {
		r = __tdx_init_mem_region(t->vcpu, &region, 0);
		done = SIGNAL_PAGES - region.nr_pages;
		if (r != -EINTR || !done || middles++)
			continue;

		/* Once is enough, and walks of all pages take their time. */
		alarm_every(0);
		EXPECT_PROGRESS(&before, &region, done);
		EXPECT_ADDED(t, 0, done);
		EXPECT_NOT_ADDED(t, done, SIGNAL_PAGES - done);
		alarm_every(SIGNAL_USECS);
	} while (r == -EINTR);
	alarm_every(0);

	ASSERT_EQ(r, 0);
	ASSERT_GT(middles, 0);
	EXPECT_PROGRESS(&before, &region, SIGNAL_PAGES);
	EXPECT_ADDED(t, 0, SIGNAL_PAGES);
}

/* A TD that looks at what was added. */
FIXTURE(contents) {
	struct tdp_vm t;
	struct source s;
};

/* Where the TD sees the slot. */
#define SLOT_GVA	(TDP_GPA + SZ_1G)

static void guest_read_slot(void)
{
	u64 page, last = PAGE_SIZE / sizeof(u64) - 1;
	u64 *words;

	for (page = 0; page < NPAGES; page++) {
		words = (u64 *)(SLOT_GVA + page * PAGE_SIZE);
		GUEST_SYNC4(page, READ_ONCE(words[0]), READ_ONCE(words[1]),
			    READ_ONCE(words[last]));
	}
	GUEST_DONE();
}

FIXTURE_SETUP(contents)
{
	struct tdp_vm *t = &self->t;

	td_vm_create(t, guest_read_slot);
	tdp_vm_add_slot(t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, NPAGES);
	td_map_private(t->vm, SLOT_GVA, t->gpa, NPAGES);
	self->s = source_create(NPAGES);
}

FIXTURE_TEARDOWN(contents)
{
	tdp_vm_free(&self->t);
}

/* The TD finds what the source had when the page was added. */
static void expect_contents(struct __test_metadata *_metadata, struct tdp_vm *t)
{
	struct ucall uc;
	u64 page;

	for (page = 0; page < NPAGES; page++) {
		vcpu_run(t->vcpu);
		ASSERT_EQ(get_ucall(t->vcpu, &uc), UCALL_SYNC)
			TH_LOG("exit %d (%s): %s", t->vcpu->run->exit_reason,
			       exit_reason_str(t->vcpu->run->exit_reason),
			       uc.buffer);
		ASSERT_EQ(uc.args[0], page);
		EXPECT_EQ(uc.args[1], PATTERN(page));
		EXPECT_EQ(uc.args[2], 0);
		EXPECT_EQ(uc.args[3], ~PATTERN(page));
	}
	vcpu_run(t->vcpu);
	ASSERT_EQ(get_ucall(t->vcpu, &uc), UCALL_DONE);
}

/* Rules: tdx.add-contents tdx.add-maps tdx.two-roots */
TEST_F(contents, arrive)
{
	struct tdp_vm *t = &self->t;

	add_and_expect(_metadata, t, &self->s, 0, NPAGES / 2, 0);
	add_and_expect(_metadata, t, &self->s, NPAGES / 2, NPAGES / 2, MEASURE);
	td_finalize(t->vm);

	/* The source is the host's again. */
	memset(self->s.mem, 0xff, NPAGES * PAGE_SIZE);
	expect_contents(_metadata, t);
	EXPECT_ADDED(t, 0, NPAGES);
}

/* Rules: tdx.add-twice tdx.add-contents */
TEST_F(contents, survive_a_second_time)
{
	struct kvm_tdx_init_mem_region region;
	struct tdp_vm *t = &self->t;
	u64 page;

	add_and_expect(_metadata, t, &self->s, 0, NPAGES, 0);
	memset(self->s.mem, 0xff, NPAGES * PAGE_SIZE);
	for (page = 0; page < NPAGES; page++) {
		region = region_of(t, &self->s, page, 1);
		EXPECT_EQ(__tdx_init_mem_region(t->vcpu, &region, 0), -EIO);
	}
	td_finalize(t->vm);

	expect_contents(_metadata, t);
	EXPECT_ADDED(t, 0, NPAGES);
}

TD_HARNESS_MAIN
