// SPDX-License-Identifier: GPL-2.0
/*
 * Why a TD stopped, and what follows: the module does it, the TD is told by a
 * #VE and asks the host, or the host is told.
 */
#include <linux/container_of.h>
#include <linux/types.h>
#include <asm/fpu/xcr.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "cpuid.h"
#include "sept.h"
#include "vmx.h"

#define TDCALL_LENGTH		4

static void inject_exception(u32 vector, bool has_error)
{
	soft_vmcs_inject(vector, INTR_TYPE_HARD_EXCEPTION, has_error, 0);
}

/* All registers that the host gets are set, and RBP is left alone. */
static u64 tell_host(struct tdg_call *tdg, struct soft_regs *host, u64 status,
		     const struct tdg_result *violation, u64 interrupt)
{
	u64 rbp = host->gpr[RBP], rsp = host->gpr[RSP];

	memset(host, 0, sizeof(*host));
	host->gpr[RBP] = rbp;
	host->gpr[RSP] = rsp;
	host->gpr[R9] = interrupt;
	if (violation) {
		host->gpr[RCX] = violation->qualification;
		host->gpr[RDX] = violation->extended;
		host->gpr[R8] = violation->gpa;
	}
	tdg->call.vp->last_exit = LAST_EXIT_ASYNC;
	return status;
}

/* The vCPU can never run again. */
static u64 lose_vcpu(struct tdg_call *tdg, struct soft_regs *host, u32 reason)
{
	tdg->call.vp->state = VCPU_DISABLED;
	return tell_host(tdg, host, STAT_NON_RECOVERABLE_VCPU | reason, NULL, 0);
}

/* A TD that does not ask what the last #VE was about gets a #DF. */
static void inject_ve(struct tdg_call *tdg, u32 reason, u64 gla, u64 gpa,
		      u64 qualification)
{
	struct ve_info ve = {
		.exit_reason = reason,
		.exit_qualification = qualification,
		.gla = gla,
		.gpa = gpa,
		.instruction = vmcs_read(VM_EXIT_INSTRUCTION_LEN) |
			       vmcs_read(VMX_INSTRUCTION_INFO) << 32,
	};
	bool in_delivery = vmcs_read(IDT_VECTORING_INFO_FIELD) &
			   VECTORING_INFO_VALID_MASK;

	if (in_delivery || !soft_note_ve(tdg->call.vp, &ve))
		inject_exception(X86_TRAP_DF, true);
	else
		inject_exception(X86_TRAP_VE, false);
}

static void inject_instruction_ve(struct tdg_call *tdg, u32 reason)
{
	inject_ve(tdg, reason, 0, 0, vmcs_read(EXIT_QUALIFICATION));
}

static u32 current_cpl(void)
{
	return vmcs_read(GUEST_SS_AR_BYTES) >> 5 & 3;
}

/* What a TD is not to know of private memory: where in a page it was. */
static bool ept_violation(struct tdg_call *tdg, struct soft_regs *host,
			  u64 *status)
{
	struct tdg_result *result = &tdg->result;

	if (result->outcome == TDG_VE) {
		inject_ve(tdg, EXIT_REASON_EPT_VIOLATION,
			  vmcs_read(GUEST_LINEAR_ADDRESS), result->gpa,
			  result->qualification);
		return true;
	}
	if (!gpa_is_shared(tdg->call.tdcs, result->gpa))
		result->gpa &= ~(SOFT_PAGE_SIZE - 1);
	*status = tell_host(tdg, host, EXIT_REASON_EPT_VIOLATION, result, 0);
	return false;
}

#define NMI_UNBLOCKED_BY_IRET	BIT(12)

static bool exit_ept_violation(struct tdg_call *tdg, struct soft_regs *host,
			       u64 *status)
{
	u64 qualification = vmcs_read(EXIT_QUALIFICATION);
	u64 gpa = vmcs_read(GUEST_PHYSICAL_ADDRESS);

	soft_ept_violation(tdg, gpa, qualification);
	if (tdg->result.outcome != TDG_VE) {
		soft_vmcs_reinject();
		if (qualification & NMI_UNBLOCKED_BY_IRET)
			vmcs_write(GUEST_INTERRUPTIBILITY_INFO,
				   vmcs_read(GUEST_INTERRUPTIBILITY_INFO) |
				   GUEST_INTR_STATE_NMI);
	}
	return ept_violation(tdg, host, status);
}

