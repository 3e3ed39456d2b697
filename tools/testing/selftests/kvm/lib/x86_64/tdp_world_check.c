// SPDX-License-Identifier: GPL-2.0
#include "tdp_world.h"

/* "level 1 (4K) or 2 (2M) or -ENOENT" */
static void describe_answer(const struct tdp_model_answer *want, char *text,
			    size_t size)
{
	int level, len = 0;

	text[0] = '\0';
	if (want->presence != TDP_MUST_NOT)
		for (level = want->lowest; level <= want->highest; level++)
			len += snprintf(text + len, size - len, "%s%d (%s)",
					len ? " or " : "level ", level,
					tdp_level_name(level));
	if (want->presence != TDP_MUST)
		snprintf(text + len, size - len, "%s-ENOENT", len ? " or " : "");
}

static u64 wanted_pfn(const struct tdp_world *w,
		      const struct tdp_model_answer *want)
{
	switch (want->source) {
	case TDP_FROM_MEMORY:
		return w->memory_pfns[want->page];
	case TDP_FROM_FILE:
		return w->file_pfns[want->page];
	default:
		return TDP_NO_PFN;
	}
}

static bool answer_fits(const struct tdp_world *w, unsigned int page,
			const struct tdp_model_answer *want,
			const struct kvm_tdp_walk_entry *got)
{
	u64 pfn;

	if (got->ret == -ENOENT)
		return want->presence != TDP_MUST && got->pfn == TDP_NO_PFN;
	if (want->presence == TDP_MUST_NOT || got->ret < want->lowest ||
	    got->ret > want->highest)
		return false;
	pfn = wanted_pfn(w, want);
	return pfn != TDP_NO_PFN &&
	       got->pfn == tdp_base_pfn(pfn, tdp_page_gpa(page), got->ret);
}

static bool answer_is_wrong(struct tdp_world *w, unsigned int page,
			    const struct tdp_model_answer *want,
			    const struct kvm_tdp_walk_entry *got,
			    const char *where)
{
	char levels[64];

	describe_answer(want, levels, sizeof(levels));
	return tdp_world_wrong(w,
			       "Wanted %s of %s page %u (pfn 0x%lx), got %d, pfn 0x%lx at GPA page %u, 0x%lx (%s)",
			       levels, want->source == TDP_FROM_FILE ?
			       "guest_memfd" : "memory", want->page,
			       wanted_pfn(w, want), got->ret, (u64)got->pfn, page,
			       tdp_page_gpa(page), where);
}

static void count_answer(struct tdp_world *w, unsigned int page,
			 const struct tdp_model_answer *want)
{
	struct tdp_tally *tally = &w->shared->tally;

	if (!tdp_model_slot_of(&w->model, page)) {
		tally->outside++;
		return;
	}
	switch (want->presence) {
	case TDP_MUST:
		tally->must++;
		tally->levels += want->lowest == want->highest;
		break;
	case TDP_MUST_NOT:
		tally->must_not++;
		break;
	case TDP_MAY:
		tally->may++;
		break;
	}
}

/* The root of its attribute is what is asked of a page; the other has nothing. */
static bool is_counted(const struct tdp_world *w, enum tdp_model_root root,
		       unsigned int page)
{
	return !w->model.config.has_mirror ||
	       w->model.is_private[page] == (root == TDP_MIRROR);
}

/* GPA pages that a method is asked about. */
struct span {
	unsigned int first, nr;
};

static bool check_answers(struct tdp_world *w, unsigned int vcpu,
			  enum tdp_model_root root,
			  enum kvm_tdp_walk_method method, struct span span,
			  const char *where)
{
	const struct kvm_tdp_walk_entry *got = w->got[method];
	struct tdp_model_answer want;
	unsigned int page;

	for (page = span.first; page < span.first + span.nr; page++) {
		want = tdp_model_ask(&w->model, vcpu, root, page);
		if (!answer_fits(w, page, &want, &got[page]))
			return answer_is_wrong(w, page, &want, &got[page], where);
		if (method == KVM_TDP_WALK_TABLE && is_counted(w, root, page))
			count_answer(w, page, &want);
	}
	return true;
}

