// SPDX-License-Identifier: GPL-2.0
/*
 * Every function that changes what is known ends in settle(), which draws the
 * one conclusion that needs more than a page: a huge leaf is there for all of
 * its pages or for none.
 */
#include <string.h>

#include "tdp_model.h"

static unsigned int range_of(unsigned int page)
{
	return page / TDP_MODEL_HUGE;
}

static unsigned int range_start(unsigned int page)
{
	return page - page % TDP_MODEL_HUGE;
}

static bool slot_has(const struct tdp_model_slot *s, unsigned int page)
{
	return s->used && page >= s->gpa && page - s->gpa < s->npages;
}

const struct tdp_model_slot *tdp_model_slot_of(const struct tdp_model *m,
					       unsigned int page)
{
	unsigned int i;

	for (i = 0; i < TDP_MODEL_SLOTS; i++)
		if (slot_has(&m->slots[i], page))
			return &m->slots[i];
	return NULL;
}

static unsigned int memory_of(const struct tdp_model_slot *s, unsigned int page)
{
	return s->memory + page - s->gpa;
}

static unsigned int file_of(const struct tdp_model_slot *s, unsigned int page)
{
	return s->file + page - s->gpa;
}

static bool has_file(const struct tdp_model_slot *s)
{
	return s->file != TDP_MODEL_NO_FILE;
}

static enum tdp_model_root root_of(const struct tdp_model *m, unsigned int page)
{
	return m->config.has_mirror && m->is_private[page] ? TDP_MIRROR :
							     TDP_DIRECT;
}

bool tdp_model_reaches(const struct tdp_model *m, unsigned int page)
{
	const struct tdp_model_slot *s = tdp_model_slot_of(m, page);

	if (!s)
		return false;
	if (m->is_private[page])
		return has_file(s);
	return !m->memory[memory_of(s, page)].denied;
}

bool tdp_model_guest_reaches(const struct tdp_model *m, unsigned int page)
{
	if (m->config.stale_mmio && m->was_mmio[page] && m->is_private[page])
		return false;
	return tdp_model_reaches(m, page);
}

struct tdp_model_answer tdp_model_ask(const struct tdp_model *m,
				      unsigned int vcpu,
				      enum tdp_model_root root,
				      unsigned int page)
{
	const struct tdp_model_leaf *leaf = &m->leaves[root][page];
	const struct tdp_model_slot *s;
	struct tdp_model_answer answer = {
		.presence = leaf->presence,
		.lowest = leaf->lowest,
		.highest = leaf->highest,
	};

	if (m->loaded[vcpu] < answer.presence)
		answer.presence = m->loaded[vcpu];
	if (answer.presence == TDP_MUST_NOT)
		return answer;
	s = tdp_model_slot_of(m, page);
	if (!s)
		return answer;

	if (m->is_private[page]) {
		answer.source = TDP_FROM_FILE;
		answer.page = file_of(s, page);
	} else {
		answer.source = TDP_FROM_MEMORY;
		answer.page = memory_of(s, page);
	}
	return answer;
}

/* What is said of one page of a range may say something of all of them. */
static void settle_range(struct tdp_model_leaf *leaves)
{
	bool small = false, huge = false;
	unsigned int i;

	for (i = 0; i < TDP_MODEL_HUGE; i++) {
		if (leaves[i].presence == TDP_MUST_NOT ||
		    leaves[i].highest == TDP_MODEL_4K)
			small = true;
		else if (leaves[i].presence == TDP_MUST &&
			 leaves[i].lowest == TDP_MODEL_2M)
			huge = true;
	}

	for (i = 0; i < TDP_MODEL_HUGE; i++) {
		if (small) {
			leaves[i].lowest = TDP_MODEL_4K;
			leaves[i].highest = TDP_MODEL_4K;
		} else if (huge) {
			leaves[i].presence = TDP_MUST;
			leaves[i].lowest = TDP_MODEL_2M;
		}
	}
}

static void settle(struct tdp_model *m)
{
	unsigned int root, page;

	for (root = 0; root < TDP_MODEL_ROOTS; root++)
		for (page = 0; page < TDP_MODEL_PAGES; page += TDP_MODEL_HUGE)
			settle_range(&m->leaves[root][page]);
}

/*
 * A page may be unmapped.  Of a huge leaf there may be the whole left, nothing,
 * or parts.
 */