static bool exit_tdcall(struct tdg_call *tdg, struct soft_regs *host,
			u64 *status)
{
	if (current_cpl()) {
		inject_exception(X86_TRAP_GP, true);
		return true;
	}

	soft_tdcall(tdg);
	switch (tdg->result.outcome) {
	case TDG_DONE:
		soft_vmcs_skip(TDCALL_LENGTH);
		return true;
	case TDG_AGAIN:
		return true;
	case TDG_VMCALL:
		soft_vmcs_skip(TDCALL_LENGTH);
		soft_vmcall_to_host(tdg->call.vp, host);
		*status = EXIT_REASON_TDCALL;
		return false;
	default:
		return ept_violation(tdg, host, status);
	}
}

static bool exit_exception(struct tdg_call *tdg, struct soft_regs *host,
			   u64 *status)
{
	u32 info = vmcs_read(VM_EXIT_INTR_INFO);

	if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR) {
		soft_vmcs_reinject();
		*status = tell_host(tdg, host, EXIT_REASON_EXCEPTION_NMI, NULL,
				    info);
		return false;
	}
	if (soft_td_is_at_tdcall(tdg))
		return exit_tdcall(tdg, host, status);
	inject_exception(X86_TRAP_UD, false);
	return true;
}

static bool exit_interrupt(struct tdg_call *tdg, struct soft_regs *host,
			   u64 *status)
{
	soft_vmcs_reinject();
	*status = tell_host(tdg, host, EXIT_REASON_EXTERNAL_INTERRUPT, NULL,
			    vmcs_read(VM_EXIT_INTR_INFO));
	return false;
}

static void exit_nmi_window(struct tdg_call *tdg)
{
	tdg->call.vp->pend_nmi = 0;
	soft_vmcs_inject(X86_TRAP_NMI, INTR_TYPE_NMI_INTR, false, 0);
}

#define CPUID_OSXSAVE		BIT(27)

/* Parts of CPUID that depend on the vCPU, or on what it is doing. */
static void apply_vcpu(const struct tdg_call *tdg, u32 leaf, u32 subleaf,
		       struct soft_cpuid_value *value)
{
	const u32 *ids = tdcs_page(tdg->call.tdr, TDCS_X2APIC_IDS);
	u32 id = ids[tdg->call.vp->index];

	if (leaf == 1) {
		value->reg[1] = (value->reg[1] & 0x00ffffff) | id << 24;
		value->reg[2] &= ~CPUID_OSXSAVE;
		if (vmcs_read(GUEST_CR4) & X86_CR4_OSXSAVE)
			value->reg[2] |= CPUID_OSXSAVE;
	}
	if (leaf == 0xb || leaf == 0x1f)
		value->reg[3] = id;
	if (leaf == 0xd && !subleaf)
		soft_cpuid(leaf, subleaf, value->reg);
}

static void exit_cpuid(struct tdg_call *tdg)
{
	struct tdvps *vp = tdg->call.vp;
	u32 leaf = vp->regs.gpr[RAX], subleaf = vp->regs.gpr[RCX];
	bool asked = current_cpl() ? vp->cpuid_user_ve : vp->cpuid_supervisor_ve;
	struct soft_cpuid_value value;

	if (asked || !td_cpuid(tdg->call.tdr, leaf, subleaf, &value)) {
		inject_instruction_ve(tdg, EXIT_REASON_CPUID);
		return;
	}

	apply_vcpu(tdg, leaf, subleaf, &value);
	vp->regs.gpr[RAX] = value.reg[0];
	vp->regs.gpr[RBX] = value.reg[1];
	vp->regs.gpr[RCX] = value.reg[2];
	vp->regs.gpr[RDX] = value.reg[3];
	soft_vmcs_skip(vmcs_read(VM_EXIT_INSTRUCTION_LEN));
}

static bool xcr0_is_valid(u64 xcr0, u64 xfam)
{
	u64 avx512 = xcr0 & 0xe0;

	if (xcr0 & ~(xfam & 0xe7) || !(xcr0 & 1))
		return false;
	if (xcr0 & 4 && !(xcr0 & 2))
		return false;
	return !avx512 || (avx512 == 0xe0 && xcr0 & 4);
}

static void exit_xsetbv(struct tdg_call *tdg)
{
	struct tdvps *vp = tdg->call.vp;
	u64 xcr0 = vp->regs.gpr[RDX] << 32 | (u32)vp->regs.gpr[RAX];

	if ((u32)vp->regs.gpr[RCX] || !xcr0_is_valid(xcr0, vp->xfam)) {
		inject_exception(X86_TRAP_GP, true);
		return;
	}
	vp->xcr0 = xcr0;
	xsetbv(XCR_XFEATURE_ENABLED_MASK, xcr0);
	soft_vmcs_skip(vmcs_read(VM_EXIT_INSTRUCTION_LEN));
}