/* What the model leaves open is the same for both methods nevertheless. */
static bool check_agreement(struct tdp_world *w, struct span span)
{
	const struct kvm_tdp_walk_entry *a = w->got[KVM_TDP_WALK_HELPER];
	const struct kvm_tdp_walk_entry *b = w->got[KVM_TDP_WALK_TABLE];
	unsigned int i;

	for (i = span.first; i < span.first + span.nr; i++)
		if (a[i].ret != b[i].ret || a[i].pfn != b[i].pfn)
			return tdp_world_wrong(w,
					       "HELPER says %d, pfn 0x%lx, TABLE %d, pfn 0x%lx at GPA page %u",
					       a[i].ret, (u64)a[i].pfn, b[i].ret,
					       (u64)b[i].pfn, i);
	return true;
}

/* The ways to ask that make no difference. */
struct manner {
	unsigned int vcpu;
	bool is_private;
	bool shared_bit;
};

/*
 * They take turns, and depend on the last operation alone, so that they are the
 * same when the operations before it are others.
 */
static struct manner choose_manner(const struct tdp_world *w,
				   const struct tdp_op *last)
{
	unsigned int n = last->first + last->nr + last->slot + last->vcpu;

	return (struct manner) {
		.vcpu = n % w->model.config.vcpus,
		.is_private = n & 2,
		.shared_bit = n & 4,
	};
}

/*
 * TABLE answers for the whole guest.  HELPER, a call of KVM for each GPA, takes
 * twenty times as long: it answers for a part around what the operation was about.
 */
#define HELPER_BEFORE	32
#define HELPER_PAGES	(TDP_MODEL_PAGES / 8)

static struct span choose_span(enum kvm_tdp_walk_method method,
			       const struct tdp_op *last)
{
	unsigned int first = last->first > HELPER_BEFORE ?
			     last->first - HELPER_BEFORE : 0;

	if (method == KVM_TDP_WALK_TABLE)
		return (struct span) { 0, TDP_MODEL_PAGES };
	return (struct span) {
		min_t(unsigned int, first, TDP_MODEL_PAGES - HELPER_PAGES),
		HELPER_PAGES,
	};
}

/* One range walk by each method. */
static bool check_root(struct tdp_world *w, const struct tdp_op *last,
		       enum tdp_model_root root)
{
	struct manner manner = choose_manner(w, last);
	u64 gpa = TDP_GPA | (manner.shared_bit ? w->t.vm->arch.s_bit : 0);
	struct span span;
	char where[64];
	int method;

	if (w->model.config.has_mirror)
		manner.is_private = root == TDP_MIRROR;
	for (method = 0; method < KVM_TDP_WALK_NR_METHODS; method++) {
		if (!tdp_has_method(method))
			continue;
		span = choose_span(method, last);
		snprintf(where, sizeof(where), "%s, %s, vCPU %u",
			 tdp_method_name(method),
			 manner.is_private ? "private" : "shared", manner.vcpu);
		memset(&w->got[method][span.first], 0xa5,
		       span.nr * sizeof(w->got[method][0]));
		tdp_walk_range(w->vcpus[manner.vcpu], method,
			       manner.is_private, gpa + span.first * PAGE_SIZE,
			       PAGE_SIZE, span.nr, &w->got[method][span.first]);
		if (!check_answers(w, manner.vcpu, root, method, span, where))
			return false;
	}
	return !tdp_has_method(KVM_TDP_WALK_HELPER) ||
	       check_agreement(w, choose_span(KVM_TDP_WALK_HELPER, last));
}

/* A record is "level,sequence,time,flags;text". */
static bool check_kmsg(struct tdp_world *w)
{
	char record[1024], *text;
	ssize_t len;

	while (w->kmsg >= 0 &&
	       (len = read(w->kmsg, record, sizeof(record) - 1)) > 0) {
		record[len] = '\0';
		text = strchr(record, ';');
		if (!text || (strncmp(text, ";WARNING: ", 10) &&
			      strncmp(text, ";BUG: ", 6)))
			continue;
		text[strcspn(text, "\n")] = '\0';
		return tdp_world_wrong(w, "The kernel complains: %s", text + 1);
	}
	return true;
}

bool tdp_world_check(struct tdp_world *w, const struct tdp_op *last)
{
	if (!check_kmsg(w))
		return false;
	tdp_hva_pfns(w->t.hva, TDP_MODEL_PAGES, w->memory_pfns);
	if (w->model.config.has_private)
		tdp_gmem_pfns(w->t.gmem_fd, 0, TDP_MODEL_PAGES, w->file_pfns);
	if (!check_root(w, last, TDP_DIRECT))
		return false;
	return !w->model.config.has_mirror || check_root(w, last, TDP_MIRROR);
}
