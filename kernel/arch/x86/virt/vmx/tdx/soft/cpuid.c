// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID as a TD sees it: computed once from the processor's own values and
 * TD_PARAMS, kept in a TDCS page.  A TD that asks for any other leaf is told
 * so by a #VE, and may then ask the host.
 */
#include "cpuid.h"

enum { EAX, EBX, ECX, EDX };

#define ALL	0xffffffffu

/**
 * struct cpuid_row - how one leaf is made up
 * @leaf: EAX
 * @subleaf: ECX, or CPUID_NO_SUBLEAF
 * @native: bits that show the processor's own value
 * @fixed: bits that are always set
 * @config: bits that the host sets as it likes
 * @allow: bits that show the processor's own value if the host sets them
 */
struct cpuid_row {
	u32 leaf;
	u32 subleaf;
	u32 native[4];
	u32 fixed[4];
	u32 config[4];
	u32 allow[4];
};

#define NATIVE			{ ALL, ALL, ALL, ALL }
#define CACHE_ROW(n)							\
	{ 0x4, (n), .native = { 0, 0xfff, 0, 0 },			\
	  .config = { 0xffffc3ff, 0xfffff000, ALL, 0xfffffffb } }
#define XSAVE_ROW(n)		{ 0xd, (n), .native = NATIVE }

static const struct cpuid_row cpuid_rows[] = {
	/* Up to the leaf that says "IntelTDX", whatever the processor has. */
	{ 0x0, CPUID_NO_SUBLEAF,
	  .native = { 0, ALL, ALL, ALL }, .fixed = { 0x21 } },
	{ 0x1, CPUID_NO_SUBLEAF,
	  .native = { 0x0fff3fff, 0xff00, 0xc6faa217, 0x07a9fbff },
	  .fixed = { 0, 0, 0x80200000, 0x200 },
	  .config = { 0, 0xff0000, 0, 0 },
	  .allow = { 0, 0, 0x31044d88, 0xb8440000 } },
	{ 0x2, CPUID_NO_SUBLEAF, .fixed = { 0xfeff01 } },
	{ 0x3, CPUID_NO_SUBLEAF },
	CACHE_ROW(0), CACHE_ROW(1), CACHE_ROW(2), CACHE_ROW(3),
	{ 0x4, 4 },
	{ 0x7, 0,
	  .native = { ALL, 0x239424e1, 0x99800080, 0xffd82620 },
	  .allow = { 0, 0xdc2b9b18, 0x02417f65, 0x0005411c } },
	{ 0x7, 1, .allow = { 0x04881db0, 0, 0, 0x00020430 } },
	{ 0xb, 0, .native = NATIVE }, { 0xb, 1, .native = NATIVE },
	{ 0xd, 0, .native = NATIVE }, { 0xd, 1, .native = NATIVE },
	XSAVE_ROW(2), XSAVE_ROW(5), XSAVE_ROW(6), XSAVE_ROW(7), XSAVE_ROW(8),
	XSAVE_ROW(9), XSAVE_ROW(11), XSAVE_ROW(12), XSAVE_ROW(14),
	XSAVE_ROW(15), XSAVE_ROW(17), XSAVE_ROW(18),
	{ 0x15, CPUID_NO_SUBLEAF, .fixed = { 1, 0, 25000000, 0 } },
	{ 0x1f, 0, .native = NATIVE }, { 0x1f, 1, .native = NATIVE },
	{ 0x21, 0, .fixed = { 0, 0x65746e49, 0x20202020, 0x5844546c } },
	{ 0x80000000, CPUID_NO_SUBLEAF, .native = NATIVE },
	{ 0x80000001, CPUID_NO_SUBLEAF, .native = NATIVE },
	{ 0x80000002, CPUID_NO_SUBLEAF, .native = NATIVE },
	{ 0x80000003, CPUID_NO_SUBLEAF, .native = NATIVE },
	{ 0x80000004, CPUID_NO_SUBLEAF, .native = NATIVE },
	{ 0x80000006, CPUID_NO_SUBLEAF, .native = NATIVE },
	{ 0x80000007, CPUID_NO_SUBLEAF, .fixed = { 0, 0, 0, 0x100 } },
	{ 0x80000008, CPUID_NO_SUBLEAF,
	  .config = { 0xff, 0, 0, 0 }, .allow = { 0, 0x200, 0, 0 } },
};

static_assert(ARRAY_SIZE(cpuid_rows) * sizeof(struct soft_cpuid_value) <=
	      SOFT_PAGE_SIZE);

static bool row_is_configurable(const struct cpuid_row *row)
{
	int reg;

	for (reg = EAX; reg <= EDX; reg++)
		if (row->config[reg] || row->allow[reg])
			return true;
	return false;
}

u32 cpuid_nr_configurable(void)
{
	u32 i, count = 0;

	for (i = 0; i < ARRAY_SIZE(cpuid_rows); i++)
		count += row_is_configurable(&cpuid_rows[i]);
	return count;
}

static const struct cpuid_row *configurable_row(u32 index)
{
	const struct cpuid_row *row = cpuid_rows;

	for (;; row++)
		if (row_is_configurable(row) && !index--)
			return row;
}

u64 cpuid_configurable_leaf(u32 index)
{
	const struct cpuid_row *row = configurable_row(index);

	return (u64)row->subleaf << 32 | row->leaf;
}

