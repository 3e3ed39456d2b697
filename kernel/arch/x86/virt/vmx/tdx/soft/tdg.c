// SPDX-License-Identifier: GPL-2.0
/*
 * TDG.*: what a TD asks of the module.
 */
#include "field.h"
#include "sept.h"
#include "tdg.h"

static u64 violation(struct tdg_call *tdg, u64 gpa, u64 access, u64 allowed,
		     u64 extended)
{
	tdg->result.outcome = TDG_EPT_VIOLATION;
	tdg->result.gpa = gpa & ~(SOFT_PAGE_SIZE - 1);
	tdg->result.qualification = access | allowed << EPT_ALLOWED_SHIFT;
	tdg->result.extended = extended;
	return STAT_SUCCESS;
}

/* What the host is told of a call that met an entry it cannot work on. */
static u64 entry_violation(struct tdg_call *tdg, u64 gpa, int level,
			   const struct sept_walk *walk, enum td_exit_type type)
{
	u64 out[SOFT_NR_REGS] = {};
	struct soft_call shown = { .out = out };
	u64 state, info;

	sept_report(&shown, walk->value, walk->level);
	state = out[RDX] >> 8;
	info = level | walk->level << 3 | state << 6 |
	       (u64)sept_is_leaf(walk->value) << 14;
	return violation(tdg, gpa, EPT_WRITE, walk->value & SEPT_RWX,
			 info << 32 | type);
}

/* The outcome where a TD touches @gpa, with @access, and must not. */
static void judge_private(struct tdg_call *tdg, u64 gpa, u64 qualification)
{
	const struct tdcs *tdcs = tdg->call.tdcs;
	struct sept_walk walk;

	tdg->result = (struct tdg_result){
		.outcome = TDG_EPT_VIOLATION,
		.gpa = gpa,
		.qualification = qualification,
	};
	sept_walk(tdcs, gpa, LEVEL_4K, &walk);
	if (!sept_is_in(walk.value, SEPT_IN(SEPT_PENDING)))
		return;
	if (tdcs->td_ctls & 1)
		tdg->result.extended = TD_EXIT_PENDING;
	else
		tdg->result.outcome = TDG_VE;
}

/* The entry of the host's own EPT where a walk for @gpa ends. */
static u64 shared_walk(const struct tdg_call *tdg, u64 gpa, int *level)
{
	u64 table = tdg->call.vp->shared_eptp;
	u64 entry;

	for (*level = tdg->call.tdcs->ept_top; ; (*level)--) {
		const u64 *entries;

		if (!soft_is_memory(table))
			return SEPT_SUPPRESS_VE;
		entries = soft_memory(table);
		entry = __atomic_load_n(&entries[(gpa >> LEVEL_SHIFT(*level)) %
						 SOFT_ENTRIES],
					__ATOMIC_RELAXED);
		if (!sept_is_present(entry) || sept_is_leaf(entry) || !*level)
			return entry;
		table = entry & SEPT_ADDRESS;
	}
}

/* An entry without bit 63 asks for a #VE instead of an exit: MMIO. */
static void judge_shared(struct tdg_call *tdg, u64 gpa, u64 qualification)
{
	int level;
	u64 entry = shared_walk(tdg, gpa, &level);

	tdg->result = (struct tdg_result){
		.outcome = entry & SEPT_SUPPRESS_VE ? TDG_EPT_VIOLATION : TDG_VE,
		.gpa = gpa,
		.qualification = qualification,
	};
}

void soft_ept_violation(struct tdg_call *tdg, u64 gpa, u64 qualification)
{
	if (gpa_is_shared(tdg->call.tdcs, gpa))
		judge_shared(tdg, gpa, qualification);
	else
		judge_private(tdg, gpa, qualification);
}

/* The memory at @gpa, if the TD has @access to it; @entry says who maps it. */
static void *find_memory(const struct tdg_call *tdg, u64 gpa, u64 access,
			 u64 *entry)
{
	struct sept_walk walk;
	u64 mask, pa;

	if (gpa_is_shared(tdg->call.tdcs, gpa))
		walk.value = shared_walk(tdg, gpa, &walk.level);
	else
		sept_walk(tdg->call.tdcs, gpa, LEVEL_4K, &walk);

	*entry = walk.value;
	mask = LEVEL_SIZE(walk.level) - 1;
	pa = (walk.value & SEPT_ADDRESS & ~mask) | (gpa & mask);
	if ((walk.value & access) != access || !soft_is_memory(pa))
		return NULL;
	return soft_memory(pa);
}

