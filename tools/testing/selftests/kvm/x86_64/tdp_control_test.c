// SPDX-License-Identifier: GPL-2.0
/*
 * Negative controls: each assertion of the library is given what it must
 * refuse, and has to say so.  Without them a broken assertion would make every
 * other test pass.
 */
#include "tdp_control.h"

#define NPAGES	8

FIXTURE(control) {
	struct tdp_vm t;
	u64 pfns[NPAGES];
};

FIXTURE_VARIANT(control) {
	struct tdp_mem mem;
};

/* The two sources of truth, pagemap and guest_memfd. */
FIXTURE_VARIANT_ADD(control, default_vm) {
	.mem = TDP_MEM_DEFAULT,
};

FIXTURE_VARIANT_ADD(control, sw_protected_private) {
	.mem = TDP_MEM_SW_PROTECTED_PRIVATE,
};

/* Pages 0 to NPAGES - 1 are mapped, the rest of the slot is not. */
FIXTURE_SETUP(control)
{
	struct tdp_vm *t = &self->t;

	TDP_SETUP_SLOT(t, &variant->mem, VM_MEM_SRC_ANONYMOUS, TDP_GPA,
		       2 * NPAGES);
	tdp_vm_touch(t);
	guest_write_pages(t->vcpu, t->gpa, NPAGES, 0);
	tdp_vm_pfns(t, t->gpa, NPAGES, t->mem.is_private, self->pfns);
}

FIXTURE_TEARDOWN(control)
{
	tdp_vm_free(&self->t);
}

/* Rules: control.assertions */
TEST_F(control, one_gpa)
{
	struct tdp_vm *t = &self->t;
	u64 gpa = t->gpa + PAGE_SIZE, pfn = self->pfns[1];
	u64 free_gpa = t->gpa + NPAGES * PAGE_SIZE;

	EXPECT_ACCEPTED(EXPECT_TDP_LEAF(t->vcpu, gpa, PG_LEVEL_4K, pfn));

	EXPECT_REFUSED("Wanted level 2 (2M), got level 1 (4K) at gpa 0x100001000",
		       EXPECT_TDP_LEAF(t->vcpu, gpa, PG_LEVEL_2M, pfn));
	EXPECT_REFUSED("Wanted level 3 (1G), got level 1 (4K)",
		       EXPECT_TDP_LEAF(t->vcpu, gpa, PG_LEVEL_1G, pfn));
	EXPECT_REFUSED("Wanted base pfn",
		       EXPECT_TDP_LEAF(t->vcpu, gpa, PG_LEVEL_4K, pfn + 1));
	EXPECT_REFUSED("Wanted base pfn",
		       EXPECT_TDP_LEAF(t->vcpu, gpa, PG_LEVEL_4K, pfn - 1));
	EXPECT_REFUSED("Wanted base pfn",
		       EXPECT_TDP_LEAF(t->vcpu, gpa, PG_LEVEL_4K, self->pfns[0]));
	EXPECT_REFUSED("Wanted level 1 (4K), got -ENOENT at gpa 0x100008000",
		       EXPECT_TDP_LEAF(t->vcpu, free_gpa, PG_LEVEL_4K, pfn));

	EXPECT_ACCEPTED(EXPECT_TDP_ABSENT(t->vcpu, free_gpa, NPAGES));

	EXPECT_REFUSED("Wanted -ENOENT, got level 1 (4K) at gpa 0x100000000",
		       EXPECT_TDP_ABSENT(t->vcpu, t->gpa, 1));
	EXPECT_REFUSED("at gpa 0x100007000",
		       EXPECT_TDP_ABSENT(t->vcpu, free_gpa - PAGE_SIZE, 3));
	EXPECT_REFUSED(", and 7 more of 16",
		       EXPECT_TDP_ABSENT(t->vcpu, t->gpa, 2 * NPAGES));
}

/*
 * A range that is right but for one page, wherever that page is.
 *
 * Rules: control.assertions
 */
