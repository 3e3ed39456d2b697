// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "tdp_sequence.h"

unsigned int tdp_random(unsigned long long *rng, unsigned int below)
{
	unsigned long long x;

	*rng += 0x9e3779b97f4a7c15ULL;
	x = *rng;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return (x ^ (x >> 31)) % below;
}

static bool is_one_in(unsigned long long *rng, unsigned int n)
{
	return !tdp_random(rng, n);
}

/* What a kind of operation takes, and how often it comes. */
enum {
	TAKES_VCPU = 1,
	TAKES_SLOT = 2,
	TAKES_RANGE = 4,
	/* Takes time for each page. */
	TAKES_FEW = 8,
	/* Can be done while vCPUs are at work. */
	BESIDE = 16,
};

static const struct {
	const char *text;
	unsigned int takes;
	unsigned int weight;
} kinds[TDP_NR_OPS] = {
	[TDP_OP_READ] = { "vCPU reads GPA pages",
		TAKES_VCPU | TAKES_RANGE | TAKES_FEW, 24 },
	[TDP_OP_WRITE] = { "vCPU writes GPA pages",
		TAKES_VCPU | TAKES_RANGE | TAKES_FEW, 24 },
	[TDP_OP_RUN] = { "vCPU runs", TAKES_VCPU, 1 },
	[TDP_OP_PREFAULT] = { "KVM_PRE_FAULT_MEMORY of GPA pages",
		TAKES_VCPU | TAKES_RANGE | TAKES_FEW, 14 },
	[TDP_OP_ADD] = { "KVM_TDX_INIT_MEM_REGION of GPA pages",
		TAKES_VCPU | TAKES_RANGE | TAKES_FEW, 16 },
	[TDP_OP_FINALIZE] = { "KVM_TDX_FINALIZE_VM", 0, 6 },
	[TDP_OP_PRIVATE] = { "private attribute for GPA pages",
		TAKES_RANGE | BESIDE, 9 },
	[TDP_OP_SHARED] = { "shared attribute for GPA pages",
		TAKES_RANGE | BESIDE, 9 },
	[TDP_OP_HOLE] = { "hole in guest_memfd pages", TAKES_RANGE | BESIDE, 11 },
	[TDP_OP_ALLOCATE] = { "allocate guest_memfd pages",
		TAKES_RANGE | TAKES_FEW | BESIDE, 1 },
	[TDP_OP_DROP] = { "MADV_DONTNEED of memory pages", TAKES_RANGE | BESIDE, 6 },
	[TDP_OP_DENY] = { "PROT_NONE for memory pages", TAKES_RANGE, 2 },
	[TDP_OP_ALLOW] = { "PROT_READ | PROT_WRITE for all memory", 0, 2 },
	[TDP_OP_TOUCH] = { "write to memory pages",
		TAKES_RANGE | TAKES_FEW | BESIDE, 3 },
	[TDP_OP_CREATE] = { "create slot", TAKES_SLOT | TAKES_RANGE, 12 },
	[TDP_OP_DELETE] = { "delete slot", TAKES_SLOT | BESIDE, 2 },
	[TDP_OP_MOVE] = { "move slot", TAKES_SLOT | TAKES_RANGE, 1 },
	[TDP_OP_RESIZE] = { "try to resize slot", TAKES_SLOT | BESIDE, 1 },
	[TDP_OP_LOG] = { "log dirty pages of slot", TAKES_SLOT | BESIDE, 3 },
	[TDP_OP_END_LOG] = { "end logging of slot", TAKES_SLOT | BESIDE, 3 },
	[TDP_OP_GET_LOG] = { "KVM_GET_DIRTY_LOG of slot", TAKES_SLOT | BESIDE, 2 },
};

static bool takes(const struct tdp_op *op, unsigned int what)
{
	return kinds[op->kind].takes & what;
}

bool tdp_op_has_range(const struct tdp_op *op)
{
	return takes(op, TAKES_RANGE) && !takes(op, TAKES_SLOT);
}

bool tdp_op_runs_beside(const struct tdp_op *op)
{
	return takes(op, BESIDE);
}

static bool overlaps(unsigned int a, unsigned int b, unsigned int nr_a,
		     unsigned int nr_b)
{
	return a < b + nr_b && b < a + nr_a;
}

static bool is_free(const struct tdp_model *m, unsigned int slot,
		    unsigned int gpa, unsigned int npages)
{
	unsigned int i;

	for (i = 0; i < TDP_MODEL_SLOTS; i++)
		if (i != slot && m->slots[i].used &&
		    overlaps(gpa, m->slots[i].gpa, npages, m->slots[i].npages))
			return false;
	return gpa + npages <= TDP_MODEL_PAGES;
}