const void *soft_td_peek(const struct tdg_call *tdg, u64 gpa)
{
	u64 entry;

	return find_memory(tdg, gpa, EPT_READ, &entry);
}

/*
 * Memory of the TD that a call reads or writes.  Where it is not there, the
 * result says what happens instead, and NULL is returned.
 */
static void *td_memory(struct tdg_call *tdg, u64 gpa, u64 access)
{
	u64 entry;
	void *memory = find_memory(tdg, gpa, access, &entry);

	if (!memory)
		soft_ept_violation(tdg, gpa, access | (entry & SEPT_RWX) <<
				   EPT_ALLOWED_SHIFT);
	return memory;
}

/* RCX selects registers: general ones in 15:0, XMM in 31:16. */
static u64 tdg_vp_vmcall(struct tdg_call *tdg)
{
	u64 forbidden = ~0xffffffffULL | REG(RAX) | REG(RCX) | REG(RSP);

	if (tdg->call.tdcs->config_flags & TD_CONFIG_NO_RBP_MOD)
		forbidden |= REG(RBP);
	if (tdg->call.in[RCX] & forbidden)
		return with_operand(STAT_OPERAND_INVALID, RCX);

	tdg->result.outcome = TDG_VMCALL;
	return STAT_SUCCESS;
}

void soft_vmcall_to_host(struct tdvps *vp, struct soft_regs *host)
{
	u64 selected = vp->regs.gpr[RCX];
	int reg;

	host->gpr[RCX] = selected;
	for (reg = RDX; reg < SOFT_NR_REGS; reg++) {
		if (reg == RSP)
			continue;
		if (selected & REG(reg))
			host->gpr[reg] = vp->regs.gpr[reg];
		else if (reg != RBP)
			host->gpr[reg] = 0;
	}
	vp->last_exit = LAST_EXIT_VMCALL;
}

void soft_vmcall_to_td(struct tdvps *vp, const struct soft_regs *host)
{
	u64 selected = vp->regs.gpr[RCX];
	int reg;

	for (reg = RDX; reg < SOFT_NR_REGS; reg++)
		if (selected & REG(reg))
			vp->regs.gpr[reg] = host->gpr[reg];
	vp->regs.gpr[RAX] = STAT_SUCCESS;
	vp->last_exit = LAST_EXIT_ASYNC;
}

static u64 tdg_vp_info(struct tdg_call *tdg)
{
	const struct tdcs *tdcs = tdg->call.tdcs;
	u64 *out = tdg->call.out;

	out[RCX] = tdcs->gpaw ? 52 : 48;
	out[RDX] = tdcs->attributes;
	out[R8] = (u64)tdcs->max_vcpus << 32 | tdcs->nr_vcpus;
	out[R9] = tdg->call.vp->index;
	out[R10] = 0;
	out[R11] = 0;
	return STAT_SUCCESS;
}

bool soft_note_ve(struct tdvps *vp, const struct ve_info *ve)
{
	if (vp->ve.valid)
		return false;
	vp->ve = *ve;
	vp->ve.valid = true;
	return true;
}

static u64 tdg_vp_veinfo_get(struct tdg_call *tdg)
{
	struct ve_info *ve = &tdg->call.vp->ve;
	u64 *out = tdg->call.out;

	if (!ve->valid)
		return STAT_NO_VALID_VE_INFO;

	out[RCX] = ve->exit_reason;
	out[RDX] = ve->exit_qualification;
	out[R8] = ve->gla;
	out[R9] = ve->gpa;
	out[R10] = ve->instruction;
	ve->valid = false;
	return STAT_SUCCESS;
}

static u64 tdg_vp_cpuidve_set(struct tdg_call *tdg)
{
	u64 control = tdg->call.in[RCX];

	if (control >> 2)
		return with_operand(STAT_OPERAND_INVALID, RCX);

	tdg->call.vp->cpuid_supervisor_ve = control & 1;
	tdg->call.vp->cpuid_user_ve = control >> 1;
	return STAT_SUCCESS;
}

