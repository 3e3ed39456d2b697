/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VMX instructions, and the VMCS that a TD's vCPU runs on.
 */
#ifndef _SOFT_VMX_H
#define _SOFT_VMX_H

#include <asm/vmx.h>

#include "glue.h"
#include "tdg.h"

static inline u64 vmcs_read(unsigned long field)
{
	u64 value;

	asm volatile("vmread %1, %0" : "=rm" (value) : "r" (field) : "cc");
	return value;
}

static inline void vmcs_write(unsigned long field, u64 value)
{
	asm volatile("vmwrite %1, %0" : : "r" (field), "rm" (value) : "cc");
}

static inline void vmcs_load(u64 pa)
{
	asm volatile("vmptrld %0" : : "m" (pa) : "cc", "memory");
}

static inline void vmcs_clear(u64 pa)
{
	asm volatile("vmclear %0" : : "m" (pa) : "cc", "memory");
}

/* All ones if there is none. */
static inline u64 vmcs_current(void)
{
	u64 pa;

	asm volatile("vmptrst %0" : "=m" (pa) : : "cc", "memory");
	return pa;
}

/* vmcs.c */
void soft_vmcs_enter(struct tdg_call *tdg);
bool soft_vmcs_run(struct tdg_call *tdg);
void soft_vmcs_leave(struct tdg_call *tdg);
void soft_vmcs_skip(u32 length);
void soft_vmcs_inject(u32 vector, u32 type, bool has_error, u32 error);
void soft_vmcs_reinject(void);

/* guest.c */
bool soft_td_is_at_tdcall(struct tdg_call *tdg);

/* exits.c: serves an exit, or tells the host of it in its registers. */
bool soft_handle_exit(struct tdg_call *tdg, struct soft_regs *host,
		      u64 *status);

/* vmenter.S: false if the processor refused to enter. */
bool soft_vm_enter(struct soft_regs *regs, bool launched);
void soft_vm_exit(void);

#endif /* _SOFT_VMX_H */
