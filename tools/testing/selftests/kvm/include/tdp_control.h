/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For negative controls: an assertion is given what it must refuse, and what it
 * did is looked at.  In place of tdp_test.h, which this file includes.
 */
#ifndef SELFTEST_TDP_CONTROL_H
#define SELFTEST_TDP_CONTROL_H

#include <stdio.h>

/* Failures that are wanted go to memory, all others where they always go. */
static FILE *control_log;
#define TH_LOG_STREAM	(control_log ?: stderr)

#include "tdp_test.h"

/* What an assertion did, when it was allowed to judge a harness of its own. */
struct control_result {
	int exit_code;
	char log[4096];
};

static struct control_result control_end(struct __test_metadata *fake,
					 char **log)
{
	struct control_result result = { .exit_code = fake->exit_code };

	/* The text is there only once the stream is closed. */
	fclose(control_log);
	control_log = NULL;
	snprintf(result.log, sizeof(result.log), "%s", *log);
	free(*log);
	return result;
}

/*
 * Run a statement with a harness that only it can fail, and yield what it did.
 * The statement stands in the caller, whose variables it may use.
 */
#define CONTROL(...) ({							\
	struct __test_metadata __fake = { .name = "control" };		\
	char *__log = NULL;						\
	size_t __size;							\
									\
	control_log = open_memstream(&__log, &__size);			\
	{								\
		struct __test_metadata *_metadata = &__fake;		\
									\
		__VA_ARGS__;						\
	}								\
	control_end(&__fake, &__log);					\
})

/* The statement must fail and say @text. */
#define EXPECT_REFUSED(text, ...) do {					\
	struct control_result __r = CONTROL(__VA_ARGS__);		\
	const char *__text = (text);					\
									\
	EXPECT_EQ(__r.exit_code, KSFT_FAIL);				\
	EXPECT_NE(strstr(__r.log, __text), NULL)			\
		TH_LOG("Wanted \"%s\" in: %s", __text, __r.log);	\
} while (0)

/* The statement must not fail. */
#define EXPECT_ACCEPTED(...) do {					\
	struct control_result __r = CONTROL(__VA_ARGS__);		\
									\
	EXPECT_EQ(__r.exit_code, KSFT_PASS)				\
		TH_LOG("Refused: %s", __r.log);				\
	EXPECT_STREQ(__r.log, "");					\
} while (0)

#endif /* SELFTEST_TDP_CONTROL_H */