/* RCX: GPA and level. */
static u64 gpa_operand(const struct tdg_call *tdg, int highest, u64 *gpa,
		       int *level)
{
	u64 rcx = tdg->call.in[RCX];

	*level = rcx & 7;
	*gpa = rcx & ~7ULL;
	if (*level > highest || *gpa % LEVEL_SIZE(*level) ||
	    !gpa_is_valid(tdg->call.tdcs, *gpa) ||
	    gpa_is_shared(tdg->call.tdcs, *gpa))
		return with_operand(STAT_OPERAND_INVALID, RCX);
	return STAT_SUCCESS;
}

static u64 lock_entry(struct tdg_call *tdg, struct sept_walk *walk)
{
	u64 status = sept_trylock_guest(walk->entry);

	if (status)
		return with_operand(status, RCX);
	call_holds(&tdg->call, walk->entry, EXCLUSIVE, true);
	walk->value = sept_read(walk->entry);
	return STAT_SUCCESS;
}

/* Zeroes the page; false if an interrupt came before all of it was done. */
static bool accept_page(struct tdg_call *tdg, struct sept_walk *walk)
{
	u64 page = sept_address(walk->value, walk->level);
	u64 done = 0, pages = LEVEL_PAGES(walk->level);

	if (walk->level)
		done = (walk->value & SEPT_ACCEPTED) >> SEPT_ACCEPTED_SHIFT;
	for (;;) {
		memset(soft_memory(page + done * SOFT_PAGE_SIZE), 0,
		       SOFT_PAGE_SIZE);
		if (++done == pages)
			break;
		if (!soft_interrupt_pending())
			continue;
		sept_write(walk->entry, (walk->value & ~SEPT_ACCEPTED) |
			   done << SEPT_ACCEPTED_SHIFT);
		return false;
	}

	call_forgets(&tdg->call, walk->entry);
	sept_write(walk->entry, sept_make_mapped(page));
	return true;
}

static u64 tdg_mem_page_accept(struct tdg_call *tdg)
{
	struct sept_walk walk;
	u64 status, gpa;
	int level;

	status = gpa_operand(tdg, LEVEL_2M, &gpa, &level);
	if (status)
		return status;

	sept_walk(tdg->call.tdcs, gpa, level, &walk);
	if (walk.level != level) {
		if (sept_is_in(walk.value, SEPT_IN(SEPT_MAPPED)))
			return STAT_PAGE_ALREADY_ACCEPTED | walk.level;
		return entry_violation(tdg, gpa, level, &walk, TD_EXIT_ACCEPT);
	}

	status = lock_entry(tdg, &walk);
	if (status)
		return status;
	if (sept_is_in(walk.value, SEPT_ANY_TABLE))
		return STAT_PAGE_SIZE_MISMATCH | level;
	if (sept_is_in(walk.value, SEPT_IN(SEPT_MAPPED)))
		return STAT_PAGE_ALREADY_ACCEPTED | level;
	if (!sept_is_in(walk.value, SEPT_IN(SEPT_PENDING)))
		return entry_violation(tdg, gpa, level, &walk, TD_EXIT_ACCEPT);

	if (!accept_page(tdg, &walk))
		tdg->result.outcome = TDG_AGAIN;
	return STAT_SUCCESS;
}

static void report_attributes(struct tdg_call *tdg, u64 gpa,
			      const struct sept_walk *walk)
{
	bool pending = sept_is_in(walk->value, SEPT_IN(SEPT_PENDING));

	tdg->call.out[RCX] = (gpa & ~(LEVEL_SIZE(walk->level) - 1)) |
			     (u64)pending << 62 | walk->level;
}

static u64 tdg_mem_page_attr_rd(struct tdg_call *tdg)
{
	u64 gpa = tdg->call.in[RCX];
	struct sept_walk walk;
	u64 status;

	if (!gpa_is_valid(tdg->call.tdcs, gpa) ||
	    gpa_is_shared(tdg->call.tdcs, gpa))
		return with_operand(STAT_OPERAND_INVALID, RCX);

	sept_walk(tdg->call.tdcs, gpa, LEVEL_4K, &walk);
	status = lock_entry(tdg, &walk);
	if (status)
		return status;
	if (!sept_is_in(walk.value, SEPT_IN(SEPT_MAPPED) |
			SEPT_IN(SEPT_PENDING)))
		return violation(tdg, gpa, 0, 0, TD_EXIT_PLAIN);

	report_attributes(tdg, gpa, &walk);
	return STAT_SUCCESS;
}