/* Local APIC: on, x2APIC, and the first vCPU's is the BSP's. */
#define APIC_BASE_X2APIC	0xfee00c00
#define APIC_BASE_BSP		BIT(8)

static void exit_rdmsr(struct tdg_call *tdg)
{
	struct tdvps *vp = tdg->call.vp;

	if ((u32)vp->regs.gpr[RCX] != MSR_IA32_APICBASE) {
		inject_instruction_ve(tdg, EXIT_REASON_MSR_READ);
		return;
	}
	vp->regs.gpr[RAX] = APIC_BASE_X2APIC | (vp->index ? 0 : APIC_BASE_BSP);
	vp->regs.gpr[RDX] = 0;
	soft_vmcs_skip(vmcs_read(VM_EXIT_INSTRUCTION_LEN));
}

/* Exits that the TD is to handle itself, by a #VE. */
static bool is_for_td(u32 reason)
{
	switch (reason) {
	case EXIT_REASON_HLT:
	case EXIT_REASON_INVD:
	case EXIT_REASON_IO_INSTRUCTION:
	case EXIT_REASON_MSR_WRITE:
	case EXIT_REASON_MWAIT_INSTRUCTION:
	case EXIT_REASON_MONITOR_INSTRUCTION:
	case EXIT_REASON_WBINVD:
		return true;
	default:
		return false;
	}
}

/* Instructions that a TD does not have. */
static bool is_undefined(u32 reason)
{
	return (reason >= EXIT_REASON_VMCALL && reason <= EXIT_REASON_VMON) ||
	       reason == EXIT_REASON_INVEPT || reason == EXIT_REASON_INVVPID;
}

/* Exits after which the TD goes on; false if @reason is none of them. */
static bool handle_inside(struct tdg_call *tdg, u32 reason)
{
	if (is_for_td(reason))
		inject_instruction_ve(tdg, reason);
	else if (is_undefined(reason))
		inject_exception(X86_TRAP_UD, false);
	else if (reason == EXIT_REASON_CPUID)
		exit_cpuid(tdg);
	else if (reason == EXIT_REASON_XSETBV)
		exit_xsetbv(tdg);
	else if (reason == EXIT_REASON_MSR_READ)
		exit_rdmsr(tdg);
	else if (reason == EXIT_REASON_NMI_WINDOW)
		exit_nmi_window(tdg);
	else if (reason == EXIT_REASON_CR_ACCESS ||
		 reason == EXIT_REASON_RDPMC)
		inject_exception(X86_TRAP_GP, true);
	else
		return reason == EXIT_REASON_APIC_WRITE;
	return true;
}

#define ENTRY_FAILED		BIT(31)

u64 soft_exit_counts[SOFT_MAX_EXIT_REASON];

static void count_exit(u32 reason)
{
	reason &= 0xffff;
	if (reason < SOFT_MAX_EXIT_REASON)
		__atomic_fetch_add(&soft_exit_counts[reason], 1,
				   __ATOMIC_RELAXED);
}

/* True if the TD goes on; else the host's registers say why it does not. */
bool soft_handle_exit(struct tdg_call *tdg, struct soft_regs *host, u64 *status)
{
	u32 reason = vmcs_read(VM_EXIT_REASON);

	count_exit(reason);
	switch (reason) {
	case EXIT_REASON_EXCEPTION_NMI:
		return exit_exception(tdg, host, status);
	case EXIT_REASON_EXTERNAL_INTERRUPT:
		return exit_interrupt(tdg, host, status);
	case EXIT_REASON_EPT_VIOLATION:
		return exit_ept_violation(tdg, host, status);
	default:
		if (!(reason & ENTRY_FAILED) && handle_inside(tdg, reason))
			return true;
		*status = lose_vcpu(tdg, host, reason);
		return false;
	}
}

u64 soft_run_vcpu(struct soft_call *call)
{
	struct soft_regs *host = container_of(call->out, struct soft_regs,
					      gpr[0]);
	struct tdg_call tdg = {
		.call = {
			.tdr = call->tdr, .tdr_pa = call->tdr_pa,
			.tdcs = call->tdcs,
			.vp = call->vp, .vp_pa = call->vp_pa,
		},
	};
	u64 status = 0;

	if (call->vp->last_exit == LAST_EXIT_VMCALL)
		soft_vmcall_to_td(call->vp, host);

	soft_vmcs_enter(&tdg);
	do {
		if (!soft_vmcs_run(&tdg)) {
			status = lose_vcpu(&tdg, host, ENTRY_FAILED |
					   EXIT_REASON_INVALID_STATE);
			break;
		}
	} while (soft_handle_exit(&tdg, host, &status));
	soft_vmcs_leave(&tdg);
	return status;
}
