// SPDX-License-Identifier: GPL-2.0
#include "tdp_splat.h"

#define CLEAR_WARN_ONCE	"/sys/kernel/debug/clear_warn_once"

const char *tdp_splat_lacks(void)
{
	if (access(CLEAR_WARN_ONCE, W_OK))
		return "this kernel cannot repeat warnings (clear_warn_once)";
	if (access("/dev/kmsg", W_OK))
		return "the kernel's log cannot be written to";
	if (strcmp(tdp_read_line("/proc/sys/kernel/panic_on_warn"), "0"))
		return "this kernel panics when it warns";
	return NULL;
}

static void mark(const char *text)
{
	char line[160];
	int r;

	/* At the level of a warning: where the mark is seen, so is a splat. */
	snprintf(line, sizeof(line), "<4>run-tests: splat %s\n", text);
	r = __tdp_write_line("/dev/kmsg", line);
	TDP_ASSERT(!r, "Cannot write to the kernel's log: %s", strerror(-r));
}

static void clear_warn_once(void)
{
	int r = __tdp_write_line(CLEAR_WARN_ONCE, "1");

	TDP_ASSERT(!r, "Cannot write to " CLEAR_WARN_ONCE ": %s", strerror(-r));
}

void tdp_splat_begin(const char *text)
{
	char line[128];

	clear_warn_once();
	snprintf(line, sizeof(line), "wanted %s", text);
	mark(line);
}

void tdp_splat_end(void)
{
	clear_warn_once();
	mark("end");
}