/* Attributes are those of VMs inside the TD, of which there are none. */
static u64 tdg_mem_page_attr_wr(struct tdg_call *tdg)
{
	struct sept_walk walk;
	u64 status, gpa;
	int level;

	if (tdg->call.in[RDX])
		return with_operand(STAT_OPERAND_INVALID, RDX);
	if (tdg->call.in[R8])
		return with_operand(STAT_OPERAND_INVALID, R8);
	status = gpa_operand(tdg, LEVEL_1G, &gpa, &level);
	if (status)
		return status;

	sept_walk(tdg->call.tdcs, gpa, level, &walk);
	if (walk.level != level)
		return entry_violation(tdg, gpa, level, &walk, TD_EXIT_ATTR_WR);
	status = lock_entry(tdg, &walk);
	if (status)
		return status;
	if (sept_is_in(walk.value, SEPT_ANY_TABLE))
		return STAT_PAGE_SIZE_MISMATCH | level;
	if (!sept_is_in(walk.value, SEPT_IN(SEPT_MAPPED) |
			SEPT_IN(SEPT_PENDING)))
		return entry_violation(tdg, gpa, level, &walk, TD_EXIT_ATTR_WR);

	report_attributes(tdg, gpa, &walk);
	return STAT_SUCCESS;
}

static u64 tdg_vm_rd(struct tdg_call *tdg)
{
	if (tdg->call.in[RCX])
		return with_operand(STAT_OPERAND_INVALID, RCX);
	return field_read(&tdg->call, td_fields, nr_td_fields,
			  tdg->call.in[RDX], BY_GUEST, &tdg->call.out[R8]);
}

static u64 tdg_vm_wr(struct tdg_call *tdg)
{
	if (tdg->call.in[RCX])
		return with_operand(STAT_OPERAND_INVALID, RCX);
	return field_write(&tdg->call, td_fields, nr_td_fields,
			   tdg->call.in[RDX], BY_GUEST, tdg->call.in[R8],
			   tdg->call.in[R9], &tdg->call.out[R8]);
}

#define RTMR_ALIGN		64
#define NR_RTMRS		4

static u64 tdg_mr_rtmr_extend(struct tdg_call *tdg)
{
	u64 gpa = tdg->call.in[RCX], index = tdg->call.in[RDX];
	struct tdcs *tdcs = tdg->call.tdcs;
	const void *digest;
	u64 status;

	if (gpa % RTMR_ALIGN || !gpa_is_valid(tdcs, gpa) ||
	    gpa_is_shared(tdcs, gpa))
		return with_operand(STAT_OPERAND_INVALID, RCX);
	digest = td_memory(tdg, gpa, EPT_READ);
	if (!digest)
		return STAT_SUCCESS;
	if (index >= NR_RTMRS)
		return with_operand(STAT_OPERAND_INVALID, RDX);
	status = soft_trylock_guest(&tdcs->rtmr_lock);
	if (status)
		return with_operand(status, OPERAND_RTMR);

	call_holds(&tdg->call, &tdcs->rtmr_lock, EXCLUSIVE, false);
	measure_rtmr(tdcs, index, digest);
	return STAT_SUCCESS;
}

/* TDREPORT_STRUCT. */
struct td_info {
	u64 attributes;
	u64 xfam;
	u64 mrtd[6];
	u64 mrconfigid[6];
	u64 mrowner[6];
	u64 mrownerconfig[6];
	u64 rtmr[4][6];
	u8 reserved[112];
};

struct td_report {
	u8 type[4];
	u8 reserved0[12];
	u8 cpu_svn[16];
	u8 tcb_info_hash[48];
	u8 td_info_hash[48];
	u8 report_data[64];
	u8 reserved1[32];
	u8 mac[32];
	u8 tcb_info[256];
	struct td_info td_info;
};

static_assert(sizeof(struct td_report) == 1024);

#define REPORT_TYPE_TDX		0x81
#define REPORT_DATA_ALIGN	64

