/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one header that a test includes: the kselftest harness, the library, and
 * the few macros that need both.  Exactly one file of a program includes it.
 */
#ifndef SELFTEST_TDP_TEST_H
#define SELFTEST_TDP_TEST_H

#include <linux/sizes.h>

#include "kselftest_harness.h"

#include "tdp_vm.h"

/* A verdict of false has left its reason in tdp_last_msg(). */
static inline void __tdp_judge(struct __test_metadata *metadata, bool ok,
			       const char *file, int line)
{
	const struct tdp_msg *msg = tdp_last_msg();
	int i;

	if (ok)
		return;

	fprintf(TH_LOG_STREAM, "# %s:%d:%s:%s\n", file, line, metadata->name,
		msg->text);
	for (i = 0; i < TDP_MAP_LINES && msg->map[i][0]; i++)
		fprintf(TH_LOG_STREAM, "# tdp-map: %s\n", msg->map[i]);
	metadata->exit_code = KSFT_FAIL;
	metadata->trigger = 1;
}

/*
 * Make an assertion of a function that returns a verdict and, through its last
 * argument, a message.  ASSERT_ ends the case, EXPECT_ notes the failure and
 * goes on.  Each is one statement, and takes an optional block that runs after
 * a failure, as those of the harness do.
 */
#define __TDP_JUDGE(_assert, _check, ...)				\
	for (__tdp_judge(_metadata, (_check)(__VA_ARGS__, tdp_msg()),	\
			 __FILE__, __LINE__);				\
	     _metadata->trigger;					\
	     _metadata->trigger = __bail(_assert, _metadata))

/* vcpu, gpa, level, PFN of the 4K page at gpa */
#define ASSERT_TDP_LEAF(...)	__TDP_JUDGE(1, tdp_check_leaf, __VA_ARGS__)
#define EXPECT_TDP_LEAF(...)	__TDP_JUDGE(0, tdp_check_leaf, __VA_ARGS__)

/* vcpu, gpa, number of 4K pages, level, PFNs of the 4K pages */
#define ASSERT_TDP_LEAVES(...)	__TDP_JUDGE(1, tdp_check_leaves, __VA_ARGS__)
#define EXPECT_TDP_LEAVES(...)	__TDP_JUDGE(0, tdp_check_leaves, __VA_ARGS__)

/* vcpu, gpa, number of 4K pages */
#define ASSERT_TDP_ABSENT(...)	__TDP_JUDGE(1, tdp_check_absent, __VA_ARGS__)
#define EXPECT_TDP_ABSENT(...)	__TDP_JUDGE(0, tdp_check_absent, __VA_ARGS__)

/* vcpu, gpa, stride, number of GPAs */
#define ASSERT_TDP_AGREE(...)	__TDP_JUDGE(1, tdp_check_agree, __VA_ARGS__)
#define EXPECT_TDP_AGREE(...)	__TDP_JUDGE(0, tdp_check_agree, __VA_ARGS__)

/* vcpu, address of a struct tdp_expect */
#define ASSERT_TDP_WALKS(...)	__TDP_JUDGE(1, tdp_check, __VA_ARGS__)
#define EXPECT_TDP_WALKS(...)	__TDP_JUDGE(0, tdp_check, __VA_ARGS__)

/* struct tdp_vm *, gpa, number of 4K pages, level */
#define ASSERT_TDP_MAPPED(...)	__TDP_JUDGE(1, tdp_check_mapped, __VA_ARGS__)
#define EXPECT_TDP_MAPPED(...)	__TDP_JUDGE(0, tdp_check_mapped, __VA_ARGS__)

/*
 * Skip the case, with its reason, and execute @statement.  The harness' SKIP()
 * would turn a failure that was noted before into a skip.
 */
#define TDP_SKIP(statement, fmt, ...) do {				\
	if (_metadata->exit_code != KSFT_FAIL)				\
		SKIP((void)0, fmt, ##__VA_ARGS__);				\
	statement;							\
} while (0)