static void may_unmap(struct tdp_model *m, enum tdp_model_root root,
		      unsigned int page)
{
	struct tdp_model_leaf *leaf = &m->leaves[root][page];
	unsigned int first = page, nr = 1, i;

	if (leaf->presence == TDP_MUST_NOT)
		return;
	if (leaf->highest == TDP_MODEL_2M) {
		first = range_start(page);
		nr = TDP_MODEL_HUGE;
	}

	for (i = first; i < first + nr; i++) {
		leaf = &m->leaves[root][i];
		if (leaf->presence == TDP_MUST)
			leaf->presence = TDP_MAY;
		leaf->lowest = TDP_MODEL_4K;
	}
}

/* A page is unmapped, and no leaf covers it and others any more. */
static void unmap(struct tdp_model *m, enum tdp_model_root root,
		  unsigned int page)
{
	struct tdp_model_leaf *leaves = m->leaves[root];
	unsigned int first = range_start(page), i;

	may_unmap(m, root, page);
	/* The pages of a range have one highest level: see settle_range(). */
	if (leaves[page].highest != TDP_MODEL_4K)
		for (i = first; i < first + TDP_MODEL_HUGE; i++)
			leaves[i].highest = TDP_MODEL_4K;
	leaves[page].presence = TDP_MUST_NOT;
	m->merges[range_of(page)] = false;
}

static void unmap_all(struct tdp_model *m)
{
	memset(m->leaves, 0, sizeof(m->leaves));
	memset(m->merges, 0, sizeof(m->merges));
	memset(m->loaded, 0, sizeof(m->loaded));
	settle(m);
}

void tdp_model_init(struct tdp_model *m, const struct tdp_model_config *config)
{
	unsigned int i;

	memset(m, 0, sizeof(*m));
	m->config = *config;
	for (i = 0; i < TDP_MODEL_PAGES; i++)
		m->memory[i].present = true;
	for (i = 0; i < TDP_MODEL_RANGES; i++)
		m->huge[i] = config->backing[i] != TDP_SMALL;
	settle(m);
}

void tdp_model_slot_create(struct tdp_model *m, unsigned int slot,
			   const struct tdp_model_slot *new)
{
	m->slots[slot] = *new;
	m->slots[slot].used = true;
	m->slots[slot].logging = false;
}

static void unmap_slot(struct tdp_model *m, const struct tdp_model_slot *s)
{
	unsigned int page;

	if (m->config.zaps_all) {
		unmap_all(m);
		return;
	}

	for (page = s->gpa; page < s->gpa + s->npages; page++) {
		unmap(m, TDP_DIRECT, page);
		unmap(m, TDP_MIRROR, page);
	}
	settle(m);
}

void tdp_model_slot_delete(struct tdp_model *m, unsigned int slot)
{
	unmap_slot(m, &m->slots[slot]);
	m->slots[slot].used = false;
}

void tdp_model_slot_move(struct tdp_model *m, unsigned int slot,
			 unsigned int gpa)
{
	unmap_slot(m, &m->slots[slot]);
	m->slots[slot].gpa = gpa;
}

static bool attributes_are_mixed(const struct tdp_model *m, unsigned int page)
{
	unsigned int first = range_start(page), i;

	for (i = first; i < first + TDP_MODEL_HUGE; i++)
		if (m->is_private[i] != m->is_private[page])
			return true;
	return false;
}

static bool slot_has_range(const struct tdp_model_slot *s, unsigned int page)
{
	unsigned int first = range_start(page);

	return slot_has(s, first) && slot_has(s, first + TDP_MODEL_HUGE - 1);
}

/* How large a page may be mapped that is mapped from now on. */
static int level_for(const struct tdp_model *m, unsigned int page)
{
	const struct tdp_model_slot *s = tdp_model_slot_of(m, page);
	unsigned int memory = memory_of(s, page);

	if (m->is_private[page] || s->logging)
		return TDP_MODEL_4K;
	if (!slot_has_range(s, page) || attributes_are_mixed(m, page))
		return TDP_MODEL_4K;
	if (memory % TDP_MODEL_HUGE != page % TDP_MODEL_HUGE)
		return TDP_MODEL_4K;
	return m->huge[range_of(memory)] ? TDP_MODEL_2M : TDP_MODEL_4K;
}

static void set_range(struct tdp_model_leaf *leaves,
		      const struct tdp_model_leaf *value)
{
	unsigned int i;

	for (i = 0; i < TDP_MODEL_HUGE; i++)
		leaves[i] = *value;
}

static const struct tdp_model_leaf small_leaf = {
	TDP_MUST, TDP_MODEL_4K, TDP_MODEL_4K
};

static const struct tdp_model_leaf huge_leaf = {
	TDP_MUST, TDP_MODEL_2M, TDP_MODEL_2M
};

