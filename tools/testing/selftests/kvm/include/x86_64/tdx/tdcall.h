/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What code in a TD asks of the TDX module, and through it of the host.
 *
 * Functions here run in a TD only.  tdg_*() are TDCALLs that the TDX module
 * answers; source: Intel TDX Module ABI, guest side (TDCALL) interfaces.
 * tdvmcall_*() are handed on to the host, which is KVM; source: Intel TDX
 * Guest-Hypervisor Communication Interface (GHCI).
 */
#ifndef SELFTEST_TDX_TDCALL_H
#define SELFTEST_TDX_TDCALL_H

#include "tdp_util.h"

/* Completion codes; the lower half holds details. */
#define TDX_STATUS_MASK			0xffffffff00000000ULL
#define TDX_SUCCESS			0ULL
#define TDX_OPERAND_INVALID		0xc000010000000000ULL
#define TDX_PAGE_ALREADY_ACCEPTED	0x00000b0a00000000ULL
#define TDX_PAGE_SIZE_MISMATCH		0xc0000b0b00000000ULL

/* What the host says in R10. */
#define TDVMCALL_SUCCESS		0ULL
#define TDVMCALL_RETRY			1ULL
#define TDVMCALL_INVALID_OPERAND	0x8000000000000000ULL
#define TDVMCALL_ALIGN_ERROR		0x8000000000000002ULL
#define TDVMCALL_SUBFUNC_UNSUPPORTED	0x8000000000000003ULL

/* R11: what is asked of the host.  Instructions have their VM exit's number. */
enum tdvmcall_function {
	TDVMCALL_CPUID = 10,
	TDVMCALL_HLT = 12,
	TDVMCALL_IO = 30,
	TDVMCALL_RDMSR = 31,
	TDVMCALL_WRMSR = 32,
	TDVMCALL_MMIO = 48,
	TDVMCALL_GET_INFO = 0x10000,
	TDVMCALL_MAP_GPA = 0x10001,
	TDVMCALL_REPORT_FATAL_ERROR = 0x10003,
};

/* The registers that hold answers: index into @out below. */
enum {
	TDVMCALL_R11,
	TDVMCALL_R12,
	TDVMCALL_R13,
	TDVMCALL_R14,
	TDVMCALL_R15,
	TDVMCALL_NR_OUT,
};

/**
 * tdvmcall_6() - ask the host
 * @function: enum tdvmcall_function, or a number that is none
 * @a1: goes to R12
 * @a2: goes to R13
 * @a3: goes to R14
 * @a4: goes to R15
 * @a5: goes to RBX
 * @a6: goes to RDI
 * @out: out: TDVMCALL_NR_OUT registers, or NULL if they do not matter
 *
 * Source: GHCI, TDG.VP.VMCALL; which register holds which argument is said
 * there for each function.
 *
 * Return: what the host left in R10, TDVMCALL_SUCCESS or another status; if the
 * TDX module itself refused, its completion code.
 */
u64 tdvmcall_6(u64 function, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6,
	       u64 *out);

/* The same with fewer arguments: all others are zero. */
static inline u64 tdvmcall_5(u64 function, u64 a1, u64 a2, u64 a3, u64 a4,
			     u64 a5, u64 *out)
{
	return tdvmcall_6(function, a1, a2, a3, a4, a5, 0, out);
}

static inline u64 tdvmcall_4(u64 function, u64 a1, u64 a2, u64 a3, u64 a4,
			     u64 *out)
{
	return tdvmcall_6(function, a1, a2, a3, a4, 0, 0, out);
}

static inline u64 tdvmcall_3(u64 function, u64 a1, u64 a2, u64 a3, u64 *out)
{
	return tdvmcall_6(function, a1, a2, a3, 0, 0, 0, out);
}

static inline u64 tdvmcall_2(u64 function, u64 a1, u64 a2, u64 *out)
{
	return tdvmcall_6(function, a1, a2, 0, 0, 0, 0, out);
}

static inline u64 tdvmcall_1(u64 function, u64 a1, u64 *out)
{
	return tdvmcall_6(function, a1, 0, 0, 0, 0, 0, out);
}

/**
 * tdvmcall_map_gpa() - convert memory
 * @gpa: the first GPA, with the shared bit if the memory is to be shared
 * @size: bytes, a multiple of the page size
 * @failed: out: with TDVMCALL_RETRY and errors, the GPA that was not converted
 *	any more; may be NULL
 *
 * Asks once; the caller repeats after TDVMCALL_RETRY.  Source: GHCI, MapGPA.
 *
 * Return: TDVMCALL_*.
 */
u64 tdvmcall_map_gpa(u64 gpa, u64 size, u64 *failed);

/**
 * tdvmcall_io_read() - read from an I/O port
 * @port: the port
 * @size: bytes: 1, 2 or 4
 * @value: out: what was read
 *
 * Source: GHCI, Instruction.IO.
 *
 * Return: TDVMCALL_*.
 */
