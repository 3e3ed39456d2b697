// SPDX-License-Identifier: GPL-2.0
/*
 * The VMCS of a TD's vCPU, which is one of its TDVPS pages.
 *
 * The host's VMCS is current when the module is called, and is so again when
 * it returns: the host does not notice that there was another one.
 */
#include <linux/string.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>
#include <asm/trapnr.h>

#include "vmx.h"

#define PIN_CONTROLS	(PIN_BASED_EXT_INTR_MASK | PIN_BASED_NMI_EXITING | \
			 PIN_BASED_VIRTUAL_NMIS)
#define PROC_CONTROLS	(CPU_BASED_HLT_EXITING | CPU_BASED_MWAIT_EXITING | \
			 CPU_BASED_RDPMC_EXITING | CPU_BASED_TPR_SHADOW | \
			 CPU_BASED_UNCOND_IO_EXITING | \
			 CPU_BASED_USE_MSR_BITMAPS | \
			 CPU_BASED_MONITOR_EXITING | \
			 CPU_BASED_USE_TSC_OFFSETTING | \
			 CPU_BASED_ACTIVATE_SECONDARY_CONTROLS)
#define PROC2_NEEDED	(SECONDARY_EXEC_ENABLE_EPT | \
			 SECONDARY_EXEC_UNRESTRICTED_GUEST | \
			 SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE | \
			 SECONDARY_EXEC_APIC_REGISTER_VIRT | \
			 SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)
#define PROC2_CONTROLS	(PROC2_NEEDED | SECONDARY_EXEC_ENABLE_RDTSCP | \
			 SECONDARY_EXEC_WBINVD_EXITING | \
			 SECONDARY_EXEC_ENABLE_INVPCID | \
			 SECONDARY_EXEC_ENABLE_XSAVES | \
			 SECONDARY_EXEC_TSC_SCALING)
#define EXIT_CONTROLS	(VM_EXIT_HOST_ADDR_SPACE_SIZE | \
			 VM_EXIT_ACK_INTR_ON_EXIT | VM_EXIT_SAVE_IA32_EFER | \
			 VM_EXIT_LOAD_IA32_EFER | VM_EXIT_SAVE_IA32_PAT | \
			 VM_EXIT_LOAD_IA32_PAT | VM_EXIT_SAVE_DEBUG_CONTROLS)
#define ENTRY_CONTROLS	(VM_ENTRY_LOAD_IA32_EFER | VM_ENTRY_LOAD_IA32_PAT | \
			 VM_ENTRY_LOAD_DEBUG_CONTROLS)

/* Without this bit VMX has fewer controls that can be switched off. */
static u32 control_msr(u32 msr)
{
	static const u32 pairs[][2] = {
		{ MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PINBASED_CTLS },
		{ MSR_IA32_VMX_PROCBASED_CTLS,
		  MSR_IA32_VMX_TRUE_PROCBASED_CTLS },
		{ MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS },
		{ MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS },
	};
	u64 basic;
	u32 i;

	rdmsrq(MSR_IA32_VMX_BASIC, basic);
	for (i = 0; i < ARRAY_SIZE(pairs); i++)
		if (pairs[i][0] == msr && basic & VMX_BASIC_TRUE_CTLS)
			return pairs[i][1];
	return msr;
}

/* @wanted, as far as the processor has it, and what it cannot do without. */
static u32 controls(u32 wanted, u32 msr)
{
	u64 allowed;

	rdmsrq(control_msr(msr), allowed);
	return (wanted | (u32)allowed) & (u32)(allowed >> 32);
}

bool soft_vmx_is_usable(void)
{
	u32 proc2 = controls(PROC2_CONTROLS, MSR_IA32_VMX_PROCBASED_CTLS2);
	u32 pin = controls(PIN_BASED_POSTED_INTR | PIN_CONTROLS,
			   MSR_IA32_VMX_PINBASED_CTLS);

	return (proc2 & PROC2_NEEDED) == PROC2_NEEDED &&
	       pin & PIN_BASED_POSTED_INTR;
}