/* A huge leaf may have taken the place of whatever a range had. */
static void may_be_huge(struct tdp_model_leaf *leaves)
{
	unsigned int i;

	for (i = 0; i < TDP_MODEL_HUGE; i++) {
		if (leaves[i].presence == TDP_MUST_NOT) {
			leaves[i].presence = TDP_MAY;
			leaves[i].lowest = TDP_MODEL_4K;
		}
		leaves[i].highest = TDP_MODEL_2M;
	}
}

/* A huge leaf, if a range has one, is split, or it may be. */
static void split(struct tdp_model_leaf *leaves, bool may)
{
	unsigned int i;

	for (i = 0; i < TDP_MODEL_HUGE; i++) {
		leaves[i].lowest = TDP_MODEL_4K;
		if (!may)
			leaves[i].highest = TDP_MODEL_4K;
	}
}

/* A page that may be mapped as large as its range is accessed. */
static void map_huge(struct tdp_model *m, struct tdp_model_leaf *leaves,
		     struct tdp_model_leaf *leaf, unsigned int page)
{
	bool *merges = &m->merges[range_of(page)];

	/* A page that is not mapped yet is mapped by a page fault for certain. */
	if (leaf->presence == TDP_MUST_NOT || *merges) {
		set_range(leaves, &huge_leaf);
		*merges = false;
		return;
	}

	leaf->presence = TDP_MUST;
	may_be_huge(leaves);
}

static void map_small(struct tdp_model_leaf *leaves,
		      struct tdp_model_leaf *leaf, bool logging,
		      enum tdp_model_access how)
{
	if (leaf->presence == TDP_MUST_NOT) {
		*leaf = small_leaf;
		return;
	}

	if (leaf->presence == TDP_MAY)
		leaf->lowest = TDP_MODEL_4K;
	leaf->presence = TDP_MUST;
	/* What was huge before logging may be read, but not be written. */
	if (logging && how != TDP_READ && leaf->highest == TDP_MODEL_2M)
		split(leaves, how == TDP_PREFAULT);
}

static void map(struct tdp_model *m, unsigned int page,
		enum tdp_model_access how)
{
	struct tdp_model_leaf *leaves = m->leaves[root_of(m, page)];
	struct tdp_model_leaf *range = leaves + range_start(page);

	if (level_for(m, page) == TDP_MODEL_2M)
		map_huge(m, range, leaves + page, page);
	else
		map_small(range, leaves + page,
			  tdp_model_slot_of(m, page)->logging, how);
	settle_range(range);
	m->was_mmio[page] = false;
}

/* What shows a page of memory, or of the file, at which GPA. */
static bool shows(const struct tdp_model_slot *s, unsigned int from,
		  unsigned int page)
{
	return s->used && page >= from && page - from < s->npages;
}

/*
 * The process's mapping of a page of memory changes, and KVM hears of it.  Where
 * private memory has the same root it may go, too: no rule says that it stays.
 */
static void memory_changes(struct tdp_model *m, unsigned int page, bool gone)
{
	const struct tdp_model_slot *s;
	unsigned int i, gpa;

	for (i = 0; i < TDP_MODEL_SLOTS; i++) {
		s = &m->slots[i];
		if (!shows(s, s->memory, page))
			continue;
		gpa = s->gpa + page - s->memory;
		if (gone && !m->is_private[gpa])
			unmap(m, TDP_DIRECT, gpa);
		else
			may_unmap(m, TDP_DIRECT, gpa);
	}
}

static void set_present(struct tdp_model *m, unsigned int page, bool zero)
{
	unsigned int first = range_start(page), i;

	if (m->config.backing[range_of(page)] != TDP_HUGETLB) {
		m->memory[page].present = true;
		m->memory[page].zero = zero;
		return;
	}
	for (i = first; i < first + TDP_MODEL_HUGE; i++)
		m->memory[i].present = true;
}

/* Someone accesses memory: the process, or KVM for a vCPU. */
static void access_memory(struct tdp_model *m, unsigned int page, bool write)
{
	struct tdp_model_memory *memory = &m->memory[page];

	if (!memory->present) {
		set_present(m, page, !write);
	} else if (memory->zero && write) {
		memory->zero = false;
		memory_changes(m, page, false);
	}
}

static void populate(struct tdp_model *m, unsigned int page,
		     enum tdp_model_access how)
{
	const struct tdp_model_slot *s = tdp_model_slot_of(m, page);

	if (!m->is_private[page])
		access_memory(m, memory_of(s, page), how == TDP_WRITE);
	map(m, page, how);
}

void tdp_model_run(struct tdp_model *m, unsigned int vcpu)
{
	m->loaded[vcpu] = TDP_MUST;
}

