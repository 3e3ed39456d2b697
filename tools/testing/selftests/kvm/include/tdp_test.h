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

/*
 * Skip the case, with its reason, and execute @statement.  The harness' SKIP()
 * would turn a failure that was noted before into a skip.
 */
#define TDP_SKIP(statement, fmt, ...) do {				\
	if (_metadata->exit_code == KSFT_FAIL)				\
		statement;						\
	SKIP(statement, fmt, ##__VA_ARGS__);				\
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
	TDP_REQUIRE_NOT(tdp_mem_lacks(kind));				\
	tdp_vm_create(t, kind);						\
} while (0)

/* The same, and a slot: backing, GPA, number of 4K pages. */
#define TDP_SETUP_SLOT(t, kind, src, gpa, npages) do {			\
	TDP_REQUIRE_NOT(tdp_mem_lacks(kind));				\
	TDP_REQUIRE_NOT(tdp_backing_lacks(src, (npages) * PAGE_SIZE));	\
	tdp_vm_create(t, kind);						\
	tdp_vm_add_slot(t, src, gpa, npages);				\
} while (0)

/*
 * main() in place of TEST_HARNESS_MAIN: where no case can run at all, the
 * program says why and exits with KSFT_SKIP.  -l and -h work anywhere.
 */
#define TDP_HARNESS_MAIN						\
int main(int argc, char **argv)						\
{									\
	const char *why = tdp_host_lacks();				\
	bool asks = argc == 2 && (!strcmp(argv[1], "-l") ||		\
				  !strcmp(argv[1], "-h"));		\
									\
	if (why && !asks) {						\
		ksft_print_header();					\
		ksft_exit_skip("%s\n", why);				\
	}								\
	return test_harness_run(argc, argv);				\
}

#endif /* SELFTEST_TDP_TEST_H */
