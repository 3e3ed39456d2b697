// SPDX-License-Identifier: GPL-2.0
#include "tdp_util.h"

const char *tdp_read_line(const char *path)
{
	static char line[256];
	FILE *f = fopen(path, "r");

	if (!f || !fgets(line, sizeof(line), f))
		line[0] = '\0';
	if (f)
		fclose(f);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

int __tdp_write_line(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		r = -errno;
	close(fd);
	return r;
}

bool tdp_kernel_has(const char *symbol)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[256], *name;
	bool found = false;

	/* "address type name", and the module's behind a tab */
	while (f && !found && fgets(line, sizeof(line), f)) {
		name = strrchr(line, ' ');
		line[strcspn(line, "\t\n")] = '\0';
		found = name && !strcmp(name + 1, symbol);
	}
	if (f)
		fclose(f);
	return found;
}

u64 tdp_repeat(u64 often)
{
	const char *slow = getenv("TDP_SLOW");
	u64 divisor = slow ? strtoull(slow, NULL, 0) : 0;

	return max_t(u64, often / max_t(u64, divisor, 1), 1);
}