void tdp_model_access(struct tdp_model *m, unsigned int vcpu,
		      unsigned int page, enum tdp_model_access how)
{
	tdp_model_run(m, vcpu);
	populate(m, page, how);
}

/* An ioctl that did nothing may have loaded a root nevertheless. */
static void ioctl_ran(struct tdp_model *m, unsigned int vcpu, unsigned int done)
{
	if (done)
		m->loaded[vcpu] = TDP_MUST;
	else if (m->loaded[vcpu] == TDP_MUST_NOT)
		m->loaded[vcpu] = TDP_MAY;
}

unsigned int tdp_model_prefault(struct tdp_model *m, unsigned int vcpu,
				unsigned int first, unsigned int nr)
{
	unsigned int i;

	if (m->config.has_mirror && !m->final)
		return 0;
	for (i = 0; i < nr && tdp_model_reaches(m, first + i); i++)
		populate(m, first + i, TDP_PREFAULT);
	if (i < nr && !tdp_model_slot_of(m, first + i))
		m->was_mmio[first + i] = true;
	ioctl_ran(m, vcpu, i);
	return i;
}

static bool can_be_added(const struct tdp_model *m, unsigned int page)
{
	return m->is_private[page] && tdp_model_reaches(m, page) &&
	       m->leaves[TDP_MIRROR][page].presence == TDP_MUST_NOT;
}

unsigned int tdp_model_add(struct tdp_model *m, unsigned int vcpu,
			   unsigned int first, unsigned int nr)
{
	unsigned int i;

	if (m->final)
		return 0;
	for (i = 0; i < nr && can_be_added(m, first + i); i++)
		map(m, first + i, TDP_WRITE);
	ioctl_ran(m, vcpu, i);
	return i;
}

void tdp_model_finalize(struct tdp_model *m)
{
	m->final = true;
}

static void log_starts(struct tdp_model *m, const struct tdp_model_slot *s)
{
	unsigned int page;

	if (!m->config.splits_eagerly)
		return;
	for (page = range_start(s->gpa); page < s->gpa + s->npages;
	     page += TDP_MODEL_HUGE)
		if (slot_has_range(s, page))
			split(&m->leaves[TDP_DIRECT][page], false);
}

static bool is_mapped_small(const struct tdp_model_leaf *leaves)
{
	unsigned int i;

	for (i = 0; i < TDP_MODEL_HUGE; i++)
		if (leaves[i].presence != TDP_MUST_NOT &&
		    leaves[i].lowest == TDP_MODEL_4K)
			return true;
	return false;
}

/*
 * What was split is huge again at its next access at the latest: it may be at
 * once, with all pages of the range, and it may be gone until then.
 */
static void log_ends(struct tdp_model *m, const struct tdp_model_slot *s)
{
	struct tdp_model_leaf *leaves;
	unsigned int page, i;

	for (page = range_start(s->gpa); page < s->gpa + s->npages;
	     page += TDP_MODEL_HUGE) {
		leaves = &m->leaves[TDP_DIRECT][page];
		if (!slot_has_range(s, page) ||
		    level_for(m, page) != TDP_MODEL_2M ||
		    !is_mapped_small(leaves))
			continue;
		for (i = 0; i < TDP_MODEL_HUGE; i++)
			may_unmap(m, TDP_DIRECT, page + i);
		may_be_huge(leaves);
		m->merges[range_of(page)] = true;
	}
}

void tdp_model_slot_log(struct tdp_model *m, unsigned int slot, bool on)
{
	struct tdp_model_slot *s = &m->slots[slot];

	s->logging = on;
	if (on)
		log_starts(m, s);
	else
		log_ends(m, s);
	settle(m);
}

static void set_page_private(struct tdp_model *m, unsigned int page,
			     bool is_private)
{
	/* Its leaf is where its old attribute says. */
	if (m->is_private[page] == is_private)
		may_unmap(m, root_of(m, page), page);
	else
		unmap(m, root_of(m, page), page);
	m->is_private[page] = is_private;
}

void tdp_model_set_private(struct tdp_model *m, unsigned int first,
			   unsigned int nr, bool is_private)
{
	bool changes = false;
	unsigned int i;

	for (i = first; i < first + nr; i++)
		changes |= m->is_private[i] != is_private;
	if (!changes)
		return;
	for (i = first; i < first + nr; i++)
		set_page_private(m, i, is_private);
	settle(m);
}

