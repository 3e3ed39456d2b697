// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ktap.h"

static struct ktap_test *first, **last = &first;
static unsigned int checks, failures;
static char current_case[128];

void ktap_register(struct ktap_test *test)
{
	*last = test;
	last = &test->next;
}

void ktap_case(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(current_case, sizeof(current_case), format, args);
	va_end(args);
}

static void fail(const char *file, int line)
{
	failures++;
	printf("# %s:%d: ", file, line);
	if (*current_case)
		printf("[%s] ", current_case);
}

void ktap_check(int ok, const char *file, int line, const char *what)
{
	checks++;
	if (ok)
		return;
	fail(file, line);
	printf("Wanted %s\n", what);
}

void ktap_check_equal(unsigned long long want, unsigned long long got,
		      const char *file, int line, const char *what)
{
	checks++;
	if (want == got)
		return;
	fail(file, line);
	printf("Wanted %#llx, got %#llx for %s\n", want, got, what);
}

static int run(struct ktap_test *test, int number)
{
	checks = 0;
	failures = 0;
	*current_case = '\0';
	ktap_prepare();
	test->run();
	if (!checks)
		printf("# Nothing was checked\n");
	printf("%sok %d %s\n", checks && !failures ? "" : "not ", number,
	       test->name);
	return !checks || failures;
}

int main(int argc, char **argv)
{
	struct ktap_test *test;
	int count = 0, failed = 0;

	for (test = first; test; test = test->next)
		count += argc < 2 || !strcmp(argv[1], test->name);

	setlinebuf(stdout);
	printf("KTAP version 1\n1..%d\n", count);
	count = 0;
	for (test = first; test; test = test->next)
		if (argc < 2 || !strcmp(argv[1], test->name))
			failed += run(test, ++count);
	return failed || !count ? EXIT_FAILURE : EXIT_SUCCESS;
}
