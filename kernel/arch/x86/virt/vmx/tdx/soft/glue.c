// SPDX-License-Identifier: GPL-2.0
/*
 * The software TDX module as part of a kernel.
 *
 * SEAMCALL is an invalid instruction on a machine without SEAM.  The exception
 * goes to the die notifiers before the kernel looks for a fixup: that is where
 * the module is called, with interrupts off, on the stack of the caller.
 */
#define pr_fmt(fmt) "tdx-soft: " fmt

#include <linux/init.h>
#include <linux/kdebug.h>
#include <linux/memblock.h>
#include <linux/panic.h>
#include <linux/printk.h>
#include <linux/random.h>
#include <linux/syscore_ops.h>
#include <linux/topology.h>
#include <linux/uaccess.h>
#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/cpuid/api.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include <asm/page.h>
#include <asm/trapnr.h>
#include <asm/tsc.h>

#include "../tdx.h"
#include "glue.h"
#include "leaves.h"

/* Every leaf that the kernel knows is there, by the same number. */
#define SAME_LEAF(leaf)	static_assert(TDH_##leaf == SOFT_##leaf)

SAME_LEAF(VP_ENTER);
SAME_LEAF(MNG_ADDCX);
SAME_LEAF(MEM_PAGE_ADD);
SAME_LEAF(MEM_SEPT_ADD);
SAME_LEAF(VP_ADDCX);
SAME_LEAF(MEM_PAGE_AUG);
SAME_LEAF(MEM_RANGE_BLOCK);
SAME_LEAF(MNG_KEY_CONFIG);
SAME_LEAF(MNG_CREATE);
SAME_LEAF(MNG_RD);
SAME_LEAF(MR_EXTEND);
SAME_LEAF(MR_FINALIZE);
SAME_LEAF(VP_FLUSH);
SAME_LEAF(MNG_VPFLUSHDONE);
SAME_LEAF(VP_CREATE);
SAME_LEAF(MNG_KEY_FREEID);
SAME_LEAF(MNG_INIT);
SAME_LEAF(VP_INIT);
SAME_LEAF(PHYMEM_PAGE_RDMD);
SAME_LEAF(VP_RD);
SAME_LEAF(PHYMEM_PAGE_RECLAIM);
SAME_LEAF(MEM_PAGE_REMOVE);
SAME_LEAF(SYS_KEY_CONFIG);
SAME_LEAF(SYS_INIT);
SAME_LEAF(SYS_RD);
SAME_LEAF(SYS_LP_INIT);
SAME_LEAF(SYS_TDMR_INIT);
SAME_LEAF(MEM_TRACK);
SAME_LEAF(PHYMEM_CACHE_WB);
SAME_LEAF(PHYMEM_PAGE_WBINVD);
SAME_LEAF(VP_WR);
SAME_LEAF(SYS_CONFIG);
SAME_LEAF(SYS_SHUTDOWN);
SAME_LEAF(SYS_UPDATE);
SAME_LEAF(SYS_DISABLE);

struct soft_host soft_host;

/* Physical memory is mapped once and for all. */
void *soft_memory(u64 pa)
{
	return __va(pa);
}

/* An emulator repeats one instruction faster than it runs a loop of many. */
void soft_copy_page(void *to, const void *from)
{
	unsigned long words = SOFT_PAGE_SIZE / sizeof(u64);

	asm volatile("rep movsq"
		     : "+c" (words), "+D" (to), "+S" (from) : : "memory");
}

/* A TD that calls has its own XCR0, and need not have these registers. */
static bool has_vectors(void)
{
	const u64 vectors = XFEATURE_MASK_SSE | XFEATURE_MASK_YMM;

	return boot_cpu_has(X86_FEATURE_AVX) &&
	       !boot_cpu_has(X86_FEATURE_AVX512F) &&
	       (xgetbv(XCR_XFEATURE_ENABLED_MASK) & vectors) == vectors;
}