#define EPT_CAN_WALK_5		BIT_ULL(7)

bool soft_vmx_has_ept5(void)
{
	u64 cap;

	rdmsrq(MSR_IA32_VMX_EPT_VPID_CAP, cap);
	return cap & EPT_CAN_WALK_5;
}

/* All of this CPU's translations, whoever they belong to. */
void soft_flush_translations(void)
{
	struct {
		u64 eptp, reserved;
	} operand = {};

	asm volatile("invept %0, %1" : : "m" (operand), "r" (2UL) : "memory");
}

void soft_flush_vmcs(u64 pa)
{
	vmcs_clear(pa);
}

static void write_controls(const struct tdg_call *tdg)
{
	const struct tdvps *vp = tdg->call.vp;
	u32 proc2 = controls(PROC2_CONTROLS, MSR_IA32_VMX_PROCBASED_CTLS2);

	vmcs_write(CPU_BASED_VM_EXEC_CONTROL,
		   controls(PROC_CONTROLS, MSR_IA32_VMX_PROCBASED_CTLS));
	vmcs_write(SECONDARY_VM_EXEC_CONTROL, proc2);
	vmcs_write(VM_EXIT_CONTROLS,
		   controls(EXIT_CONTROLS, MSR_IA32_VMX_EXIT_CTLS));
	vmcs_write(EXCEPTION_BITMAP, BIT(X86_TRAP_UD));
	vmcs_write(MSR_BITMAP, tdg->call.tdr->tdcx[TDCS_MSR_BITMAP]);
	vmcs_write(VIRTUAL_APIC_PAGE_ADDR, vp->pages[TDVPS_VAPIC]);
	vmcs_write(EPT_POINTER, vp->pages[TDVPS_EPT_ROOT] | 6 |
		   tdg->call.tdcs->ept_top << 3);
	vmcs_write(TSC_OFFSET, tdg->call.tdcs->tsc_offset);
	if (proc2 & SECONDARY_EXEC_TSC_SCALING)
		vmcs_write(TSC_MULTIPLIER, tdg->call.tdcs->tsc_multiplier);
	if (proc2 & SECONDARY_EXEC_ENABLE_XSAVES)
		vmcs_write(XSS_EXIT_BITMAP, ~0ULL);
	vmcs_write(VMCS_LINK_POINTER, ~0ULL);
	vmcs_write(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmcs_write(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmcs_write(CR3_TARGET_COUNT, 0);
	vmcs_write(VM_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write(VM_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write(VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write(VM_ENTRY_INTR_INFO_FIELD, 0);
	vmcs_write(TPR_THRESHOLD, 0);
	vmcs_write(GUEST_INTR_STATUS, 0);
}

#define FLAT_CODE	0xc09b
#define FLAT_DATA	0xc093
#define NO_LDT		0x10082
#define BUSY_TSS	0x8b

static void write_segment(u32 selector, u32 limit, u32 rights)
{
	/* The four fields of a segment are at one distance from each other. */
	u32 index = selector - GUEST_ES_SELECTOR;

	vmcs_write(selector, 0);
	vmcs_write(GUEST_ES_BASE + index, 0);
	vmcs_write(GUEST_ES_LIMIT + index, limit);
	vmcs_write(GUEST_ES_AR_BYTES + index, rights);
}

static void write_segments(void)
{
	u32 selector;

	for (selector = GUEST_ES_SELECTOR; selector <= GUEST_GS_SELECTOR;
	     selector += GUEST_CS_SELECTOR - GUEST_ES_SELECTOR)
		write_segment(selector, 0xffffffff,
			      selector == GUEST_CS_SELECTOR ? FLAT_CODE :
			      FLAT_DATA);
	write_segment(GUEST_LDTR_SELECTOR, 0, NO_LDT);
	write_segment(GUEST_TR_SELECTOR, 0xffff, BUSY_TSS);
	vmcs_write(GUEST_GDTR_BASE, 0);
	vmcs_write(GUEST_GDTR_LIMIT, 0xffff);
	vmcs_write(GUEST_IDTR_BASE, 0);
	vmcs_write(GUEST_IDTR_LIMIT, 0xffff);
}

/* Bits of the control registers that a TD cannot change. */
#define CR0_FIXED		(X86_CR0_PE | X86_CR0_NE)
#define CR0_OWNED		(CR0_FIXED | X86_CR0_NW | X86_CR0_CD)
#define CR4_OWNED		(X86_CR4_MCE | X86_CR4_VMXE | X86_CR4_SMXE)

#define INITIAL_RIP		0xfffffff0
#define INITIAL_PAT		0x0007040600070406
#define INITIAL_DR7		0x400

/* Protected mode without paging, at the reset vector. */
static void write_guest_state(void)
{
	write_segments();
	vmcs_write(GUEST_CR0, CR0_FIXED);
	vmcs_write(CR0_GUEST_HOST_MASK, CR0_OWNED);
	vmcs_write(CR0_READ_SHADOW, CR0_FIXED);
	vmcs_write(GUEST_CR3, 0);
	vmcs_write(GUEST_CR4, X86_CR4_MCE | X86_CR4_VMXE);
	vmcs_write(CR4_GUEST_HOST_MASK, CR4_OWNED);
	vmcs_write(CR4_READ_SHADOW, X86_CR4_MCE);
	vmcs_write(GUEST_IA32_EFER, EFER_SCE | EFER_LME | EFER_NX);
	vmcs_write(GUEST_IA32_PAT, INITIAL_PAT);
	vmcs_write(GUEST_IA32_DEBUGCTL, 0);
	vmcs_write(GUEST_DR7, INITIAL_DR7);
	vmcs_write(GUEST_RFLAGS, X86_EFLAGS_FIXED);
	vmcs_write(GUEST_RIP, INITIAL_RIP);
	vmcs_write(GUEST_RSP, 0);
	vmcs_write(GUEST_SYSENTER_CS, 0);
	vmcs_write(GUEST_SYSENTER_ESP, 0);
	vmcs_write(GUEST_SYSENTER_EIP, 0);
	vmcs_write(GUEST_ACTIVITY_STATE, 0);
	vmcs_write(GUEST_INTERRUPTIBILITY_INFO, 0);
	vmcs_write(GUEST_PENDING_DBG_EXCEPTIONS, 0);
}

static void write_host_state(void)
{
	struct desc_ptr idt;
	u64 msr;

	vmcs_write(HOST_CR0, read_cr0() & ~X86_CR0_TS);
	vmcs_write(HOST_CR3, __read_cr3());
	vmcs_write(HOST_CR4, native_read_cr4());
	vmcs_write(HOST_CS_SELECTOR, __KERNEL_CS);
	vmcs_write(HOST_SS_SELECTOR, __KERNEL_DS);
	vmcs_write(HOST_DS_SELECTOR, 0);
	vmcs_write(HOST_ES_SELECTOR, 0);
	vmcs_write(HOST_FS_SELECTOR, 0);
	vmcs_write(HOST_GS_SELECTOR, 0);
	vmcs_write(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
	vmcs_write(HOST_FS_BASE, native_rdmsrq(MSR_FS_BASE));
	vmcs_write(HOST_GS_BASE, native_rdmsrq(MSR_GS_BASE));
	vmcs_write(HOST_TR_BASE,
		   (u64)&get_cpu_entry_area(raw_smp_processor_id())->tss.x86_tss);
	vmcs_write(HOST_GDTR_BASE,
		   (u64)get_current_gdt_ro());
	store_idt(&idt);
	vmcs_write(HOST_IDTR_BASE, idt.address);
	rdmsrq(MSR_IA32_SYSENTER_CS, msr);
	vmcs_write(HOST_IA32_SYSENTER_CS, msr);
	rdmsrq(MSR_IA32_SYSENTER_ESP, msr);
	vmcs_write(HOST_IA32_SYSENTER_ESP, msr);
	rdmsrq(MSR_IA32_SYSENTER_EIP, msr);
	vmcs_write(HOST_IA32_SYSENTER_EIP, msr);
	rdmsrq(MSR_EFER, msr);
	vmcs_write(HOST_IA32_EFER, msr);
	rdmsrq(MSR_IA32_CR_PAT, msr);
	vmcs_write(HOST_IA32_PAT, msr);
	vmcs_write(HOST_RIP, (u64)soft_vm_exit);
}

/* MSRs that the TD reads and writes without an exit. */
static const u32 plain_msrs[] = {
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
	MSR_IA32_CR_PAT, MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
	MSR_STAR, MSR_LSTAR, MSR_SYSCALL_MASK, MSR_TSC_AUX,
};

#define BITMAP_HIGH_READ	1024
#define BITMAP_LOW_WRITE	2048
#define BITMAP_HIGH_WRITE	3072

static void allow_msr(u8 *bitmap, u32 msr, bool write)
{
	u32 offset = msr & 0xc0000000 ? BITMAP_HIGH_READ : 0;
	u32 bit = msr & 0x1fff;

	if (write)
		offset += BITMAP_LOW_WRITE;
	bitmap[offset + bit / 8] &= ~BIT(bit % 8);
}

#define X2APIC_MSR(offset)	(0x800 + (offset) / 16)

/* Whatever is in the virtual APIC page is read there, by the processor. */
static void allow_msrs(u8 *bitmap)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(plain_msrs); i++) {
		allow_msr(bitmap, plain_msrs[i], false);
		allow_msr(bitmap, plain_msrs[i], true);
	}
	allow_msr(bitmap, MSR_EFER, false);
	allow_msr(bitmap, MSR_IA32_TSC, false);
	for (i = 0x802; i <= 0x83f; i++)
		allow_msr(bitmap, i, false);
	allow_msr(bitmap, X2APIC_MSR(APIC_TASKPRI), true);
	allow_msr(bitmap, X2APIC_MSR(APIC_EOI), true);
	allow_msr(bitmap, 0x83f, true);
}

static void set_up_apic(const struct tdg_call *tdg)
{
	const u32 *ids = tdcs_page(tdg->call.tdr, TDCS_X2APIC_IDS);
	u8 *vapic = tdvps_page(tdg->call.vp, TDVPS_VAPIC);

	*(u32 *)(vapic + APIC_ID) = ids[tdg->call.vp->index];
	*(u32 *)(vapic + APIC_LVR) = 0x50014;
	*(u32 *)(vapic + APIC_SPIV) = 0xff | APIC_SPIV_APIC_ENABLED;
}

#define XSAVE_MXCSR_OFFSET	24
#define INITIAL_MXCSR		0x1f80

/* The VMCS is cleared already: a page just given, or a flushed vCPU. */
static void first_entry(struct tdg_call *tdg)
{
	struct tdvps *vp = tdg->call.vp;
	u32 *vmcs = tdvps_page(vp, TDVPS_VMCS);
	bool is_new = !*vmcs;
	u64 basic;

	rdmsrq(MSR_IA32_VMX_BASIC, basic);
	if (is_new) {
		*vmcs = (u32)basic & ~BIT(31);
		vmcs_clear(vp->pages[TDVPS_VMCS]);
		*(u32 *)(tdvps_page(vp, TDVPS_XSAVE) + XSAVE_MXCSR_OFFSET) =
			INITIAL_MXCSR;
		allow_msrs(tdcs_page(tdg->call.tdr, TDCS_MSR_BITMAP));
		set_up_apic(tdg);
	}
	vmcs_load(vp->pages[TDVPS_VMCS]);
	if (is_new) {
		write_controls(tdg);
		write_guest_state();
	}
}

/* True if a translation may be cached that is no longer there. */
static bool copy_root(u64 *root, const u64 *from, u32 first, u32 last)
{
	bool stale = false;
	u32 i;

	for (i = first; i < last; i++) {
		u64 entry = READ_ONCE(from[i]);

		if (root[i] == entry)
			continue;
		stale |= root[i] & 7;
		WRITE_ONCE(root[i], entry);
	}
	return stale;
}

/*
 * The processor walks one table where the TD has two trees: the root has the
 * Secure EPT in its lower part, the host's own in the part with the shared
 * bit.  Each vCPU has its own root, renewed at each entry, when TLB tracking
 * allows nobody to rely on an older one.
 */
static void renew_root(const struct tdg_call *tdg)
{
	const struct tdcs *tdcs = tdg->call.tdcs;
	u64 shared = tdg->call.vp->shared_eptp;
	u32 first = tdcs->ept_top == LEVEL_PML5 ? 8 : 256;
	u32 last = tdcs->ept_top == LEVEL_PML5 ? 16 : 512;
	u64 *root = tdvps_page(tdg->call.vp, TDVPS_EPT_ROOT);
	bool stale;

	stale = copy_root(root, soft_memory(tdcs->sept_root), 0, first);
	if (shared)
		stale |= copy_root(root, soft_memory(shared), first, last);
	if (stale)
		soft_flush_translations();
}

static void write_varying_controls(const struct tdvps *vp)
{
	bool nmi = vp->pend_nmi && !vp->ve.valid;
	u32 proc = vmcs_read(CPU_BASED_VM_EXEC_CONTROL);
	u32 entry = controls(ENTRY_CONTROLS, MSR_IA32_VMX_ENTRY_CTLS);

	if (vmcs_read(GUEST_IA32_EFER) & EFER_LMA)
		entry |= VM_ENTRY_IA32E_MODE;
	vmcs_write(VM_ENTRY_CONTROLS, entry);
	vmcs_write(PIN_BASED_VM_EXEC_CONTROL,
		   controls(PIN_CONTROLS | vp->pin_controls,
			    MSR_IA32_VMX_PINBASED_CTLS));
	if (vp->pin_controls & PIN_BASED_POSTED_INTR) {
		vmcs_write(POSTED_INTR_NV, vp->pi_vector);
		vmcs_write(POSTED_INTR_DESC_ADDR, vp->pi_descriptor);
	}
	proc &= ~CPU_BASED_NMI_WINDOW_EXITING;
	vmcs_write(CPU_BASED_VM_EXEC_CONTROL,
		   proc | (nmi ? CPU_BASED_NMI_WINDOW_EXITING : 0));
}

static void restore_state(const struct tdvps *vp)
{
	void *area = tdvps_page(vp, TDVPS_XSAVE);
	u32 low = vp->xfam & 0xe7;

	xsetbv(XCR_XFEATURE_ENABLED_MASK, vp->xfam & 0xe7);
	asm volatile("xrstor64 (%0)" : : "r" (area), "a" (low), "d" (0)
		     : "memory");
	xsetbv(XCR_XFEATURE_ENABLED_MASK, vp->xcr0);
	wrmsrq(MSR_STAR, vp->star);
	wrmsrq(MSR_LSTAR, vp->lstar);
	wrmsrq(MSR_SYSCALL_MASK, vp->fmask);
	wrmsrq(MSR_TSC_AUX, vp->tsc_aux);
	wrmsrq(MSR_KERNEL_GS_BASE, vp->kernel_gs_base);
	set_debugreg(vp->dr[0], 0);
	set_debugreg(vp->dr[1], 1);
	set_debugreg(vp->dr[2], 2);
	set_debugreg(vp->dr[3], 3);
	set_debugreg(vp->dr6, 6);
	native_write_cr2(vp->cr2);
}

static void save_debug_registers(struct tdvps *vp)
{
	unsigned long value;

	get_debugreg(value, 0);
	vp->dr[0] = value;
	get_debugreg(value, 1);
	vp->dr[1] = value;
	get_debugreg(value, 2);
	vp->dr[2] = value;
	get_debugreg(value, 3);
	vp->dr[3] = value;
	get_debugreg(value, 6);
	vp->dr6 = value;
}

/* What a TD leaves behind in the registers that KVM expects to be lost. */
#define CLEAN_FMASK		0x20200

static void save_state(struct tdvps *vp, u64 host_xcr0)
{
	void *area = tdvps_page(vp, TDVPS_XSAVE);
	u32 low = vp->xfam & 0xe7;

	vp->cr2 = native_read_cr2();
	rdmsrq(MSR_STAR, vp->star);
	rdmsrq(MSR_LSTAR, vp->lstar);
	rdmsrq(MSR_SYSCALL_MASK, vp->fmask);
	rdmsrq(MSR_TSC_AUX, vp->tsc_aux);
	rdmsrq(MSR_KERNEL_GS_BASE, vp->kernel_gs_base);
	wrmsrq(MSR_STAR, 0);
	wrmsrq(MSR_LSTAR, 0);
	wrmsrq(MSR_SYSCALL_MASK, CLEAN_FMASK);
	wrmsrq(MSR_TSC_AUX, 0);
	wrmsrq(MSR_KERNEL_GS_BASE, 0);
	save_debug_registers(vp);

	xsetbv(XCR_XFEATURE_ENABLED_MASK, vp->xfam & 0xe7);
	asm volatile("xsave64 (%0)" : : "r" (area), "a" (low), "d" (0)
		     : "memory");
	xsetbv(XCR_XFEATURE_ENABLED_MASK, host_xcr0);
}

static DEFINE_PER_CPU(u64, host_vmcs);
static DEFINE_PER_CPU(u64, host_xcr0);

/* The TD's VMCS and state are loaded; the host's wait. */
void soft_vmcs_enter(struct tdg_call *tdg)
{
	this_cpu_write(host_vmcs, vmcs_current());
	this_cpu_write(host_xcr0, xgetbv(XCR_XFEATURE_ENABLED_MASK));
	if (tdg->call.vp->launched)
		vmcs_load(tdg->call.vp->pages[TDVPS_VMCS]);
	else
		first_entry(tdg);
	renew_root(tdg);
	write_host_state();
	restore_state(tdg->call.vp);
}

void soft_vmcs_leave(struct tdg_call *tdg)
{
	u64 host = this_cpu_read(host_vmcs);

	save_state(tdg->call.vp, this_cpu_read(host_xcr0));
	if (host != ~0ULL)
		vmcs_load(host);
}

/* Past an instruction that the module has done for the TD. */
void soft_vmcs_skip(u32 length)
{
	u32 shadow = vmcs_read(GUEST_INTERRUPTIBILITY_INFO);

	vmcs_write(GUEST_RIP, vmcs_read(GUEST_RIP) + length);
	vmcs_write(GUEST_INTERRUPTIBILITY_INFO,
		   shadow & ~(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS));
}

void soft_vmcs_inject(u32 vector, u32 type, bool has_error, u32 error)
{
	u32 info = vector | type | INTR_INFO_VALID_MASK;

	if (has_error) {
		info |= INTR_INFO_DELIVER_CODE_MASK;
		vmcs_write(VM_ENTRY_EXCEPTION_ERROR_CODE, error);
	}
	vmcs_write(VM_ENTRY_INTR_INFO_FIELD, info);
}

/* An event that was being delivered when the TD stopped comes again. */
void soft_vmcs_reinject(void)
{
	u32 info = vmcs_read(IDT_VECTORING_INFO_FIELD);

	if (!(info & VECTORING_INFO_VALID_MASK))
		return;
	if (info & VECTORING_INFO_DELIVER_CODE_MASK)
		vmcs_write(VM_ENTRY_EXCEPTION_ERROR_CODE,
			   vmcs_read(IDT_VECTORING_ERROR_CODE));
	vmcs_write(VM_ENTRY_INSTRUCTION_LEN,
		   vmcs_read(VM_EXIT_INSTRUCTION_LEN));
	vmcs_write(VM_ENTRY_INTR_INFO_FIELD, info & ~BIT(12));
}

/* One entry; false if the processor refused it. */
bool soft_vmcs_run(struct tdg_call *tdg)
{
	struct tdvps *vp = tdg->call.vp;
	bool entered;

	write_varying_controls(vp);
	entered = soft_vm_enter(&vp->regs, vp->launched);
	if (entered) {
		vp->launched = true;
		vmcs_write(VM_ENTRY_INTR_INFO_FIELD, 0);
	}
	return entered;
}