TEST_F(control, range)
{
	struct tdp_vm *t = &self->t;
	u64 pfns[NPAGES], i;

	EXPECT_ACCEPTED(EXPECT_TDP_LEAVES(t->vcpu, t->gpa, NPAGES, PG_LEVEL_4K,
					  self->pfns));
	for (i = 0; i < NPAGES; i++) {
		memcpy(pfns, self->pfns, sizeof(pfns));
		pfns[i] ^= 1;
		EXPECT_REFUSED("Wanted base pfn",
			       EXPECT_TDP_LEAVES(t->vcpu, t->gpa, NPAGES,
						 PG_LEVEL_4K, pfns));
	}
	EXPECT_REFUSED("Wanted level 2 (2M), got level 1 (4K)",
		       EXPECT_TDP_LEAVES(t->vcpu, t->gpa, NPAGES, PG_LEVEL_2M,
					 self->pfns));
}

/* Rules: control.assertions */
TEST_F(control, walks)
{
	struct tdp_vm *t = &self->t;
	int rets[] = { PG_LEVEL_4K, PG_LEVEL_4K, -ENOENT };
	u64 pfns[] = { self->pfns[0], self->pfns[NPAGES / 2], TDP_NO_PFN };
	struct tdp_expect want = {
		.gpa = t->gpa,
		.stride = NPAGES / 2 * PAGE_SIZE,
		.nr = 3,
		.rets = rets,
		.pfns = pfns,
	};

	EXPECT_ACCEPTED(EXPECT_TDP_WALKS(t->vcpu, &want));
	rets[2] = PG_LEVEL_4K;
	EXPECT_REFUSED("got -ENOENT", EXPECT_TDP_WALKS(t->vcpu, &want));
	rets[2] = -ENOENT;
	rets[0] = -ENOENT;
	EXPECT_REFUSED("Wanted -ENOENT", EXPECT_TDP_WALKS(t->vcpu, &want));
	rets[0] = PG_LEVEL_4K;
	pfns[1]++;
	EXPECT_REFUSED("Wanted base pfn", EXPECT_TDP_WALKS(t->vcpu, &want));
}

/*
 * The slot's memory and guest_memfd never trade places unnoticed.
 *
 * Rules: control.assertions
 */
TEST_F(control, mapped)
{
	struct tdp_vm *t = &self->t;

	EXPECT_ACCEPTED(EXPECT_TDP_MAPPED(t, t->gpa, NPAGES, PG_LEVEL_4K));
	EXPECT_REFUSED("Wanted level 2 (2M)",
		       EXPECT_TDP_MAPPED(t, t->gpa, NPAGES, PG_LEVEL_2M));
	EXPECT_REFUSED("got -ENOENT",
		       EXPECT_TDP_MAPPED(t, t->gpa, NPAGES + 1, PG_LEVEL_4K));
	if (!t->mem.gmem)
		return;

	t->mem.is_private ^= true;
	EXPECT_REFUSED("Wanted base pfn",
		       EXPECT_TDP_MAPPED(t, t->gpa, NPAGES, PG_LEVEL_4K));
}

/* A whole line of the map, its runs as in printf(). */
#define EXPECT_MAP(_where, _gpa, _nr, _statement, ...) do {		\
	char __runs[128], __line[256];					\
									\
	snprintf(__runs, sizeof(__runs), __VA_ARGS__);			\
	snprintf(__line, sizeof(__line),				\
		 "\n# tdp-map: %s, %s: gpa 0x%lx stride 0x1000 nr %d: %s\n", \
		 tdp_method_name(tdp_has_method(KVM_TDP_WALK_HELPER) ?	\
				 KVM_TDP_WALK_HELPER : KVM_TDP_WALK_TABLE), \
		 _where, (u64)(_gpa), _nr, __runs);			\
	EXPECT_REFUSED(__line, _statement);				\
} while (0)

/*
 * What is told to programs is what was wanted and what is there, of both views.
 *
 * Rules: control.assertions
 */
