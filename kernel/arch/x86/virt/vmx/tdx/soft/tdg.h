/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The TDCALLs, and what else a TD can make happen.
 */
#ifndef _SOFT_TDG_H
#define _SOFT_TDG_H

#include "soft.h"

/* Why a TD exits where it cannot go on, in EXT_EXIT_QUALIFICATION[3:0]. */
enum td_exit_type {
	TD_EXIT_PLAIN		= 0,
	TD_EXIT_ACCEPT		= 1,
	TD_EXIT_ATTR_WR		= 5,
	TD_EXIT_PENDING		= 6,
};

enum tdg_outcome {
	TDG_DONE,
	TDG_AGAIN,
	TDG_VMCALL,
	TDG_EPT_VIOLATION,
	TDG_VE,
};

/**
 * struct tdg_result - what is to happen after a TDCALL or an EPT violation
 * @outcome: go on after it; do it again; exit with a VMCALL; exit with an EPT
 *	violation; go on with a #VE
 * @gpa: of an EPT violation
 * @qualification: of an EPT violation
 * @extended: of an EPT violation
 */
struct tdg_result {
	enum tdg_outcome outcome;
	u64 gpa;
	u64 qualification;
	u64 extended;
};

/* EPT violation's qualification: what was tried, then what was allowed. */
#define EPT_READ		1ULL
#define EPT_WRITE		2ULL
#define EPT_EXECUTE		4ULL
#define EPT_ALLOWED_SHIFT	3

struct tdg_call {
	struct soft_call call;
	struct tdg_result result;
};

/* Serves the TDCALL whose registers are in the vCPU's TDVPS. */
void soft_tdcall(struct tdg_call *tdg);

/* Judges an EPT violation at @gpa. */
void soft_ept_violation(struct tdg_call *tdg, u64 gpa, u64 qualification);

/* The TD's memory at @gpa, up to the end of the page, if it can read it. */
const void *soft_td_peek(const struct tdg_call *tdg, u64 gpa);

/* Registers of a TD's VMCALL, to the host and back. */
void soft_vmcall_to_host(struct tdvps *vp, struct soft_regs *host);
void soft_vmcall_to_td(struct tdvps *vp, const struct soft_regs *host);

/* Remembers what a #VE is about; false if the last one was not yet read. */
bool soft_note_ve(struct tdvps *vp, const struct ve_info *ve);

#endif /* _SOFT_TDG_H */
