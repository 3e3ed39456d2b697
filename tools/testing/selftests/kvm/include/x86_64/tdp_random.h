/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random sequences of operations on a VM, checked against the model.
 *
 * Sequences are cut into episodes.  Each has a VM of its own, in a process of
 * its own, so that nothing is left of one that failed, and is told by its seed
 * alone.  After each operation every GPA is walked in every root, a part of them
 * by every method, and compared with what the model (tdp_model.h) says; PFNs come from
 * pagemap and guest_memfd's page cache (tdp_truth.h).  A splat in the kernel's log
 * is a failure, too.  A sequence that fails is
 * tried again and again with less of it, and printed.
 *
 * A test gets from the command line, or from the environment, in which a
 * kernel puts what it does not know of its own command line:
 *	-s SEED	 TDP_SEED=SEED	where to begin; printed by each case.  Without it
 *				always the same, but for SOAK
 *	-n N	 TDP_OPS=N	number of operations of each case;
 *				without it, what takes the host some seconds
 *		 SOAK=MINUTES	as many operations as each case has time for
 *	-k	 TDP_KNOWN=1	what this kernel is known to fail at, too
 */
#ifndef SELFTEST_TDP_RANDOM_H
#define SELFTEST_TDP_RANDOM_H

#include "tdp_world.h"

/**
 * tdp_random_arguments() - take -s and -n out of a command line
 * @argc: in and out: number of words
 * @argv: in and out: the words
 *
 * Looks at the environment first.
 */
void tdp_random_arguments(int *argc, char **argv);

/**
 * tdp_random_minutes() - how much longer a case may take than others
 *
 * Return: SOAK, 0 without it.
 */
unsigned int tdp_random_minutes(void);

/**
 * tdp_random_run() - do what a case asks for
 * @test: the case
 * @result: out: what came of it
 *
 * Return: true if nothing failed.
 */
bool tdp_random_run(const struct tdp_random_test *test,
		    struct tdp_random_result *result);

/**
 * tdp_random_has() - whether a kind of operation is in a sequence that failed
 * @result: what came of a case
 * @kind: the kind
 *
 * Return: true if it is.
 */
bool tdp_random_has(const struct tdp_random_result *result,
		    enum tdp_op_kind kind);

/*
 * main() of a test of random sequences: takes its own options out of the
 * command line, and leaves the harness' alone.
 */
#define TDP_RANDOM_HARNESS_MAIN(lack)					\
int main(int argc, char **argv)						\
{									\
	struct __fixture_metadata *f;					\
	struct __test_metadata *t;					\
									\
	tdp_random_arguments(&argc, argv);				\
	for (f = __fixture_list; f; f = f->next)			\
		for (t = f->tests; t; t = t->next)			\
			t->timeout += 60 * tdp_random_minutes();	\
	return __tdp_harness_run(argc, argv, lack);			\
}

#endif /* SELFTEST_TDP_RANDOM_H */