/* Where private memory has a root of its own, a hole concerns that root alone. */
static void file_page_goes(struct tdp_model *m, unsigned int page)
{
	const struct tdp_model_slot *s;
	unsigned int i, gpa;

	for (i = 0; i < TDP_MODEL_SLOTS; i++) {
		s = &m->slots[i];
		if (!shows(s, s->file, page))
			continue;
		gpa = s->gpa + page - s->file;
		if (m->is_private[gpa])
			unmap(m, root_of(m, gpa), gpa);
		else if (!m->config.has_mirror)
			may_unmap(m, TDP_DIRECT, gpa);
	}
}

void tdp_model_hole(struct tdp_model *m, unsigned int first, unsigned int nr)
{
	unsigned int i;

	for (i = first; i < first + nr; i++)
		file_page_goes(m, i);
	settle(m);
}

static void range_may_go(struct tdp_model *m, unsigned int start)
{
	unsigned int i;

	for (i = start; i < start + TDP_MODEL_HUGE; i++)
		memory_changes(m, i, false);
}

/*
 * A part of a range changes.  The rest of a transparent huge page may be
 * unmapped, and is small for good.  Where it is protected otherwise (@cut), the
 * rest of small pages may go as well: the process's areas of memory are cut.
 */
static void split_memory(struct tdp_model *m, unsigned int first,
			 unsigned int nr, bool cut)
{
	unsigned int start;

	for (start = 0; start < TDP_MODEL_PAGES; start += TDP_MODEL_HUGE) {
		if (start + TDP_MODEL_HUGE <= first || start >= first + nr)
			continue;
		if (start >= first && start + TDP_MODEL_HUGE <= first + nr)
			continue;
		if (m->huge[range_of(start)] || cut)
			range_may_go(m, start);
		m->huge[range_of(start)] = false;
	}
}

void tdp_model_drop(struct tdp_model *m, unsigned int first, unsigned int nr)
{
	unsigned int i;

	split_memory(m, first, nr, false);
	for (i = first; i < first + nr; i++) {
		memory_changes(m, i, true);
		m->memory[i].present = false;
		m->memory[i].zero = false;
		/* Nobody asks for transparent huge pages any more. */
		if (m->config.backing[range_of(i)] != TDP_HUGETLB)
			m->huge[range_of(i)] = false;
	}
	settle(m);
}

void tdp_model_deny(struct tdp_model *m, unsigned int first, unsigned int nr)
{
	unsigned int i;

	split_memory(m, first, nr, true);
	for (i = first; i < first + nr; i++) {
		memory_changes(m, i, true);
		m->memory[i].denied = true;
	}
	settle(m);
}

static bool range_is_denied(const struct tdp_model *m, unsigned int start)
{
	unsigned int i;

	for (i = start; i < start + TDP_MODEL_HUGE; i++)
		if (m->memory[i].denied)
			return true;
	return false;
}

void tdp_model_allow(struct tdp_model *m)
{
	unsigned int start, i;

	for (start = 0; start < TDP_MODEL_PAGES; start += TDP_MODEL_HUGE)
		if (range_is_denied(m, start))
			range_may_go(m, start);
	for (i = 0; i < TDP_MODEL_PAGES; i++)
		m->memory[i].denied = false;
	settle(m);
}

void tdp_model_touch(struct tdp_model *m, unsigned int first, unsigned int nr)
{
	unsigned int i;

	for (i = first; i < first + nr; i++)
		if (!m->memory[i].denied)
			access_memory(m, i, true);
	settle(m);
}

/* Mapped by an access, or by none, as it may be now. */
static void may_map(struct tdp_model *m, unsigned int page)
{
	struct tdp_model_leaf *leaves = m->leaves[root_of(m, page)];
	struct tdp_model_leaf *leaf = leaves + page;

	if (level_for(m, page) == TDP_MODEL_2M) {
		may_be_huge(leaves + range_start(page));
		return;
	}
	if (leaf->presence == TDP_MUST_NOT)
		leaf->presence = TDP_MAY;
	if (tdp_model_slot_of(m, page)->logging)
		split(leaves + range_start(page), true);
}

void tdp_model_may_access(struct tdp_model *m, unsigned int first,
			  unsigned int nr)
{
	unsigned int i;

	for (i = first; i < first + nr; i++) {
		const struct tdp_model_slot *s = tdp_model_slot_of(m, i);

		m->was_mmio[i] |= !s;
		if (!tdp_model_reaches(m, i))
			continue;
		if (!m->is_private[i]) {
			access_memory(m, memory_of(s, i), false);
			access_memory(m, memory_of(s, i), true);
			m->memory[memory_of(s, i)].zero = true;
		}
		may_map(m, i);
	}
	for (i = 0; i < TDP_MODEL_VCPUS; i++)
		ioctl_ran(m, i, 0);
	settle(m);
}
