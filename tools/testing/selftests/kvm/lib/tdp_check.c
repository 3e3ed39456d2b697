// SPDX-License-Identifier: GPL-2.0
#include "tdp_check.h"

struct tdp_msg *tdp_last_msg(void)
{
	static __thread struct tdp_msg msg;

	return &msg;
}

struct tdp_msg *tdp_msg(void)
{
	struct tdp_msg *msg = tdp_last_msg();

	msg->text[0] = '\0';
	tdp_map_clear(msg);
	return msg;
}

static int tdp_want_ret(const struct tdp_expect *want, u64 i)
{
	return want->rets ? want->rets[i] : want->ret;
}

static u64 tdp_want_pfn(const struct tdp_expect *want, u64 i)
{
	int ret = tdp_want_ret(want, i);
	u64 gpa = want->gpa + i * want->stride;

	return ret < 0 ? TDP_NO_PFN : tdp_base_pfn(want->pfns[i], gpa, ret);
}

/* "level 2 (2M)", "-ENOENT", "-95" */
static const char *tdp_ret_str(int ret, char *buf, size_t size)
{
	if (ret == -ENOENT)
		snprintf(buf, size, "-ENOENT");
	else if (ret < 0)
		snprintf(buf, size, "%d", ret);
	else
		snprintf(buf, size, "level %d (%s)", ret, tdp_level_name(ret));
	return buf;
}

static const char *tdp_pfn_str(u64 pfn, char *buf, size_t size)
{
	if (pfn == TDP_NO_PFN)
		snprintf(buf, size, "none");
	else
		snprintf(buf, size, "0x%lx", pfn);
	return buf;
}

static void tdp_describe(const struct tdp_expect *want, u64 i,
			 const struct kvm_tdp_walk_entry *got,
			 const char *where, struct tdp_msg *msg)
{
	u64 pfn = tdp_want_pfn(want, i), gpa = want->gpa + i * want->stride;
	int ret = tdp_want_ret(want, i);
	char a[32], b[32];

	if (ret != got->ret)
		snprintf(msg->text, sizeof(msg->text),
			 "Wanted %s, got %s at gpa 0x%lx (%s)",
			 tdp_ret_str(ret, a, sizeof(a)),
			 tdp_ret_str(got->ret, b, sizeof(b)), gpa, where);
	else
		snprintf(msg->text, sizeof(msg->text),
			 "Wanted base pfn %s, got %s at gpa 0x%lx (%s)",
			 tdp_pfn_str(pfn, a, sizeof(a)),
			 tdp_pfn_str(got->pfn, b, sizeof(b)), gpa, where);
}

/* The PFN of a leaf's 4K page is what people know a page by, not its base. */
static void tdp_draw(const struct tdp_expect *want,
		     const struct kvm_tdp_walk_entry *got, const char *where,
		     struct tdp_msg *msg)
{
	struct tdp_leaf wanted = {}, found = {};
	struct tdp_map map;
	u64 i, gpa;

	tdp_map_begin(&map, msg, where, want->gpa, want->stride, want->nr);
	for (i = 0; i < want->nr; i++) {
		gpa = want->gpa + i * want->stride;
		wanted.ret = tdp_want_ret(want, i);
		wanted.pfn = wanted.ret < 0 ? TDP_NO_PFN : want->pfns[i];
		found.ret = got[i].ret;
		found.pfn = got[i].pfn;
		if (found.pfn != TDP_NO_PFN && found.ret >= PG_LEVEL_4K)
			found.pfn = tdp_exact_pfn(&got[i], gpa);
		tdp_map_add(&map, &wanted, &found);
	}
	tdp_map_end(&map);
}

bool tdp_check_answers(const struct tdp_expect *want,
		       const struct kvm_tdp_walk_entry *got, const char *where,
		       struct tdp_msg *msg)
{
	u64 i, wrong = 0;
	size_t len;

	for (i = 0; i < want->nr; i++) {
		if (got[i].ret == tdp_want_ret(want, i) &&
		    got[i].pfn == tdp_want_pfn(want, i))
			continue;
		if (!wrong++)
			tdp_describe(want, i, &got[i], where, msg);
	}

	if (wrong > 1) {
		len = strlen(msg->text);
		snprintf(msg->text + len, sizeof(msg->text) - len,
			 ", and %lu more of %lu", wrong - 1, want->nr);
	}
	if (wrong) {
		tdp_map_clear(msg);
		tdp_draw(want, got, where, msg);
	}
	return !wrong;
}

static struct kvm_tdp_walk_entry *tdp_alloc_entries(u64 nr)
{
	struct kvm_tdp_walk_entry *entries = calloc(nr, sizeof(*entries));

	TDP_ASSERT(nr && entries, "No memory for %lu answers", nr);
	return entries;
}

/* How an answer was got: one of the columns that must agree. */
struct tdp_column {
	enum kvm_tdp_walk_method method;
	bool is_private;
};

static int tdp_columns(enum tdp_view view, struct tdp_column *columns)
{
	int method, is_private, nr = 0;

	for (method = 0; method < KVM_TDP_WALK_NR_METHODS; method++) {
		if (!tdp_has_method(method))
			continue;
		for (is_private = 0; is_private < 2; is_private++) {
			if (view == (is_private ? TDP_SHARED_VIEW : TDP_PRIVATE_VIEW))
				continue;
			columns[nr].method = method;
			columns[nr++].is_private = is_private;
		}
	}

	TDP_ASSERT(nr, "The probe has no method of walking");
	return nr;
}