static bool file_is_free(const struct tdp_model *m, unsigned int file,
			 unsigned int npages)
{
	unsigned int i;

	for (i = 0; i < TDP_MODEL_SLOTS; i++)
		if (m->slots[i].used && m->slots[i].file != TDP_MODEL_NO_FILE &&
		    overlaps(file, m->slots[i].file, npages, m->slots[i].npages))
			return false;
	return file + npages <= TDP_MODEL_PAGES;
}

static bool can_create(const struct tdp_op *op, const struct tdp_model *m)
{
	if (m->slots[op->slot].used ||
	    !is_free(m, op->slot, op->first, op->nr) ||
	    op->memory + op->nr > TDP_MODEL_PAGES)
		return false;
	return op->file == TDP_MODEL_NO_FILE ||
	       (m->config.has_private && file_is_free(m, op->file, op->nr));
}

/* What KVM lets be moved, and have its dirty pages logged. */
static bool is_plain(const struct tdp_model_slot *s)
{
	return s->used && s->file == TDP_MODEL_NO_FILE;
}

static bool can_move(const struct tdp_op *op, const struct tdp_model *m)
{
	const struct tdp_model_slot *s = &m->slots[op->slot];

	return is_plain(s) && op->first != s->gpa &&
	       is_free(m, op->slot, op->first, s->npages);
}

static bool can_access(const struct tdp_op *op, const struct tdp_model *m)
{
	unsigned int i;

	if (!m->config.has_guest || (m->config.has_mirror && !m->final))
		return false;
	for (i = op->first; i < op->first + op->nr; i++)
		if (tdp_model_guest_reaches(m, i))
			return true;
	return false;
}

/* The model cannot say where to stop at a page that may be there already. */
static bool can_add(const struct tdp_op *op, const struct tdp_model *m)
{
	unsigned int i;

	if (!m->config.has_mirror || m->final)
		return false;
	for (i = op->first; i < op->first + op->nr; i++)
		if (m->leaves[TDP_MIRROR][i].presence == TDP_MAY)
			return false;
	return true;
}

/* A part of a hugetlb page can neither be freed nor be protected. */
static bool covers_whole_huge_pages(const struct tdp_op *op,
				    const struct tdp_model *m)
{
	unsigned int first, i;

	for (i = 0; i < TDP_MODEL_RANGES; i++) {
		first = i * TDP_MODEL_HUGE;
		if (m->config.backing[i] == TDP_HUGETLB &&
		    overlaps(op->first, first, op->nr, TDP_MODEL_HUGE) &&
		    (op->first > first ||
		     op->first + op->nr < first + TDP_MODEL_HUGE))
			return false;
	}
	return true;
}

static bool anything_is_denied(const struct tdp_model *m)
{
	unsigned int i;

	for (i = 0; i < TDP_MODEL_PAGES; i++)
		if (m->memory[i].denied)
			return true;
	return false;
}

static bool has_private_pages(const struct tdp_model *m,
			      const struct tdp_model_slot *s)
{
	unsigned int i;

	for (i = s->gpa; i < s->gpa + s->npages; i++)
		if (m->is_private[i])
			return true;
	return false;
}

static bool can_end_log(const struct tdp_model *m,
			const struct tdp_model_slot *s)
{
	return s->used && s->logging &&
	       !(m->config.log_warns && has_private_pages(m, s));
}

static bool slot_op_applies(const struct tdp_op *op, const struct tdp_model *m)
{
	const struct tdp_model_slot *s = &m->slots[op->slot];

	switch (op->kind) {
	case TDP_OP_CREATE:
		return can_create(op, m);
	case TDP_OP_MOVE:
		return can_move(op, m);
	case TDP_OP_LOG:
		return is_plain(s) && !s->logging;
	case TDP_OP_END_LOG:
		return can_end_log(m, s);
	case TDP_OP_GET_LOG:
		return s->used && s->logging;
	default:
		return s->used;
	}
}

