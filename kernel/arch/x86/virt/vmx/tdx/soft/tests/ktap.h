/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests that report in KTAP.
 *
 * A test is a function that registers itself.  CHECK() and its like note a
 * failure and go on; a test without any check fails too.
 */
#ifndef _SOFT_TESTS_KTAP_H
#define _SOFT_TESTS_KTAP_H

#include <stdio.h>

#include "kernel.h"

struct ktap_test {
	const char *name;
	void (*run)(void);
	struct ktap_test *next;
};

/* The program's own: called before each test. */
void ktap_prepare(void);

void ktap_register(struct ktap_test *test);
void ktap_check(int ok, const char *file, int line, const char *what);
void ktap_check_equal(unsigned long long want, unsigned long long got,
		      const char *file, int line, const char *what);

/* Says which of many similar cases is being tried, should it fail. */
__printf(1, 2) void ktap_case(const char *format, ...);

#define TEST(name_)							\
static void name_(void);						\
static struct ktap_test test_##name_ = { #name_, name_, NULL };		\
__attribute__((constructor)) static void register_##name_(void)		\
{									\
	ktap_register(&test_##name_);					\
}									\
static void name_(void)

#define CHECK(condition)						\
	ktap_check(!!(condition), __FILE__, __LINE__, #condition)
#define CHECK_EQUAL(want, got)						\
	ktap_check_equal((want), (got), __FILE__, __LINE__, #got)

#endif /* _SOFT_TESTS_KTAP_H */