#define TDP_MAX_COLUMNS	(KVM_TDP_WALK_NR_METHODS * 2)

static const char *tdp_column_str(const struct tdp_column *column, char *buf,
				  size_t size)
{
	snprintf(buf, size, "%s, %s", tdp_method_name(column->method),
		 column->is_private ? "private" : "shared");
	return buf;
}

static void tdp_walk_column(struct kvm_vcpu *vcpu,
			    const struct tdp_column *column,
			    const struct tdp_expect *want,
			    struct kvm_tdp_walk_entry *got)
{
	/* An answer that was not written must not pass for one. */
	memset(got, 0xa5, want->nr * sizeof(*got));
	tdp_walk_range(vcpu, column->method, column->is_private, want->gpa,
		       want->stride, want->nr, got);
}

/* The column that differs, or NULL. */
static const struct tdp_column *
tdp_first_wrong(struct kvm_vcpu *vcpu, const struct tdp_expect *want,
		const struct tdp_column *columns, int nr, struct tdp_msg *msg)
{
	struct kvm_tdp_walk_entry *got = tdp_alloc_entries(want->nr);
	const struct tdp_column *wrong = NULL;
	char where[32];
	int i;

	for (i = 0; i < nr && !wrong; i++) {
		tdp_walk_column(vcpu, &columns[i], want, got);
		tdp_column_str(&columns[i], where, sizeof(where));
		if (!tdp_check_answers(want, got, where, msg))
			wrong = &columns[i];
	}

	free(got);
	return wrong;
}

/* What the other root has there, seen by the method that has found a fault. */
static void tdp_draw_other(struct kvm_vcpu *vcpu, const struct tdp_expect *want,
			   struct tdp_column column, struct tdp_msg *msg)
{
	struct kvm_tdp_walk_entry *got = tdp_alloc_entries(want->nr);
	char where[32];

	column.is_private = !column.is_private;
	tdp_walk_column(vcpu, &column, want, got);
	tdp_draw(want, got, tdp_column_str(&column, where, sizeof(where)), msg);
	free(got);
}

static bool tdp_check_beside(struct kvm_vcpu *vcpu, const struct tdp_expect *want,
			     const struct tdp_expect *other, struct tdp_msg *msg)
{
	struct tdp_column columns[TDP_MAX_COLUMNS];
	const struct tdp_column *wrong;
	int nr = tdp_columns(want->view, columns);

	wrong = tdp_first_wrong(vcpu, want, columns, nr, msg);
	if (wrong && other)
		tdp_draw_other(vcpu, other, *wrong, msg);
	return !wrong;
}

bool tdp_check(struct kvm_vcpu *vcpu, const struct tdp_expect *want,
	       struct tdp_msg *msg)
{
	return tdp_check_beside(vcpu, want,
				want->view == TDP_EVERY_VIEW ? want : NULL, msg);
}

bool tdp_check_pair(struct kvm_vcpu *vcpu, const struct tdp_expect *want,
		    const struct tdp_expect *other, struct tdp_msg *msg)
{
	return tdp_check_beside(vcpu, want, other, msg) &&
	       tdp_check_beside(vcpu, other, want, msg);
}

bool tdp_check_leaves(struct kvm_vcpu *vcpu, u64 gpa, u64 nr, int level,
		      const u64 *pfns, struct tdp_msg *msg)
{
	const struct tdp_expect want = {
		.gpa = gpa,
		.stride = PAGE_SIZE,
		.nr = nr,
		.ret = level,
		.pfns = pfns,
	};

	return tdp_check(vcpu, &want, msg);
}

bool tdp_check_leaf(struct kvm_vcpu *vcpu, u64 gpa, int level, u64 pfn,
		    struct tdp_msg *msg)
{
	return tdp_check_leaves(vcpu, gpa, 1, level, &pfn, msg);
}

bool tdp_check_absent(struct kvm_vcpu *vcpu, u64 gpa, u64 nr,
		      struct tdp_msg *msg)
{
	const struct tdp_expect want = {
		.gpa = gpa,
		.stride = nr > 1 ? PAGE_SIZE : 0,
		.nr = nr,
		.ret = -ENOENT,
	};

	return tdp_check(vcpu, &want, msg);
}

/* What one column answered becomes what the others must answer. */
static void tdp_expect_answers(const struct kvm_tdp_walk_entry *got, u64 gpa,
			       u64 stride, u64 nr, int *rets, u64 *pfns)
{
	u64 i;

	for (i = 0; i < nr; i++) {
		rets[i] = got[i].ret;
		pfns[i] = tdp_exact_pfn(&got[i], gpa + i * stride);
	}
}

bool tdp_check_agree(struct kvm_vcpu *vcpu, u64 gpa, u64 stride, u64 nr,
		     struct tdp_msg *msg)
{
	struct kvm_tdp_walk_entry *got = tdp_alloc_entries(nr);
	u64 *pfns = calloc(nr, sizeof(*pfns));
	int *rets = calloc(nr, sizeof(*rets));
	const struct tdp_expect want = {
		.gpa = gpa,
		.stride = stride,
		.nr = nr,
		.rets = rets,
		.pfns = pfns,
	};
	bool ok;

	TDP_ASSERT(pfns && rets, "No memory for %lu answers", nr);
	tdp_walk_range(vcpu, KVM_TDP_WALK_TABLE, false, gpa, stride, nr, got);
	tdp_expect_answers(got, gpa, stride, nr, rets, pfns);
	ok = tdp_check(vcpu, &want, msg);

	free(rets);
	free(pfns);
	free(got);
	return ok;
}
