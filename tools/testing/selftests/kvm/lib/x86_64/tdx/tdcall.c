// SPDX-License-Identifier: GPL-2.0
#include "tdx/tdcall.h"

enum tdcall_leaf {
	TDG_VP_VMCALL = 0,
	TDG_VP_INFO = 1,
	TDG_MR_REPORT = 4,
	TDG_MEM_PAGE_ACCEPT = 6,
};

/* The assembler may be older than the instruction. */
#define TDCALL	".byte 0x66, 0x0f, 0x01, 0xcc"

/* RCX of TDG.VP.VMCALL: the registers that the host sees and may change. */
#define TDVMCALL_RBX_TO_HOST		BIT_ULL(3)
#define TDVMCALL_RDI_TO_HOST		BIT_ULL(7)
#define TDVMCALL_R10_TO_R15_TO_HOST	GENMASK_ULL(15, 10)
#define TDVMCALL_REGS	(TDVMCALL_RBX_TO_HOST | TDVMCALL_RDI_TO_HOST |	\
			 TDVMCALL_R10_TO_R15_TO_HOST)

u64 tdvmcall_6(u64 function, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6,
	       u64 *out)
{
	register u64 r10 asm("r10") = 0;
	register u64 r11 asm("r11") = function;
	register u64 r12 asm("r12") = a1;
	register u64 r13 asm("r13") = a2;
	register u64 r14 asm("r14") = a3;
	register u64 r15 asm("r15") = a4;
	u64 leaf = TDG_VP_VMCALL;

	asm volatile(TDCALL
		     : "+a"(leaf), "+b"(a5), "+D"(a6), "+r"(r10), "+r"(r11),
		       "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15)
		     : "c"(TDVMCALL_REGS)
		     : "memory", "cc");

	if (out) {
		out[TDVMCALL_R11] = r11;
		out[TDVMCALL_R12] = r12;
		out[TDVMCALL_R13] = r13;
		out[TDVMCALL_R14] = r14;
		out[TDVMCALL_R15] = r15;
	}
	return leaf ?: r10;
}

/* Most functions answer in R11 alone. */
static u64 tdvmcall_r11(u64 function, u64 a1, u64 a2, u64 a3, u64 *r11)
{
	u64 out[TDVMCALL_NR_OUT];
	u64 status = tdvmcall_3(function, a1, a2, a3, out);

	if (r11)
		*r11 = out[TDVMCALL_R11];
	return status;
}

u64 tdvmcall_map_gpa(u64 gpa, u64 size, u64 *failed)
{
	return tdvmcall_r11(TDVMCALL_MAP_GPA, gpa, size, 0, failed);
}

/* I/O and MMIO are the same but for the function. */
enum tdvmcall_direction {
	TDVMCALL_READ,
	TDVMCALL_WRITE,
};

u64 tdvmcall_io_read(u64 port, u64 size, u64 *value)
{
	return tdvmcall_r11(TDVMCALL_IO, size, TDVMCALL_READ, port, value);
}

u64 tdvmcall_io_write(u64 port, u64 size, u64 value)
{
	return tdvmcall_4(TDVMCALL_IO, size, TDVMCALL_WRITE, port, value, NULL);
}

u64 tdvmcall_mmio_read(u64 gpa, u64 size, u64 *value)
{
	return tdvmcall_r11(TDVMCALL_MMIO, size, TDVMCALL_READ, gpa, value);
}

u64 tdvmcall_mmio_write(u64 gpa, u64 size, u64 value)
{
	return tdvmcall_4(TDVMCALL_MMIO, size, TDVMCALL_WRITE, gpa, value, NULL);
}

u64 tdvmcall_hlt(bool interrupts_blocked)
{
	return tdvmcall_1(TDVMCALL_HLT, interrupts_blocked, NULL);
}

u64 tdvmcall_cpuid(u32 leaf, u32 subleaf, u32 regs[4])
{
	u64 out[TDVMCALL_NR_OUT];
	u64 status = tdvmcall_2(TDVMCALL_CPUID, leaf, subleaf, out);
	int i;

	for (i = 0; i < 4; i++)
		regs[i] = out[TDVMCALL_R12 + i];
	return status;
}

u64 tdvmcall_rdmsr(u32 msr, u64 *value)
{
	return tdvmcall_r11(TDVMCALL_RDMSR, msr, 0, 0, value);
}

u64 tdvmcall_wrmsr(u32 msr, u64 value)
{
	return tdvmcall_2(TDVMCALL_WRMSR, msr, value, NULL);
}

u64 tdg_vp_info(struct tdg_vp_info *info)
{
	register u64 r8 asm("r8") = 0;
	register u64 r9 asm("r9") = 0;
	u64 leaf = TDG_VP_INFO, rcx = 0, rdx = 0;

	asm volatile(TDCALL
		     : "+a"(leaf), "+c"(rcx), "+d"(rdx), "+r"(r8), "+r"(r9)
		     : : "r10", "r11", "memory", "cc");

	*info = (struct tdg_vp_info) {
		.gpa_width = rcx & 0x3f,
		.attributes = rdx,
		.nr_vcpus = r8,
		.max_vcpus = r8 >> 32,
		.vcpu_index = r9,
	};
	return leaf;
}

u64 tdg_mem_page_accept(u64 gpa, int level)
{
	u64 leaf = TDG_MEM_PAGE_ACCEPT, rcx = gpa | (level - PG_LEVEL_4K);

	asm volatile(TDCALL
		     : "+a"(leaf), "+c"(rcx)
		     : : "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
	return leaf;
}

u64 tdg_mr_report(u64 report_gpa, u64 data_gpa)
{
	register u64 r8 asm("r8") = 0;
	u64 leaf = TDG_MR_REPORT, rcx = report_gpa, rdx = data_gpa;

	asm volatile(TDCALL
		     : "+a"(leaf), "+c"(rcx), "+d"(rdx), "+r"(r8)
		     : : "r9", "r10", "r11", "memory", "cc");
	return leaf;
}