/* @half 0 is EAX and EBX, 1 is ECX and EDX. */
u64 cpuid_configurable_bits(u32 index, u32 half)
{
	const struct cpuid_row *row = configurable_row(index);
	u32 low = row->config[2 * half] | row->allow[2 * half];
	u32 high = row->config[2 * half + 1] | row->allow[2 * half + 1];

	return (u64)high << 32 | low;
}

static bool compute_row(const struct cpuid_row *row, const u32 *input,
			u32 *output)
{
	u32 native[4];
	int reg;

	soft_cpuid(row->leaf, row->subleaf == CPUID_NO_SUBLEAF ? 0 :
		   row->subleaf, native);
	for (reg = EAX; reg <= EDX; reg++) {
		if (input[reg] & ~(row->config[reg] | row->allow[reg]))
			return false;
		output[reg] = (native[reg] & row->native[reg]) |
			      row->fixed[reg] |
			      (input[reg] & row->config[reg]) |
			      (input[reg] & row->allow[reg] & native[reg]);
	}
	return true;
}

#define XFAM_AVX		BIT_ULL(2)
#define XFAM_AVX512		(7ULL << 5)
#define XFAM_USER		0x000602e7ULL
#define XFAM_SUPERVISOR		0x0000d900ULL

/* The XSAVE area in the standard format, for these components. */
static u32 xsave_size(u64 components)
{
	u32 i, regs[4], size = 576;

	for (i = 2; i < 32; i++) {
		if (!(components & (1ULL << i)))
			continue;
		soft_cpuid(0xd, i, regs);
		if (regs[EAX] + regs[EBX] > size)
			size = regs[EAX] + regs[EBX];
	}
	return size;
}

static void apply_xfam_to_features(const struct cpuid_row *row, u64 xfam,
				   u32 *value)
{
	if (!(xfam & XFAM_AVX) && row->leaf == 1)
		value[ECX] &= ~0x30001000u;
	if (!(xfam & XFAM_AVX) && row->leaf == 7 && !row->subleaf) {
		value[EBX] &= ~0x20u;
		value[ECX] &= ~0x600u;
	}
	if (!(xfam & XFAM_AVX512) && row->leaf == 7 && !row->subleaf) {
		value[EBX] &= ~0xdc230000u;
		value[ECX] &= ~0x5842u;
		value[EDX] &= ~0x80010cu;
	}
}

static void apply_xfam_to_xsave(const struct cpuid_row *row, u64 xfam,
				u32 *value)
{
	if (row->subleaf == 0) {
		value[EAX] = xfam & XFAM_USER;
		value[EBX] = xsave_size(xfam & XFAM_USER);
		value[ECX] = value[EBX];
		value[EDX] = 0;
	} else if (row->subleaf == 1) {
		value[EAX] &= 0xf;
		value[ECX] = xfam & XFAM_SUPERVISOR;
		value[EDX] = 0;
	} else if (!(xfam & (1ULL << row->subleaf))) {
		memset(value, 0, sizeof(struct soft_cpuid_value));
	}
}

static void apply_td(const struct cpuid_row *row, const struct tdcs *tdcs,
		     u32 *value)
{
	apply_xfam_to_features(row, tdcs->xfam, value);
	if (row->leaf == 0xd)
		apply_xfam_to_xsave(row, tdcs->xfam, value);
	if (row->leaf == 0x15)
		value[EBX] = tdcs->tsc_frequency;
	if (row->leaf == 0x80000008)
		value[EAX] = tdcs->virt_maxpa | 48 << 8;
}

u64 cpuid_configure(struct soft_call *call, const struct td_params_page *params)
{
	struct soft_cpuid_value *values = tdcs_page(call->tdr, TDCS_CPUID);
	static const struct soft_cpuid_value none;
	u32 i, used = 0;

	for (i = 0; i < ARRAY_SIZE(cpuid_rows); i++) {
		const struct cpuid_row *row = &cpuid_rows[i];
		const struct soft_cpuid_value *input = &none;

		if (row_is_configurable(row))
			input = &params->cpuid[used++];
		if (!compute_row(row, input->reg, values[i].reg)) {
			call->out[RCX] = (u64)row->subleaf << 32 | row->leaf;
			return with_operand(STAT_OPERAND_INVALID,
					    OPERAND_CPUID_CONFIG);
		}
		apply_td(row, call->tdcs, values[i].reg);
	}

	for (; used < TD_PARAMS_CPUIDS; used++)
		if (memcmp(&params->cpuid[used], &none, sizeof(none)))
			return with_operand(STAT_OPERAND_INVALID, RDX);
	return STAT_SUCCESS;
}

/* @subleaf is CPUID_NO_SUBLEAF for a leaf that has none. */
bool td_cpuid_exact(const struct tdr *tdr, u32 leaf, u32 subleaf,
		    struct soft_cpuid_value *value)
{
	const struct soft_cpuid_value *values = tdcs_page(tdr, TDCS_CPUID);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cpuid_rows); i++) {
		if (cpuid_rows[i].leaf != leaf ||
		    cpuid_rows[i].subleaf != subleaf)
			continue;
		*value = values[i];
		return true;
	}
	return false;
}

bool td_cpuid(const struct tdr *tdr, u32 leaf, u32 subleaf,
	      struct soft_cpuid_value *value)
{
	return td_cpuid_exact(tdr, leaf, CPUID_NO_SUBLEAF, value) ||
	       td_cpuid_exact(tdr, leaf, subleaf, value);
}