bool tdp_op_applies(const struct tdp_op *op, const struct tdp_model *m)
{
	if (takes(op, TAKES_SLOT))
		return slot_op_applies(op, m);
	if (takes(op, TAKES_RANGE) &&
	    (!op->nr || op->first + op->nr > TDP_MODEL_PAGES))
		return false;

	switch (op->kind) {
	case TDP_OP_READ:
	case TDP_OP_WRITE:
		return can_access(op, m);
	case TDP_OP_RUN:
		return m->config.has_guest && (!m->config.has_mirror || m->final);
	case TDP_OP_ADD:
		return can_add(op, m);
	case TDP_OP_FINALIZE:
		return m->config.has_mirror && !m->final;
	case TDP_OP_PRIVATE:
	case TDP_OP_SHARED:
	case TDP_OP_HOLE:
	case TDP_OP_ALLOCATE:
		return m->config.has_private;
	case TDP_OP_DROP:
		return covers_whole_huge_pages(op, m);
	case TDP_OP_DENY:
		return !m->config.never_denied && covers_whole_huge_pages(op, m);
	case TDP_OP_ALLOW:
		return anything_is_denied(m);
	default:
		return true;
	}
}

static void tell_access(const struct tdp_op *op, struct tdp_model *m)
{
	unsigned int i;

	for (i = op->first; i < op->first + op->nr; i++)
		if (tdp_model_guest_reaches(m, i))
			tdp_model_access(m, op->vcpu, i,
					 op->kind == TDP_OP_WRITE ? TDP_WRITE :
								    TDP_READ);
}

static void tell_slot_op(const struct tdp_op *op, struct tdp_model *m)
{
	struct tdp_model_slot s = {
		.gpa = op->first,
		.npages = op->nr,
		.memory = op->memory,
		.file = op->file,
	};

	switch (op->kind) {
	case TDP_OP_CREATE:
		tdp_model_slot_create(m, op->slot, &s);
		break;
	case TDP_OP_DELETE:
		tdp_model_slot_delete(m, op->slot);
		break;
	case TDP_OP_MOVE:
		tdp_model_slot_move(m, op->slot, op->first);
		break;
	case TDP_OP_LOG:
	case TDP_OP_END_LOG:
		tdp_model_slot_log(m, op->slot, op->kind == TDP_OP_LOG);
		break;
	}
}

static void tell_memory_op(const struct tdp_op *op, struct tdp_model *m)
{
	switch (op->kind) {
	case TDP_OP_PRIVATE:
	case TDP_OP_SHARED:
		tdp_model_set_private(m, op->first, op->nr,
				      op->kind == TDP_OP_PRIVATE);
		break;
	case TDP_OP_HOLE:
		tdp_model_hole(m, op->first, op->nr);
		break;
	case TDP_OP_DROP:
		tdp_model_drop(m, op->first, op->nr);
		break;
	case TDP_OP_DENY:
		tdp_model_deny(m, op->first, op->nr);
		break;
	case TDP_OP_ALLOW:
		tdp_model_allow(m);
		break;
	case TDP_OP_TOUCH:
		tdp_model_touch(m, op->first, op->nr);
		break;
	}
}

unsigned int tdp_op_tell(const struct tdp_op *op, struct tdp_model *m)
{
	switch (op->kind) {
	case TDP_OP_READ:
	case TDP_OP_WRITE:
		tell_access(op, m);
		break;
	case TDP_OP_RUN:
		tdp_model_run(m, op->vcpu);
		break;
	case TDP_OP_PREFAULT:
		return tdp_model_prefault(m, op->vcpu, op->first, op->nr);
	case TDP_OP_ADD:
		return tdp_model_add(m, op->vcpu, op->first, op->nr);
	case TDP_OP_FINALIZE:
		tdp_model_finalize(m);
		break;
	default:
		if (takes(op, TAKES_SLOT))
			tell_slot_op(op, m);
		else
			tell_memory_op(op, m);
	}
	return op->nr;
}

static int print_pages(char *text, unsigned long size, const char *what,
		       unsigned int first, unsigned int nr)
{
	return snprintf(text, size, "%s %u to %u", what, first, first + nr - 1);
}

static int print_create(const struct tdp_op *op, char *text, unsigned long size)
{
	int len = print_pages(text, size, ": GPA pages", op->first, op->nr);

	len += print_pages(text + len, size - len, ", memory pages", op->memory,
			   op->nr);
	if (op->file != TDP_MODEL_NO_FILE)
		len += print_pages(text + len, size - len,
				   ", guest_memfd pages", op->file, op->nr);
	return len;
}