TEST_F(control, map)
{
	struct tdp_vm *t = &self->t;
	u64 gpa = t->gpa + (NPAGES - 1) * PAGE_SIZE, pfn = self->pfns[NPAGES - 1];
	u64 pfns[] = { pfn, pfn + 1 };

	EXPECT_MAP("shared", gpa, 1,
		   EXPECT_TDP_LEAF(t->vcpu, gpa, PG_LEVEL_2M, pfn),
		   "1*2M@%lx>4K@%lx", pfn, pfn);
	EXPECT_MAP("private", gpa, 1,
		   EXPECT_TDP_LEAF(t->vcpu, gpa, PG_LEVEL_4K, pfn + 1),
		   "1*4K@%lx>4K@%lx", pfn + 1, pfn);
	EXPECT_MAP("private", gpa, 2,
		   EXPECT_TDP_LEAVES(t->vcpu, gpa, 2, PG_LEVEL_4K, pfns),
		   "1*4K@%lx 1*4K@%lx>-", pfn, pfn + 1);
	EXPECT_MAP("shared", gpa, 3, EXPECT_TDP_ABSENT(t->vcpu, gpa, 3),
		   "1*->4K@%lx 2*-", pfn);
}

/* Rules: control.assertions */
TEST_F(control, map_is_bounded)
{
	struct tdp_vm *t = &self->t;
	struct control_result r;
	int rets[128];
	u64 pfns[128] = {};
	const struct tdp_expect want = {
		.gpa = t->gpa,
		.stride = PAGE_SIZE,
		.nr = ARRAY_SIZE(rets),
		.rets = rets,
		.pfns = pfns,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(rets); i++)
		rets[i] = i % 2 ? PG_LEVEL_4K : -ENOENT;
	r = CONTROL(EXPECT_TDP_WALKS(t->vcpu, &want));
	EXPECT_EQ(r.exit_code, KSFT_FAIL);
	EXPECT_NE(strstr(r.log, " ...\n# tdp-map: "), NULL)
		TH_LOG("%s", r.log);
	EXPECT_LT(strlen(r.log), sizeof(struct tdp_msg) + 128);
}

/* Which answers to falsify, and how. */
static struct {
	enum kvm_tdp_walk_method method;
	bool is_private;
	struct kvm_tdp_walk_entry xor;
} lie;

static void control_lie(enum kvm_tdp_walk_method method, bool is_private,
			u64 nr, struct kvm_tdp_walk_entry *entries)
{
	if (method != lie.method || is_private != lie.is_private)
		return;
	entries[nr - 1].ret ^= lie.xor.ret;
	entries[nr - 1].pfn ^= lie.xor.pfn;
}

static void expect_lie_refused(struct __test_metadata *_metadata,
			       struct tdp_vm *t, const u64 *pfns)
{
	u64 free_gpa = t->gpa + NPAGES * PAGE_SIZE;
	char where[32];

	snprintf(where, sizeof(where), "(%s, %s)", tdp_method_name(lie.method),
		 lie.is_private ? "private" : "shared");

	tdp_falsify = control_lie;
	EXPECT_REFUSED(where, EXPECT_TDP_LEAF(t->vcpu, t->gpa, PG_LEVEL_4K,
					      pfns[0]));
	EXPECT_REFUSED(where, EXPECT_TDP_LEAVES(t->vcpu, t->gpa, NPAGES,
						PG_LEVEL_4K, pfns));
	EXPECT_REFUSED(where, EXPECT_TDP_MAPPED(t, t->gpa, NPAGES, PG_LEVEL_4K));
	EXPECT_REFUSED(where, EXPECT_TDP_ABSENT(t->vcpu, free_gpa, NPAGES));
	EXPECT_REFUSED("Wanted", EXPECT_TDP_AGREE(t->vcpu, t->gpa, PAGE_SIZE,
						  NPAGES));
	tdp_falsify = NULL;
}

/*
 * One method in one view that answers wrongly is enough to fail: a wrong
 * level, a wrong PFN, or a PFN beside -ENOENT.
 *
 * Rules: control.assertions
 */
TEST_F(control, every_column_counts)
{
	struct tdp_vm *t = &self->t;
	int i;

	EXPECT_ACCEPTED(EXPECT_TDP_AGREE(t->vcpu, t->gpa, PAGE_SIZE, 2 * NPAGES));

	for (i = 0; i < 2 * KVM_TDP_WALK_NR_METHODS; i++) {
		lie.method = i / 2;
		lie.is_private = i % 2;
		if (!tdp_has_method(lie.method))
			continue;

		lie.xor = (struct kvm_tdp_walk_entry) { .ret = 3 };
		expect_lie_refused(_metadata, t, self->pfns);
		lie.xor = (struct kvm_tdp_walk_entry) { .pfn = 1 };
		expect_lie_refused(_metadata, t, self->pfns);
	}
}

