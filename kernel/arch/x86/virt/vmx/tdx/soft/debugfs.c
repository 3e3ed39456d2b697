// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/tdx_soft: what was called how often, and what to refuse.
 *
 *	leaves	one line a leaf: name, calls, failures, refusals, cycles
 *	refuse	write "LEAF STATUS [EVERY [twice]]", for example
 *		"TDH_MEM_TRACK busy 10": every tenth call returns
 *		TDX_OPERAND_BUSY.  Without EVERY only the next call does.
 *		STATUS is busy, busy-epoch, interrupted, no-entropy, a number,
 *		or none.  A call that repeats a refused one is let through,
 *		as the real module would, unless "twice" is given.
 *		"interrupted" stops a leaf half-way that looks for interrupts,
 *		at every so many of the places where it does; other leaves
 *		cannot be (EINVAL).
 */
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/kstrtox.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "refuse.h"

static int leaves_show(struct seq_file *file, void *data)
{
	u32 i;

	for (i = 0; i < SOFT_NR_LEAVES; i++) {
		const struct soft_count *count = &soft_counts[i];

		seq_printf(file, "%-24s %10llu %10llu %10llu %14llu\n",
			   soft_leaves[i].name, count->calls, count->failures,
			   count->refusals, count->cycles);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(leaves);

static const struct {
	const char *name;
	u64 status;
} refusal_names[] = {
	{ "none", 0 },
	{ "busy", STAT_OPERAND_BUSY },
	{ "busy-epoch", STAT_PREVIOUS_EPOCH_BUSY },
	{ "interrupted", STAT_INTERRUPTED_RESUMABLE },
	{ "no-entropy", STAT_RND_NO_ENTROPY },
};

static int parse_status(const char *word, u64 *status)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(refusal_names); i++)
		if (!strcmp(word, refusal_names[i].name)) {
			*status = refusal_names[i].status;
			return 0;
		}
	return kstrtou64(word, 0, status);
}

static int find_row(const char *name)
{
	u32 i;

	for (i = 0; i < SOFT_NR_LEAVES; i++)
		if (!strcmp(name, soft_leaves[i].name))
			return i;
	return -ENOENT;
}

/* One at a time: soft_refusal_set() is not meant for several. */
static DEFINE_MUTEX(refuse_lock);

static int parse_refusal(char *line)
{
	char *name = strsep(&line, " "), *word = strsep(&line, " ");
	bool twice = false;
	u64 status;
	u32 every = 0;
	int row, ret;

	if (!name || !word)
		return -EINVAL;
	row = find_row(name);
	if (row < 0)
		return row;
	ret = parse_status(word, &status);
	if (ret)
		return ret;

	word = strsep(&line, " ");
	if (word && *word) {
		ret = kstrtou32(word, 0, &every);
		if (ret)
			return ret;
		word = strsep(&line, " ");
		twice = word && !strcmp(word, "twice");
	}
	guard(mutex)(&refuse_lock);
	return soft_refusal_set(row, status, every, twice) ? 0 : -EINVAL;
}

static ssize_t refuse_write(struct file *file, const char __user *buffer,
			    size_t count, loff_t *position)
{
	char line[80];
	int ret;

	if (count >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buffer, count))
		return -EFAULT;
	line[count] = '\0';
	ret = parse_refusal(strim(line));
	return ret ?: count;
}

static const struct file_operations refuse_fops = {
	.owner = THIS_MODULE,
	.write = refuse_write,
};

static int __init soft_debugfs_init(void)
{
	struct dentry *folder = debugfs_create_dir("tdx_soft", NULL);

	debugfs_create_file("leaves", 0400, folder, NULL, &leaves_fops);
	debugfs_create_file("refuse", 0200, folder, NULL, &refuse_fops);
	return 0;
}
late_initcall(soft_debugfs_init);