bool soft_sha512(u64 state[8], const u8 block[128], const u64 constants[80])
{
	if (!boot_cpu_has(X86_FEATURE_SHA512) || !has_vectors())
		return false;
	soft_sha512_block(state, block, constants);
	return true;
}

bool soft_is_memory(u64 pa)
{
	u32 i;

	for (i = 0; i < soft_host.nr_cmrs; i++)
		if (pa >= soft_host.cmrs[i].base &&
		    pa - soft_host.cmrs[i].base < soft_host.cmrs[i].size)
			return true;
	return false;
}

u32 soft_this_cpu(void)
{
	return raw_smp_processor_id();
}

u32 soft_this_package(void)
{
	return topology_logical_package_id(raw_smp_processor_id());
}

u64 soft_tsc(void)
{
	return rdtsc();
}

bool soft_random(u64 *value)
{
	*value = get_random_u64();
	return true;
}

/* An interrupt has reached the local APIC, and will be taken any time. */
bool soft_interrupt_pending(void)
{
	u32 i;

	for (i = 0; i < 8; i++)
		if (apic_read(APIC_IRR + 0x10 * i))
			return true;
	return false;
}

void soft_cpuid(u32 leaf, u32 subleaf, u32 regs[4])
{
	cpuid_count(leaf, subleaf, &regs[0], &regs[1], &regs[2], &regs[3]);
}

/* 66 0F 01 CF */
#define SEAMCALL_BYTES		0xcf010f66
#define SEAMCALL_LENGTH		4

static bool is_seamcall(struct pt_regs *regs)
{
	u32 bytes;

	if (user_mode(regs) ||
	    get_kernel_nofault(bytes, (u32 *)regs->ip))
		return false;
	return bytes == SEAMCALL_BYTES;
}

static void copy_registers(struct soft_regs *soft, const struct pt_regs *regs)
{
	const unsigned long from[] = {
		regs->ax, regs->cx, regs->dx, regs->bx, regs->sp, regs->bp,
		regs->si, regs->di, regs->r8, regs->r9, regs->r10, regs->r11,
		regs->r12, regs->r13, regs->r14, regs->r15,
	};

	static_assert(sizeof(from) == sizeof(soft->gpr));
	memcpy(soft->gpr, from, sizeof(from));
}

/* All but RSP, which no SEAMCALL changes. */
static void return_registers(struct pt_regs *regs, const struct soft_regs *soft)
{
	const u64 *gpr = soft->gpr;

	regs->ax = gpr[RAX];
	regs->cx = gpr[RCX];
	regs->dx = gpr[RDX];
	regs->bx = gpr[RBX];
	regs->bp = gpr[RBP];
	regs->si = gpr[RSI];
	regs->di = gpr[RDI];
	regs->r8 = gpr[R8];
	regs->r9 = gpr[R9];
	regs->r10 = gpr[R10];
	regs->r11 = gpr[R11];
	regs->r12 = gpr[R12];
	regs->r13 = gpr[R13];
	regs->r14 = gpr[R14];
	regs->r15 = gpr[R15];
}

/* Bit 63 of RAX calls the loader of modules, of which there is none. */
#define CALLS_LOADER		BIT_ULL(63)

static void answer(struct pt_regs *regs)
{
	struct soft_regs soft;

	regs->flags &= ~(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF |
			 X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF);
	regs->ip += SEAMCALL_LENGTH;
	if (regs->ax & CALLS_LOADER) {
		regs->flags |= X86_EFLAGS_CF;
		return;
	}

	copy_registers(&soft, regs);
	soft_seamcall(&soft);
	return_registers(regs, &soft);
}

static int soft_die_notify(struct notifier_block *nb, unsigned long event,
			   void *data)
{
	struct die_args *args = data;

	if (event != DIE_TRAP || args->trapnr != X86_TRAP_UD ||
	    !is_seamcall(args->regs))
		return NOTIFY_DONE;

	answer(args->regs);
	return NOTIFY_STOP;
}

