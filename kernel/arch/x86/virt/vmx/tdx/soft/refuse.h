/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Refusals on demand, within what the real module can do.
 *
 * A host that repeats what was refused gets through: once it has all vCPUs out
 * of the TD nothing is left that the real module could refuse for.  So every
 * call that was refused is remembered until it is repeated, whatever else is
 * called meanwhile.  Where no more calls can be remembered none is refused.
 */
#ifndef _SOFT_REFUSE_H
#define _SOFT_REFUSE_H

#include "leaves.h"

#define SOFT_MAX_REMEMBERED	16

/**
 * struct soft_refusal - how a leaf is refused
 * @status: the completion code; 0 for none
 * @every: refuse every so many calls; 0 for the next one only
 * @twice: refuse repetitions as well, as the real module never would
 * @seen: calls so far
 * @remembered: calls that were refused and not yet repeated; 0 is free
 */
struct soft_refusal {
	u64 status;
	u32 every;
	bool twice;
	u32 seen;
	u64 remembered[SOFT_MAX_REMEMBERED];
};

extern struct soft_refusal soft_refusals[SOFT_NR_LEAVES];

/**
 * soft_refusal_set() - have a leaf refused from now on
 * @row: the leaf
 * @status: the completion code; 0 to end it.  TDX_OPERAND_BUSY gets the operand
 *	that the leaf contends for; TDX_INTERRUPTED_RESUMABLE refuses nothing, but
 *	stops the leaf at the next place where it looks for interrupts
 * @every: every so many calls, or such places; 0 for the next one only
 * @twice: refuse repetitions as well
 *
 * What is remembered of the leaf is forgotten.  Calls may be under way, but no
 * other call of this function.
 *
 * Return: false for a leaf that cannot be stopped half-way.
 */
bool soft_refusal_set(u32 row, u64 status, u32 every, bool twice);

/**
 * soft_refuse() - whether a call is to be refused
 * @row: the leaf
 * @regs: its registers
 *
 * Takes no lock; calls of any number of CPUs can come at once.
 *
 * Return: the completion code to refuse it with, or 0.
 */
u64 soft_refuse(u32 row, const struct soft_regs *regs);

#endif /* _SOFT_REFUSE_H */