/* Skip the case, with the reason, unless @cond; returns from a void function. */
#define TDP_REQUIRE(cond, fmt, ...) do {				\
	if (!(cond))							\
		TDP_SKIP(return, fmt, ##__VA_ARGS__);			\
} while (0)

/* The same with what tdp_mem_lacks() and its like return. */
#define TDP_REQUIRE_NOT(lack) do {					\
	const char *__why = (lack);					\
									\
	TDP_REQUIRE(!__why, "%s", __why);				\
} while (0)

/*
 * The setup that most fixtures have: skip if the host lacks the kind of
 * memory, else create the VM.  For use in FIXTURE_SETUP() only.
 */
#define TDP_SETUP_VM(t, kind) do {					\
	const struct tdp_mem *__mem = (kind);				\
									\
	TDP_REQUIRE_NOT(tdp_mem_lacks(__mem));				\
	tdp_vm_create(t, __mem);					\
} while (0)

/* The same, and a slot: backing, GPA, number of 4K pages. */
#define TDP_SETUP_SLOT(t, kind, src, gpa, npages)			\
	__TDP_SETUP_SLOT(tdp_vm_create, t, kind, src, gpa, npages)

/* The same with a vCPU that never runs, which takes much less time. */
#define TDP_SETUP_IDLE_SLOT(t, kind, src, gpa, npages)			\
	__TDP_SETUP_SLOT(tdp_vm_create_idle, t, kind, src, gpa, npages)

#define __TDP_SETUP_SLOT(create, t, kind, src, gpa, npages) do {	\
	enum vm_mem_backing_src_type __src = (src);			\
	const struct tdp_mem *__mem = (kind);				\
	struct tdp_vm *__t = (t);					\
	u64 __npages = (npages);					\
									\
	TDP_REQUIRE_NOT(tdp_mem_lacks(__mem));				\
	TDP_REQUIRE_NOT(tdp_backing_lacks(__src, __npages * PAGE_SIZE)); \
	(create)(__t, __mem);						\
	tdp_vm_add_slot(__t, __src, gpa, __npages);			\
} while (0)

/*
 * Give each case TDP_TIME_FACTOR times the time that it has of its own: set in
 * the environment for a kernel that is slow on purpose.
 */
static inline void __tdp_scale_timeouts(void)
{
	const char *factor = getenv("TDP_TIME_FACTOR");
	struct __fixture_metadata *f;
	struct __test_metadata *t;

	if (!factor || atoi(factor) < 2)
		return;

	for (f = __fixture_list; f; f = f->next)
		for (t = f->tests; t; t = t->next)
			t->timeout *= atoi(factor);
}

/*
 * main() in place of TEST_HARNESS_MAIN: where no case can run at all, the
 * program says why and exits with KSFT_SKIP.  -l and -h work anywhere.
 */
#define TDP_HARNESS_MAIN	__TDP_HARNESS_MAIN(tdp_host_lacks())

#define __TDP_HARNESS_MAIN(lack)					\
int main(int argc, char **argv)						\
{									\
	return __tdp_harness_run(argc, argv, lack);			\
}

/*
 * The KVM library takes stdout's buffer away, and each line of KTAP becomes some
 * forty writes, of a character or two, each with a switch to who reads them.
 */
static inline void __tdp_buffer_lines(void)
{
	static char buffer[BUFSIZ];

	setvbuf(stdout, buffer, _IOLBF, sizeof(buffer));
}

static inline int __tdp_harness_run(int argc, char **argv, const char *why)
{
	bool asks = argc == 2 && (!strcmp(argv[1], "-l") ||
				  !strcmp(argv[1], "-h"));

	__tdp_buffer_lines();
	if (why && !asks) {
		ksft_print_header();
		ksft_exit_skip("%s\n", why);
	}
	__tdp_scale_timeouts();
	return test_harness_run(argc, argv);
}

#endif /* SELFTEST_TDP_TEST_H */