static struct notifier_block soft_die_notifier = {
	.notifier_call = soft_die_notify,
	.priority = INT_MAX,
};

static void __init find_memory(void)
{
	unsigned long start, end;
	int i;

	for_each_mem_pfn_range(i, MAX_NUMNODES, &start, &end, NULL) {
		struct soft_cmr *cmr = &soft_host.cmrs[soft_host.nr_cmrs];

		if (soft_host.nr_cmrs == SOFT_MAX_CMRS)
			break;
		cmr->base = PFN_PHYS(start);
		cmr->size = PFN_PHYS(end - start);
		soft_host.nr_cmrs++;
	}
}

static bool __init find_keyids(void)
{
	u32 last;
	u64 msr;

	if (rdmsrq_safe(MSR_IA32_MKTME_KEYID_PARTITIONING, &msr) || !(msr >> 32))
		return false;

	soft_host.keyid_first = (u32)msr + 1;
	soft_host.keyid_count = msr >> 32;
	last = soft_host.keyid_first + soft_host.keyid_count - 1;
	soft_host.keyid_shift = boot_cpu_data.x86_phys_bits;
	soft_host.max_pa = soft_host.keyid_shift + fls(last);
	return last < SOFT_MAX_KEYIDS && soft_host.max_pa <= 52;
}

static void __init find_cpus(void)
{
	int cpu;

	soft_host.cpus = num_present_cpus();
	for_each_online_cpu(cpu)
		soft_host.packages |= BIT(topology_logical_package_id(cpu));
	soft_host.tsc_khz = tsc_khz;
}

/* Components that a TD can have, of those that the kernel itself uses. */
#define XFAM_SUPPORTED		0xe7ULL

static void __init find_features(void)
{
	soft_host.xfam = xgetbv(XCR_XFEATURE_ENABLED_MASK) & XFAM_SUPPORTED;
	soft_host.ept5 = soft_vmx_has_ept5();
}

/* A processor with SEAM says so in a bit of IA32_MTRRCAP. */
#define MTRRCAP_SEAMRR		BIT_ULL(15)

static bool __init has_real_module(void)
{
	u64 msr;

	return !rdmsrq_safe(MSR_MTRRcap, &msr) && msr & MTRRCAP_SEAMRR;
}

/*
 * The kernel's own TDX code came later, so that its shutdown has been by now.
 * With a real module the memory of TDs would be in the next kernel's way.
 */
static void soft_shutdown(void *data)
{
	WARN(soft_module.state == SYS_DISABLING,
	     "TDH.SYS.DISABLE was stopped half-way and not resumed\n");
}

static const struct syscore_ops soft_syscore_ops = {
	.shutdown = soft_shutdown,
};

static struct syscore soft_syscore = {
	.ops = &soft_syscore_ops,
};

static int __init soft_init(void)
{
	if (!boot_cpu_has(X86_FEATURE_VMX) || boot_cpu_has(X86_FEATURE_TDX_GUEST))
		return -ENODEV;
	if (has_real_module()) {
		pr_info("not started: this processor can have a real TDX module\n");
		return -ENODEV;
	}
	if (!find_keyids()) {
		pr_info("not started: no usable range of private key ids\n");
		return -ENODEV;
	}
	if (!tsc_khz) {
		pr_info("not started: the TSC's frequency is not known\n");
		return -ENODEV;
	}
	if (!soft_vmx_is_usable()) {
		pr_info("not started: VMX lacks EPT or unrestricted guests\n");
		return -ENODEV;
	}

	find_memory();
	find_cpus();
	find_features();
	add_taint(TAINT_TEST, LOCKDEP_STILL_OK);
	pr_warn("a software TDX module, for tests: it protects nothing and attests nothing\n");
	register_syscore(&soft_syscore);
	return register_die_notifier(&soft_die_notifier);
}
core_initcall(soft_init);