void tdp_op_print(const struct tdp_op *op, char *text, unsigned long size)
{
	int len = snprintf(text, size, "%s", kinds[op->kind].text);

	if (takes(op, TAKES_SLOT))
		len += snprintf(text + len, size - len, " %u", op->slot);
	if (op->kind == TDP_OP_CREATE)
		len += print_create(op, text + len, size - len);
	else if (op->kind == TDP_OP_MOVE)
		len += snprintf(text + len, size - len, " to GPA page %u",
				op->first);
	else if (takes(op, TAKES_RANGE))
		len += print_pages(text + len, size - len, "", op->first,
				   op->nr);
	if (takes(op, TAKES_VCPU))
		snprintf(text + len, size - len, ", vCPU %u", op->vcpu);
}

/* The most pages that one operation takes that takes time for each. */
#define FEW		20

/* Whole huge pages, the edges between them, single pages, and anything. */
static void random_range(struct tdp_op *op, unsigned long long *rng)
{
	unsigned int most = takes(op, TAKES_FEW) ? FEW : TDP_MODEL_PAGES;
	unsigned int range = tdp_random(rng, TDP_MODEL_RANGES);
	unsigned int first = range * TDP_MODEL_HUGE, nr = 1;

	switch (tdp_random(rng, 8)) {
	case 0:
	case 1:
		nr = TDP_MODEL_HUGE;
		break;
	case 2:
		/* From shortly before or behind an edge. */
		first = (first + TDP_MODEL_PAGES - 3 + tdp_random(rng, 6)) %
			TDP_MODEL_PAGES;
		nr = 1 + tdp_random(rng, 6);
		break;
	case 3:
	case 4:
		first = tdp_random(rng, TDP_MODEL_PAGES);
		break;
	case 5:
	case 6:
		first = tdp_random(rng, TDP_MODEL_PAGES);
		nr = 1 + tdp_random(rng, FEW);
		break;
	default:
		first = tdp_random(rng, TDP_MODEL_PAGES);
		nr = 1 + tdp_random(rng, TDP_MODEL_PAGES);
		break;
	}

	if (nr > most)
		nr = most;
	if (nr > TDP_MODEL_PAGES - first)
		nr = TDP_MODEL_PAGES - first;
	op->first = first;
	op->nr = nr;
}

/* Whether an operation can change how a page of the GPAs is mapped. */
static bool can_change(const struct tdp_op *op, const struct tdp_model *m,
		       unsigned int page)
{
	if (m->leaves[TDP_DIRECT][page].presence == TDP_MUST_NOT &&
	    m->leaves[TDP_MIRROR][page].presence == TDP_MUST_NOT)
		return false;

	switch (op->kind) {
	case TDP_OP_SHARED:
	case TDP_OP_HOLE:
	case TDP_OP_ALLOCATE:
		return m->is_private[page];
	case TDP_OP_PRIVATE:
	case TDP_OP_DROP:
	case TDP_OP_DENY:
	case TDP_OP_TOUCH:
		return !m->is_private[page];
	default:
		return true;
	}
}

/* The same page, as an operation counts pages. */
static unsigned int page_for(const struct tdp_op *op, const struct tdp_model *m,
			     unsigned int page)
{
	const struct tdp_model_slot *s = tdp_model_slot_of(m, page);

	switch (op->kind) {
	case TDP_OP_HOLE:
	case TDP_OP_ALLOCATE:
		return s->file + page - s->gpa;
	case TDP_OP_DROP:
	case TDP_OP_DENY:
	case TDP_OP_TOUCH:
		return s->memory + page - s->gpa;
	default:
		return page;
	}
}

/*
 * Most pages are not mapped, and little comes of what is done to those.  Have a
 * range reach the first one from anywhere on that is.
 */
static void aim_at_mapped(struct tdp_op *op, const struct tdp_model *m,
			  unsigned long long *rng)
{
	unsigned int page = tdp_random(rng, TDP_MODEL_PAGES);
	unsigned int before = tdp_random(rng, op->nr), i;

	for (i = 0; i < TDP_MODEL_PAGES && !can_change(op, m, page); i++)
		page = (page + 1) % TDP_MODEL_PAGES;
	if (i == TDP_MODEL_PAGES)
		return;

	page = page_for(op, m, page);
	op->first = page > before ? page - before : 0;
	if (op->nr > TDP_MODEL_PAGES - op->first)
		op->nr = TDP_MODEL_PAGES - op->first;
}

/* Congruent to a GPA modulo 2M, as huge leaves need it, but for one in four. */
static unsigned int random_backing(unsigned int gpa, unsigned int npages,
				   unsigned long long *rng)
{
	unsigned int page = gpa % TDP_MODEL_HUGE +
			    TDP_MODEL_HUGE * tdp_random(rng, TDP_MODEL_RANGES);

	if (is_one_in(rng, 4))
		page += tdp_random(rng, TDP_MODEL_HUGE);
	if (page + npages > TDP_MODEL_PAGES)
		page = gpa;
	return page;
}