u64 tdvmcall_io_read(u64 port, u64 size, u64 *value);

/**
 * tdvmcall_io_write() - write to an I/O port
 * @port: the port
 * @size: bytes: 1, 2 or 4
 * @value: what to write
 *
 * Source: GHCI, Instruction.IO.
 *
 * Return: TDVMCALL_*.
 */
u64 tdvmcall_io_write(u64 port, u64 size, u64 value);

/**
 * tdvmcall_mmio_read() - read from a device's memory
 * @gpa: where, with the shared bit
 * @size: bytes: 1, 2, 4 or 8
 * @value: out: what was read
 *
 * Source: GHCI, #VE.RequestMMIO.
 *
 * Return: TDVMCALL_*.
 */
u64 tdvmcall_mmio_read(u64 gpa, u64 size, u64 *value);

/**
 * tdvmcall_mmio_write() - write to a device's memory
 * @gpa: where, with the shared bit
 * @size: bytes: 1, 2, 4 or 8
 * @value: what to write
 *
 * Source: GHCI, #VE.RequestMMIO.
 *
 * Return: TDVMCALL_*.
 */
u64 tdvmcall_mmio_write(u64 gpa, u64 size, u64 value);

/**
 * tdvmcall_hlt() - sleep until an interrupt
 * @interrupts_blocked: whether RFLAGS.IF is clear
 *
 * Source: GHCI, Instruction.HLT.
 *
 * Return: TDVMCALL_*.
 */
u64 tdvmcall_hlt(bool interrupts_blocked);

/**
 * tdvmcall_cpuid() - a CPUID leaf that the TDX module leaves to the host
 * @leaf: EAX
 * @subleaf: ECX
 * @regs: out: EAX, EBX, ECX, EDX
 *
 * Source: GHCI, Instruction.CPUID.
 *
 * Return: TDVMCALL_*.
 */
u64 tdvmcall_cpuid(u32 leaf, u32 subleaf, u32 regs[4]);

/**
 * tdvmcall_rdmsr() - read an MSR that the host emulates
 * @msr: its index
 * @value: out: what was read
 *
 * Source: GHCI, Instruction.RDMSR.
 *
 * Return: TDVMCALL_*.
 */
u64 tdvmcall_rdmsr(u32 msr, u64 *value);

/**
 * tdvmcall_wrmsr() - write an MSR that the host emulates
 * @msr: its index
 * @value: what to write
 *
 * Source: GHCI, Instruction.WRMSR.
 *
 * Return: TDVMCALL_*.
 */
u64 tdvmcall_wrmsr(u32 msr, u64 value);

/**
 * struct tdg_vp_info - a TD's facts about itself
 * @gpa_width: number of bits of a GPA; the highest one is the shared bit
 * @attributes: the TD's attributes
 * @nr_vcpus: number of vCPUs
 * @max_vcpus: the most vCPUs that the TD may have
 * @vcpu_index: index of the vCPU that asked, in the order of TDH.VP.INIT
 */
struct tdg_vp_info {
	u64 gpa_width;
	u64 attributes;
	u32 nr_vcpus;
	u32 max_vcpus;
	u32 vcpu_index;
};

/**
 * tdg_vp_info() - ask for them
 * @info: out: the facts
 *
 * Source: TDX Module ABI, TDG.VP.INFO.
 *
 * Return: the completion code.
 */
u64 tdg_vp_info(struct tdg_vp_info *info);

/**
 * tdg_mem_page_accept() - take a private page that the host has added
 * @gpa: the page, a multiple of its size, without the shared bit
 * @level: PG_LEVEL_4K or PG_LEVEL_2M
 *
 * Leaves the TD for the host to map the page if it is not mapped yet.  The
 * page reads as zeroes afterwards.  Source: TDX Module ABI,
 * TDG.MEM.PAGE.ACCEPT.
 *
 * Return: the completion code, among them TDX_PAGE_ALREADY_ACCEPTED and
 * TDX_PAGE_SIZE_MISMATCH, compared under TDX_STATUS_MASK.
 */
u64 tdg_mem_page_accept(u64 gpa, int level);

#define TDREPORT_SIZE		1024
#define TDREPORT_DATA_SIZE	64
/* Of MRTD in a report, in bytes; source: TDX Module ABI, TDREPORT_STRUCT. */
#define TDREPORT_MRTD_OFFSET	528
#define TD_MEASUREMENT_SIZE	48

/**
 * tdg_mr_report() - have the module write a report of this TD
 * @report_gpa: TDREPORT_SIZE bytes, aligned to that, private
 * @data_gpa: TDREPORT_DATA_SIZE bytes to be reported, aligned to that, private
 *
 * Source: TDX Module ABI, TDG.MR.REPORT.
 *
 * Return: the completion code.
 */
u64 tdg_mr_report(u64 report_gpa, u64 data_gpa);

#endif /* SELFTEST_TDX_TDCALL_H */
