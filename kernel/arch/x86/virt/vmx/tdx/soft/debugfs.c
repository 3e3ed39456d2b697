// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/tdx_soft: what was called how often, who has what, and what
 * to refuse.
 *
 *	leaves	one line a leaf: name, calls, failures, refusals, cycles
 *	exits	one line a reason for which TDs stopped: its number, how often
 *	pages	4K pages that are in use: type, number
 *	keyids	private key ids: state, number
 *	tds	one line a TDR: its address, key id, life cycle, the TD's own
 *		count of its pages, and how many of them are tdcx, tdvpr, sept
 *		and regular pages
 *	reclaim	write a TDR's address: TDH.PHYMEM.PAGE.RECLAIM of every page that
 *		its TD still has, as KVM does not when it has given up a TD
 *	nmi	write a CPU's number to send it an NMI; reads how many arrived
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
#include <linux/irqflags.h>
#include <linux/kstrtox.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "census.h"
#include "glue.h"
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

static int exits_show(struct seq_file *file, void *data)
{
	u32 i;

	for (i = 0; i < SOFT_MAX_EXIT_REASON; i++)
		if (soft_exit_counts[i])
			seq_printf(file, "%u %llu\n", i, soft_exit_counts[i]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(exits);

/* Of all files that show a census; too large for the stack. */
static int show_census(struct seq_file *file,
		       void (*show)(struct seq_file *file,
				    const struct soft_census *census))
{
	struct soft_census *census = kmalloc(sizeof(*census), GFP_KERNEL);

	if (!census)
		return -ENOMEM;
	soft_take_census(census);
	show(file, census);
	kfree(census);
	return 0;
}

static void show_pages(struct seq_file *file, const struct soft_census *census)
{
	seq_printf(file, "tdr %llu\n", census->pages[PT_TDR]);
	seq_printf(file, "tdcx %llu\n", census->pages[PT_TDCX]);
	seq_printf(file, "tdvpr %llu\n", census->pages[PT_TDVPR]);
	seq_printf(file, "sept %llu\n", census->pages[PT_SEPT]);
	seq_printf(file, "regular %llu\n", census->pages[PT_REGULAR]);
	seq_printf(file, "reserved %llu\n", census->pages[PT_RESERVED]);
	seq_printf(file, "orphaned %llu\n", census->orphans);
	seq_printf(file, "missed %llu\n", census->missed);
}

static int pages_show(struct seq_file *file, void *data)
{
	return show_census(file, show_pages);
}
DEFINE_SHOW_ATTRIBUTE(pages);

static void show_keyids(struct seq_file *file, const struct soft_census *census)
{
	seq_printf(file, "free %u\n", census->keyids[KEYID_FREE]);
	seq_printf(file, "assigned %u\n", census->keyids[KEYID_ASSIGNED]);
	seq_printf(file, "flushed %u\n", census->keyids[KEYID_FLUSHED]);
	seq_printf(file, "global %u\n", census->keyids[KEYID_RESERVED]);
}

static int keyids_show(struct seq_file *file, void *data)
{
	return show_census(file, show_keyids);
}
DEFINE_SHOW_ATTRIBUTE(keyids);

static const char * const lifecycle_names[] = {
	[TD_HKID_ASSIGNED] = "assigned",
	[TD_KEYS_CONFIGURED] = "configured",
	[TD_BLOCKED] = "blocked",
	[TD_TEARDOWN] = "teardown",
};

static void show_td(struct seq_file *file, const struct td_census *td)
{
	const struct tdr *tdr = soft_memory(td->tdr);

	seq_printf(file, "0x%llx %u %s %llu %llu %llu %llu %llu\n", td->tdr,
		   tdr->keyid, lifecycle_names[tdr->lifecycle % 4],
		   tdr->children, td->pages[PT_TDCX], td->pages[PT_TDVPR],
		   td->pages[PT_SEPT], td->pages[PT_REGULAR]);
}

static void show_tds(struct seq_file *file, const struct soft_census *census)
{
	u32 i;

	for (i = 0; i < census->nr_tds; i++)
		if (census->tds[i].pages[PT_TDR])
			show_td(file, &census->tds[i]);
}

static int tds_show(struct seq_file *file, void *data)
{
	return show_census(file, show_tds);
}
DEFINE_SHOW_ATTRIBUTE(tds);

/* As the host would, were it to ask: nothing is given back that may not be. */
static u64 reclaim(u64 pa)
{
	struct soft_regs regs = {
		.gpr = { [RAX] = SOFT_PHYMEM_PAGE_RECLAIM, [RCX] = pa },
	};
	unsigned long flags;

	local_irq_save(flags);
	soft_seamcall(&regs);
	local_irq_restore(flags);
	return regs.gpr[RAX];
}

static void reclaim_if_owned(const struct pamt_entry *entry, u64 pa, int level,
			     void *arg)
{
	u64 *tdr = arg;

	if (entry->type != PT_TDR && entry->type != PT_RESERVED &&
	    pamt_owner(entry) == *tdr)
		reclaim(pa);
}

static int reclaim_set(void *data, u64 tdr)
{
	pamt_visit_used(reclaim_if_owned, &tdr);
	return reclaim(tdr) ? -EBUSY : 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(reclaim_fops, NULL, reclaim_set, "0x%llx\n");

static int nmi_set(void *data, u64 cpu)
{
	return soft_send_nmi(min_t(u64, cpu, U32_MAX));
}

static int nmi_get(void *data, u64 *arrived)
{
	*arrived = soft_nmis_arrived();
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(nmi_fops, nmi_get, nmi_set, "%llu\n");

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
	debugfs_create_file("exits", 0400, folder, NULL, &exits_fops);
	debugfs_create_file("pages", 0400, folder, NULL, &pages_fops);
	debugfs_create_file("keyids", 0400, folder, NULL, &keyids_fops);
	debugfs_create_file("tds", 0400, folder, NULL, &tds_fops);
	debugfs_create_file("reclaim", 0200, folder, NULL, &reclaim_fops);
	debugfs_create_file("nmi", 0600, folder, NULL, &nmi_fops);
	debugfs_create_file("refuse", 0200, folder, NULL, &refuse_fops);
	return 0;
}
late_initcall(soft_debugfs_init);