static void random_slot(struct tdp_op *op, const struct tdp_model *m,
			unsigned long long *rng)
{
	op->first = TDP_MODEL_HUGE * tdp_random(rng, TDP_MODEL_RANGES);
	op->nr = TDP_MODEL_HUGE * (1 + tdp_random(rng, TDP_MODEL_RANGES));
	if (is_one_in(rng, 3)) {
		op->first = tdp_random(rng, TDP_MODEL_PAGES);
		op->nr = 1 + tdp_random(rng, TDP_MODEL_PAGES);
	}
	if (op->nr > TDP_MODEL_PAGES - op->first)
		op->nr = TDP_MODEL_PAGES - op->first;

	op->memory = random_backing(op->first, op->nr, rng);
	op->file = TDP_MODEL_NO_FILE;
	if (m->config.has_private && !is_one_in(rng, 3))
		op->file = random_backing(op->first, op->nr, rng);
}

static enum tdp_op_kind random_kind(unsigned long long *rng)
{
	unsigned int i, pick, all = 0;

	for (i = 0; i < TDP_NR_OPS; i++)
		all += kinds[i].weight;
	pick = tdp_random(rng, all ?: 1);
	for (i = 0; pick >= kinds[i].weight; i++)
		pick -= kinds[i].weight;
	return i;
}

static void random_op(struct tdp_op *op, enum tdp_op_kind kind,
		      const struct tdp_model *m, unsigned long long *rng)
{
	memset(op, 0, sizeof(*op));
	op->kind = kind;
	if (takes(op, TAKES_VCPU))
		op->vcpu = tdp_random(rng, m->config.vcpus);
	if (takes(op, TAKES_SLOT))
		op->slot = tdp_random(rng, TDP_MODEL_SLOTS);
	if (op->kind == TDP_OP_CREATE)
		random_slot(op, m, rng);
	else if (takes(op, TAKES_RANGE))
		random_range(op, rng);
	if (tdp_op_has_range(op) && op->nr < TDP_MODEL_HUGE && is_one_in(rng, 2))
		aim_at_mapped(op, m, rng);
}

static bool is_mapped(const struct tdp_model *m, enum tdp_model_root root)
{
	unsigned int i;

	for (i = 0; i < TDP_MODEL_PAGES; i++)
		if (m->leaves[root][i].presence == TDP_MUST)
			return true;
	return false;
}

/*
 * What changes little comes, but seldom: what has no slot where it begins, and
 * the end of adding pages before there is any.
 */
static bool is_idle(const struct tdp_op *op, const struct tdp_model *m)
{
	switch (op->kind) {
	case TDP_OP_READ:
	case TDP_OP_WRITE:
	case TDP_OP_PREFAULT:
		return !tdp_model_reaches(m, op->first) ||
		       (m->config.has_mirror && !m->final);
	case TDP_OP_ADD:
		return !m->is_private[op->first] ||
		       !tdp_model_reaches(m, op->first);
	case TDP_OP_FINALIZE:
		return !is_mapped(m, TDP_MIRROR);
	case TDP_OP_PRIVATE:
	case TDP_OP_SHARED:
		return !tdp_model_slot_of(m, op->first);
	default:
		return false;
	}
}

/* The vCPUs of a TD that does not run populate by ioctls alone. */
static enum tdp_op_kind kind_for(const struct tdp_model *m,
				 unsigned long long *rng)
{
	enum tdp_op_kind kind = random_kind(rng);

	if (m->config.has_guest || (kind != TDP_OP_READ && kind != TDP_OP_WRITE))
		return kind;
	return m->config.has_mirror && !m->final ? TDP_OP_ADD : TDP_OP_PREFAULT;
}

/* Most of what is made at random does not apply, or is idle: how often to try. */
#define TRIES	8

static bool try_kind(struct tdp_op *op, enum tdp_op_kind kind,
		     const struct tdp_model *m, unsigned long long *rng)
{
	bool may_idle = is_one_in(rng, 32);
	unsigned int i;

	for (i = 0; i < TRIES; i++) {
		random_op(op, kind, m, rng);
		if (tdp_op_applies(op, m) && (may_idle || !is_idle(op, m)))
			return true;
	}
	return false;
}

void tdp_op_random(struct tdp_op *op, const struct tdp_model *m,
		   unsigned long long *rng)
{
	while (!try_kind(op, kind_for(m, rng), m, rng))
		;
}
