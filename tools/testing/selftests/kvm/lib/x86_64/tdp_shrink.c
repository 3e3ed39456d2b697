// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "tdp_sequence.h"

/* A sequence that fails, and what may still be tried with it. */
struct shrinking {
	struct tdp_op *ops;
	unsigned int nr;
	tdp_fails_fn fails;
	void *arg;
	unsigned int budget;
};

#define MAX_OPS	1024

/* Keep a sequence, as far as it came, if it fails. */
static bool keep_if_fails(struct shrinking *s, const struct tdp_op *ops,
			  unsigned int nr)
{
	unsigned int failed;

	if (!s->budget)
		return false;
	s->budget--;
	failed = s->fails(ops, nr, s->arg);
	if (!failed)
		return false;
	memmove(s->ops, ops, failed * sizeof(*ops));
	s->nr = failed;
	return true;
}

static bool try_without(struct shrinking *s, unsigned int first, unsigned int nr)
{
	struct tdp_op ops[MAX_OPS];

	memcpy(ops, s->ops, first * sizeof(*ops));
	memcpy(ops + first, s->ops + first + nr,
	       (s->nr - first - nr) * sizeof(*ops));
	return keep_if_fails(s, ops, s->nr - nr);
}

/* From the end, as what came last depends on what came first. */
static bool drop_parts(struct shrinking *s, unsigned int part)
{
	unsigned int end = s->nr;
	bool dropped = false;

	while (end && s->budget) {
		unsigned int first = end > part ? end - part : 0;

		if (try_without(s, first, end - first))
			dropped = true;
		end = first < s->nr ? first : s->nr;
	}
	return dropped;
}

static void drop_operations(struct shrinking *s)
{
	unsigned int part = s->nr / 2;

	while (part && s->budget)
		if (!drop_parts(s, part) || part > 1)
			part /= 2;
}

static bool try_range(struct shrinking *s, unsigned int i, unsigned int first,
		      unsigned int nr)
{
	struct tdp_op ops[MAX_OPS];

	if (!nr || nr >= s->ops[i].nr)
		return false;
	memcpy(ops, s->ops, s->nr * sizeof(*ops));
	ops[i].first = first;
	ops[i].nr = nr;
	return keep_if_fails(s, ops, s->nr);
}

/* Slots stay: their edges are what a failure is often about. */
static void shorten_range(struct shrinking *s, unsigned int i)
{
	const struct tdp_op *op;
	unsigned int half;

	do {
		op = &s->ops[i];
		half = op->nr / 2;
	} while (i < s->nr && s->budget &&
		 (try_range(s, i, op->first, op->nr - half) ||
		  try_range(s, i, op->first + half, op->nr - half) ||
		  try_range(s, i, op->first + 1, op->nr - 1)));
}

unsigned int tdp_shrink(struct tdp_op *ops, unsigned int nr, tdp_fails_fn fails,
			void *arg, unsigned int budget)
{
	struct shrinking s = {
		.ops = ops,
		.nr = nr,
		.fails = fails,
		.arg = arg,
		.budget = budget,
	};
	unsigned int i;

	drop_operations(&s);
	for (i = 0; i < s.nr; i++)
		if (tdp_op_has_range(&s.ops[i]))
			shorten_range(&s, i);
	return s.nr;
}