/*
 * What expectations come from tells one page from another, and a page that is
 * there from one that is not.
 *
 * Rules: control.assertions
 */
TEST_F(control, truth)
{
	struct tdp_vm *t = &self->t;
	struct tdp_stats before = tdp_stats(t->vm);
	u64 i;

	for (i = 0; i < NPAGES; i++) {
		EXPECT_NE(self->pfns[i], TDP_NO_PFN);
		EXPECT_NE(self->pfns[i], self->pfns[(i + 1) % NPAGES]);
	}

	EXPECT_FALSE(tdp_hva_is_huge(t->hva, NPAGES * PAGE_SIZE));
	if (t->mem.is_private)
		EXPECT_EQ(tdp_gmem_pfn(t->gmem_fd, NPAGES * PAGE_SIZE), TDP_NO_PFN);

	guest_write_pages(t->vcpu, t->gpa + NPAGES * PAGE_SIZE, 3, 0);
	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_4K), 3);
	EXPECT_EQ(tdp_stats_since(t->vm, &before, PG_LEVEL_2M), 0);

	ASSERT_EQ(madvise(t->hva, PAGE_SIZE, MADV_DONTNEED), 0);
	EXPECT_EQ(tdp_hva_pfn(t->hva), TDP_NO_PFN);
}

/* Run in a child; yield the status that waitpid() reports. */
#define CHILD_STATUS(...) ({						\
	int __status = -1;						\
	pid_t __pid = fork();						\
									\
	if (!__pid) {							\
		control_log = fopen("/dev/null", "w");			\
		__VA_ARGS__;						\
		_exit(KSFT_PASS);					\
	}								\
	waitpid(__pid, &__status, 0);					\
	__status;							\
})

/*
 * The fork unmaps the slot's own memory, which is copied on write from then
 * on, so the child relies on no page that is mapped.
 *
 * Rules: control.assertions
 */
TEST_F(control, assert_ends_the_case)
{
	struct __test_metadata fake = { .name = "control" };
	struct tdp_vm *t = &self->t;
	int status;

#ifdef TDP_LACKS_ABORT
	tdp_abort_at_assert(&fake);
#endif /* TDP_LACKS_ABORT */
	status = CHILD_STATUS({
		struct __test_metadata *_metadata = &fake;

		ASSERT_TDP_LEAF(t->vcpu, t->gpa, PG_LEVEL_2M, self->pfns[0]);
	});
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(WTERMSIG(status), SIGABRT);

	status = CHILD_STATUS({
		struct __test_metadata *_metadata = &fake;

		ASSERT_TDP_ABSENT(t->vcpu, t->gpa + NPAGES * PAGE_SIZE, NPAGES);
	});
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(WEXITSTATUS(status), KSFT_PASS);
}

/*
 * A failure stays one: whatever errno says, and if the case wants to be
 * skipped afterwards.
 *
 * Rules: control.assertions
 */
TEST(failure_is_no_skip)
{
	struct __test_results results = {};
	struct __test_metadata fake = { .name = "control", .results = &results };
	int status;

	status = CHILD_STATUS({
		dup2(fileno(control_log), STDERR_FILENO);
		errno = EACCES;
		TDP_ASSERT(false, "This is wanted");
	});
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(WEXITSTATUS(status), KSFT_FAIL);

	fake.exit_code = KSFT_FAIL;
	status = CHILD_STATUS({
		struct __test_metadata *_metadata = &fake;

		TDP_SKIP(_exit(_metadata->exit_code), "This is wanted");
	});
	EXPECT_EQ(WEXITSTATUS(status), KSFT_FAIL);

	fake.exit_code = KSFT_PASS;
	status = CHILD_STATUS({
		struct __test_metadata *_metadata = &fake;

		TDP_SKIP(_exit(_metadata->exit_code), "This is wanted");
	});
	EXPECT_EQ(WEXITSTATUS(status), KSFT_SKIP);
}

TDP_HARNESS_MAIN