static void fill_report(struct td_report *report, const struct tdcs *tdcs,
			const void *data)
{
	struct td_info *info = &report->td_info;
	struct sha384 sha;

	memset(report, 0, sizeof(*report));
	report->type[0] = REPORT_TYPE_TDX;
	memcpy(report->report_data, data, sizeof(report->report_data));
	info->attributes = tdcs->attributes;
	info->xfam = tdcs->xfam;
	memcpy(info->mrtd, tdcs->mrtd, sizeof(info->mrtd));
	memcpy(info->mrconfigid, tdcs->mrconfigid, sizeof(info->mrconfigid));
	memcpy(info->mrowner, tdcs->mrowner, sizeof(info->mrowner));
	memcpy(info->mrownerconfig, tdcs->mrownerconfig,
	       sizeof(info->mrownerconfig));
	memcpy(info->rtmr, tdcs->rtmr, sizeof(info->rtmr));
	sha384_begin(&sha);
	sha384_add(&sha, info, sizeof(*info));
	sha384_end(&sha, report->td_info_hash);
}

/*
 * There is no key, hence no MAC: nobody can take this report for one of a
 * real TD.
 */
static u64 tdg_mr_report(struct tdg_call *tdg)
{
	u64 report_gpa = tdg->call.in[RCX], data_gpa = tdg->call.in[RDX];
	u8 data[REPORT_DATA_ALIGN];
	const void *source;
	void *report;

	if (report_gpa % sizeof(struct td_report) ||
	    !gpa_is_valid(tdg->call.tdcs, report_gpa))
		return with_operand(STAT_OPERAND_INVALID, RCX);
	if (data_gpa % REPORT_DATA_ALIGN ||
	    !gpa_is_valid(tdg->call.tdcs, data_gpa))
		return with_operand(STAT_OPERAND_INVALID, RDX);
	source = td_memory(tdg, data_gpa, EPT_READ);
	if (!source)
		return STAT_SUCCESS;
	if (tdg->call.in[R8])
		return with_operand(STAT_OPERAND_INVALID, R8);
	memcpy(data, source, sizeof(data));
	report = td_memory(tdg, report_gpa, EPT_READ | EPT_WRITE);
	if (!report)
		return STAT_SUCCESS;

	fill_report(report, tdg->call.tdcs, data);
	return STAT_SUCCESS;
}

/* One row each; @zeroed are outputs that are 0 unless the handler sets them. */
struct tdg_leaf {
	u16 number;
	u32 zeroed;
	u64 (*handler)(struct tdg_call *tdg);
};

#define ZERO_VE		(REG(RCX) | REG(RDX) | REG(R8) | REG(R9) | REG(R10))
#define ZERO_GPA	(REG(RCX) | REG(RDX))

static const struct tdg_leaf tdg_leaves[] = {
	{ 0, 0, tdg_vp_vmcall },
	{ 1, 0, tdg_vp_info },
	{ 2, 0, tdg_mr_rtmr_extend },
	{ 3, ZERO_VE, tdg_vp_veinfo_get },
	{ 4, 0, tdg_mr_report },
	{ 5, 0, tdg_vp_cpuidve_set },
	{ 6, 0, tdg_mem_page_accept },
	{ 7, REG(R8), tdg_vm_rd },
	{ 8, REG(R8), tdg_vm_wr },
	{ 23, ZERO_GPA, tdg_mem_page_attr_rd },
	{ 24, ZERO_GPA, tdg_mem_page_attr_wr },
};

/* Of every leaf only version 0 is known. */
static const struct tdg_leaf *find_leaf(u64 rax)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(tdg_leaves); i++)
		if (tdg_leaves[i].number == rax)
			return &tdg_leaves[i];
	return NULL;
}

void soft_tdcall(struct tdg_call *tdg)
{
	struct soft_regs in = tdg->call.vp->regs;
	u64 *out = tdg->call.vp->regs.gpr;
	const struct tdg_leaf *leaf = find_leaf(in.gpr[RAX]);
	u64 status;
	int reg;

	tdg->result.outcome = TDG_DONE;
	if (!leaf) {
		out[RAX] = with_operand(STAT_OPERAND_INVALID, RAX);
		return;
	}

	tdg->call.in = in.gpr;
	tdg->call.out = out;
	for (reg = 0; reg < SOFT_NR_REGS; reg++)
		if (leaf->zeroed & REG(reg))
			out[reg] = 0;
	status = leaf->handler(tdg);
	call_unlock_all(&tdg->call);

	/* A call that is not over leaves the TD's registers as they were. */
	if (tdg->result.outcome == TDG_DONE)
		out[RAX] = status;
	else
		tdg->call.vp->regs = in;
}
