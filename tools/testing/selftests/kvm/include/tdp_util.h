/* SPDX-License-Identifier: GPL-2.0 */
/* What every file of the library needs: ending a case, levels, small files. */
#ifndef SELFTEST_TDP_UTIL_H
#define SELFTEST_TDP_UTIL_H

#include <linux/mman.h>

#include <kvm_util.h>
#include <processor.h>

#include "tdp_compat.h"

/*
 * End the case as failed.  The KVM library's TEST_ASSERT() makes a skip of a
 * failure whose errno is EACCES; here a failure is a failure.
 */
#define TDP_ASSERT(cond, fmt, ...)					\
do {									\
	if (!(cond)) {							\
		fprintf(stderr, "# %s:%d: " fmt "\n", __FILE__,		\
			__LINE__, ##__VA_ARGS__);			\
		exit(KSFT_FAIL);					\
	}								\
} while (0)

/**
 * tdp_level_pages() - how many 4K pages a leaf covers
 * @level: PG_LEVEL_4K to PG_LEVEL_1G
 *
 * Return: the number of 4K pages.
 */
static inline u64 tdp_level_pages(int level)
{
	return 1ULL << (9 * (level - PG_LEVEL_4K));
}

/**
 * tdp_level_size() - how many bytes a leaf covers
 * @level: PG_LEVEL_4K to PG_LEVEL_1G
 *
 * Return: the number of bytes.
 */
static inline u64 tdp_level_size(int level)
{
	return tdp_level_pages(level) * PAGE_SIZE;
}

/**
 * tdp_level_name() - a level for messages
 * @level: any number
 *
 * Return: "4K", "2M", "1G", or "?" for what is no leaf's level.
 */
static inline const char *tdp_level_name(int level)
{
	static const char * const names[] = {
		[PG_LEVEL_4K] = "4K", [PG_LEVEL_2M] = "2M", [PG_LEVEL_1G] = "1G",
	};

	return level >= PG_LEVEL_4K && level <= PG_LEVEL_1G ? names[level] : "?";
}

/**
 * tdp_read_line() - the first line of a file in /sys or /proc
 * @path: the file
 *
 * Return: the line without its newline, valid until the next call; empty if
 * there is no such file or it cannot be read.
 */
const char *tdp_read_line(const char *path);

/**
 * __tdp_write_line() - write a value to a file in /sys or /proc
 * @path: the file
 * @value: what to write
 *
 * Return: 0, or a negative errno.
 */
int __tdp_write_line(const char *path, const char *value);

/**
 * tdp_kernel_has() - whether the kernel or a module has a symbol
 * @symbol: its name
 *
 * Reads all of /proc/kallsyms, some ten thousand lines.
 *
 * Return: true if it is there; false also if the kernel does not list its symbols.
 */
bool tdp_kernel_has(const char *symbol);

/**
 * tdp_repeat() - how often a case repeats what shows more the more often it is done
 * @often: the number for a host of the usual speed
 *
 * A host that is N times as slow says so with TDP_SLOW=N in the environment, in
 * which a kernel puts what it does not know of its own command line.
 *
 * Return: @often divided by that, and at least 1.
 */
u64 tdp_repeat(u64 often);

#endif /* SELFTEST_TDP_UTIL_H */
