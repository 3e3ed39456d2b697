// SPDX-License-Identifier: GPL-2.0
#include "tdx/td_refuse.h"
#include "tdx/td_soft.h"

const char *td_refuse_lacks(void)
{
	if (access(TD_SOFT_DIR "/refuse", W_OK))
		return "only the software TDX module refuses on demand";
	return NULL;
}

static FILE *open_leaves(void)
{
	FILE *file = fopen(TD_SOFT_DIR "/leaves", "r");

	TDP_ASSERT(file, "Cannot open " TD_SOFT_DIR "/leaves: %s", strerror(errno));
	return file;
}

struct td_leaf_count td_leaf_count(const char *leaf)
{
	struct td_leaf_count count;
	FILE *file = open_leaves();
	bool found = false;
	char name[64];

	while (!found && fscanf(file, "%63s %lu %lu %lu %*u", name, &count.calls,
				&count.failures, &count.refusals) == 4)
		found = !strcmp(name, leaf);
	fclose(file);
	TDP_ASSERT(found, "The software TDX module has no leaf %s", leaf);
	return count;
}

int __td_refuse(const char *line)
{
	return __tdp_write_line(TD_SOFT_DIR "/refuse", line);
}

void td_refuse(const char *leaf, const char *status, int every)
{
	char line[80];
	int r;

	snprintf(line, sizeof(line), "%s %s %d", leaf, status, every);
	r = __td_refuse(line);
	TDP_ASSERT(!r, "Cannot have \"%s\" refused: %s", line, strerror(-r));
}

void td_refuse_nothing(void)
{
	char name[64];
	FILE *file;

	if (td_refuse_lacks())
		return;
	file = open_leaves();
	while (fscanf(file, "%63s %*[^\n]", name) == 1)
		td_refuse(name, "none", 0);
	fclose(file);
}
