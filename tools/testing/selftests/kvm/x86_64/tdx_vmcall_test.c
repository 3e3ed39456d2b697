// SPDX-License-Identifier: GPL-2.0
/* What a TD asks of the host by TDG.VP.VMCALL, and what KVM makes of it. */
#include <signal.h>
#include <sys/time.h>

#include "tdx/td_test.h"
#include "tdx/tdcall.h"

/* Port, memory and a CPUID leaf that nobody else has. */
#define PORT		0x3a8
#define DEVICE_GPA	0xe0000000ULL
#define CPUID_LEAF	0x40000100

#define VALUE		0x8877665544332211ULL

static u64 value_of_size(u64 size)
{
	return VALUE & GENMASK_ULL(size * 8 - 1, 0);
}

FIXTURE(vmcall) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
};

FIXTURE_SETUP(vmcall)
{
}

FIXTURE_TEARDOWN(vmcall)
{
	kvm_vm_free(self->vm);
}

#define run_td(guest_code)						\
	(self->vm = td_create_with_one_vcpu(&self->vcpu, guest_code))

static void expect_done(struct __test_metadata *_metadata,
			struct kvm_vcpu *vcpu)
{
	struct ucall uc;

	vcpu_run(vcpu);
	ASSERT_EQ(get_ucall(vcpu, &uc), UCALL_DONE)
		TH_LOG("exit %d (%s): %s", vcpu->run->exit_reason,
		       exit_reason_str(vcpu->run->exit_reason), uc.buffer);
}

static void guest_io(void)
{
	u64 size, value;

	for (size = 1; size <= 4; size *= 2) {
		GUEST_ASSERT_EQ(tdvmcall_io_write(PORT, size, VALUE),
				TDVMCALL_SUCCESS);
		GUEST_ASSERT_EQ(tdvmcall_io_read(PORT, size, &value),
				TDVMCALL_SUCCESS);
		GUEST_ASSERT_EQ(value, value_of_size(size));
	}
	GUEST_ASSERT_EQ(tdvmcall_io_write(PORT, 0, VALUE), TDVMCALL_INVALID_OPERAND);
	GUEST_ASSERT_EQ(tdvmcall_io_write(PORT, 3, VALUE), TDVMCALL_INVALID_OPERAND);
	GUEST_ASSERT_EQ(tdvmcall_io_read(PORT, 8, &value), TDVMCALL_INVALID_OPERAND);
	GUEST_ASSERT_EQ(tdvmcall_4(TDVMCALL_IO, 1, 2, PORT, 0, NULL),
			TDVMCALL_INVALID_OPERAND);
	GUEST_DONE();
}

/* Rules: tdx.vmcall-io */
TEST_F(vmcall, io)
{
	u64 size, value = VALUE;
	struct kvm_run *run;
	void *data;

	run_td(guest_io);
	run = self->vcpu->run;
	for (size = 1; size <= 4; size *= 2) {
		vcpu_run(self->vcpu);
		ASSERT_EQ(run->exit_reason, KVM_EXIT_IO);
		ASSERT_EQ(run->io.port, PORT);
		EXPECT_EQ(run->io.direction, KVM_EXIT_IO_OUT);
		EXPECT_EQ(run->io.size, size);
		EXPECT_EQ(run->io.count, 1);
		data = (void *)run + run->io.data_offset;
		EXPECT_EQ(memcmp(data, &value, size), 0);

		vcpu_run(self->vcpu);
		ASSERT_EQ(run->exit_reason, KVM_EXIT_IO);
		ASSERT_EQ(run->io.port, PORT);
		EXPECT_EQ(run->io.direction, KVM_EXIT_IO_IN);
		EXPECT_EQ(run->io.size, size);
		data = (void *)run + run->io.data_offset;
		memcpy(data, &value, size);
	}
	expect_done(_metadata, self->vcpu);
}

static void guest_mmio(void)
{
	u64 gpa = DEVICE_GPA | TD_SHARED_BIT, size, value;

	for (size = 1; size <= 8; size *= 2) {
		GUEST_ASSERT_EQ(tdvmcall_mmio_write(gpa + 8 * size, size, VALUE),
				TDVMCALL_SUCCESS);
		GUEST_ASSERT_EQ(tdvmcall_mmio_read(gpa + 8 * size, size, &value),
				TDVMCALL_SUCCESS);
		GUEST_ASSERT_EQ(value, value_of_size(size));
	}
	GUEST_ASSERT_EQ(tdvmcall_mmio_read(gpa, 3, &value),
			TDVMCALL_INVALID_OPERAND);
	GUEST_ASSERT_EQ(tdvmcall_mmio_write(gpa, 16, 0),
			TDVMCALL_INVALID_OPERAND);
	GUEST_ASSERT_EQ(tdvmcall_mmio_read(DEVICE_GPA, 4, &value),
			TDVMCALL_INVALID_OPERAND);
	GUEST_ASSERT_EQ(tdvmcall_mmio_write(TD_SHARED_BIT - 4, 8, 0),
			TDVMCALL_INVALID_OPERAND);
	GUEST_ASSERT_EQ(tdvmcall_4(TDVMCALL_MMIO, 4, 2, gpa, 0, NULL),
			TDVMCALL_INVALID_OPERAND);
	GUEST_DONE();
}

/* Rules: tdx.vmcall-mmio */
TEST_F(vmcall, mmio)
{
	u64 size, value = VALUE;
	struct kvm_run *run;

	run_td(guest_mmio);
	run = self->vcpu->run;
	for (size = 1; size <= 8; size *= 2) {
		vcpu_run(self->vcpu);
		ASSERT_EQ(run->exit_reason, KVM_EXIT_MMIO);
		EXPECT_EQ(run->mmio.phys_addr, DEVICE_GPA + 8 * size);
		EXPECT_EQ(run->mmio.len, size);
		EXPECT_EQ(run->mmio.is_write, 1);
		EXPECT_EQ(memcmp(run->mmio.data, &value, size), 0);

		vcpu_run(self->vcpu);
		ASSERT_EQ(run->exit_reason, KVM_EXIT_MMIO);
		EXPECT_EQ(run->mmio.phys_addr, DEVICE_GPA + 8 * size);
		EXPECT_EQ(run->mmio.len, size);
		EXPECT_EQ(run->mmio.is_write, 0);
		memcpy(run->mmio.data, &value, size);
	}
	EXPECT_TDP_ABSENT(self->vcpu, DEVICE_GPA, 1);
	expect_done(_metadata, self->vcpu);
}

static void guest_cpuid(void)
{
	u32 regs[4];

	GUEST_ASSERT_EQ(tdvmcall_cpuid(CPUID_LEAF, 0, regs), TDVMCALL_SUCCESS);
	GUEST_ASSERT_EQ(regs[0], 0x11);
	GUEST_ASSERT_EQ(regs[1], 0x22);
	GUEST_ASSERT_EQ(regs[2], 0x33);
	GUEST_ASSERT_EQ(regs[3], 0x44);
	GUEST_ASSERT_EQ(tdvmcall_cpuid(CPUID_LEAF, 1, regs), TDVMCALL_SUCCESS);
	GUEST_ASSERT_EQ(regs[0], 0x55);
	GUEST_DONE();
}

/* A leaf with two subleaves, which no processor and no KVM has. */
static void set_cpuid(struct kvm_vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 mine[] = {
		{ .function = CPUID_LEAF, .index = 0,
		  .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		  .eax = 0x11, .ebx = 0x22, .ecx = 0x33, .edx = 0x44 },
		{ .function = CPUID_LEAF, .index = 1,
		  .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .eax = 0x55 },
	};
	u32 nent = vcpu->cpuid->nent;
	struct kvm_cpuid2 *cpuid = allocate_kvm_cpuid2(nent + ARRAY_SIZE(mine));

	memcpy(cpuid->entries, vcpu->cpuid->entries,
	       nent * sizeof(cpuid->entries[0]));
	memcpy(cpuid->entries + nent, mine, sizeof(mine));
	cpuid->padding = 0;
	vcpu_ioctl(vcpu, KVM_SET_CPUID2, cpuid);
	free(cpuid);
}

/* Rules: tdx.vmcall-cpuid */
TEST_F(vmcall, cpuid)
{
	self->vm = td_create(1);
	self->vcpu = td_vcpu_add(self->vm, 0, guest_cpuid, 0);
	set_cpuid(self->vcpu);
	td_finalize(self->vm);

	expect_done(_metadata, self->vcpu);
}

#define MSR_MTRR_DEF_TYPE	0x2ff
#define MSR_MTRR_CAP		0xfe
#define MSR_NO_SUCH		0x4b564d7f
#define MSR_X2APIC_TPR		0x808

static void guest_msr(void)
{
	u64 value;

	GUEST_ASSERT_EQ(tdvmcall_wrmsr(MSR_MTRR_DEF_TYPE, 0xc06),
			TDVMCALL_SUCCESS);
	GUEST_ASSERT_EQ(tdvmcall_rdmsr(MSR_MTRR_DEF_TYPE, &value),
			TDVMCALL_SUCCESS);
	GUEST_ASSERT_EQ(value, 0xc06);

	GUEST_ASSERT_EQ(tdvmcall_wrmsr(MSR_MTRR_DEF_TYPE, ~0ULL),
			TDVMCALL_INVALID_OPERAND);
	GUEST_ASSERT_EQ(tdvmcall_rdmsr(MSR_NO_SUCH, &value),
			TDVMCALL_INVALID_OPERAND);
	GUEST_ASSERT_EQ(tdvmcall_wrmsr(MSR_NO_SUCH, 0),
			TDVMCALL_INVALID_OPERAND);
	GUEST_ASSERT_EQ(tdvmcall_wrmsr(MSR_IA32_APICBASE, 0xfee00000),
			TDVMCALL_INVALID_OPERAND);

	/* The CPU virtualizes it, on a page that KVM does not see. */
	GUEST_ASSERT_EQ(tdvmcall_rdmsr(MSR_X2APIC_TPR, &value),
			TDVMCALL_INVALID_OPERAND);
	GUEST_DONE();
}

/* Rules: tdx.vmcall-msr */
TEST_F(vmcall, msr)
{
	run_td(guest_msr);
	expect_done(_metadata, self->vcpu);
}

static void guest_unknown(void)
{
	static const u64 unknown[] = {
		0, 1, 0xff, 0x10006, 0x10007, 0x20000, ~0ULL,
	};
	u64 out[TDVMCALL_NR_OUT];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++)
		GUEST_ASSERT_EQ(tdvmcall_1(unknown[i], 0, NULL),
				TDVMCALL_SUBFUNC_UNSUPPORTED);

	GUEST_ASSERT_EQ(tdvmcall_1(TDVMCALL_GET_INFO, 0, out), TDVMCALL_SUCCESS);
	for (i = TDVMCALL_R11; i <= TDVMCALL_R14; i++)
		GUEST_ASSERT_EQ(out[i], 0);
	GUEST_ASSERT_EQ(tdvmcall_1(TDVMCALL_GET_INFO, 2, NULL),
			TDVMCALL_INVALID_OPERAND);
	GUEST_DONE();
}

/* Rules: tdx.vmcall-unknown */
TEST_F(vmcall, unknown)
{
	run_td(guest_unknown);
	expect_done(_metadata, self->vcpu);
}

static void guest_fatal(void)
{
	tdvmcall_6(TDVMCALL_REPORT_FATAL_ERROR, 0x12, 0x13, 0x14, 0x15, 0xb,
		   0xd1, NULL);
	GUEST_DONE();
}

/* Registers in the order of their numbers: RAX, RCX, RDX, RBX, ... R15. */
enum { DATA_RBX = 3, DATA_RDI = 7, DATA_R12 = 12 };

/* Rules: tdx.vmcall-fatal */
TEST_F(vmcall, fatal)
{
	struct kvm_run *run;

	run_td(guest_fatal);
	run = self->vcpu->run;

	vcpu_run(self->vcpu);
	ASSERT_EQ(run->exit_reason, KVM_EXIT_SYSTEM_EVENT);
	EXPECT_EQ(run->system_event.type, KVM_SYSTEM_EVENT_TDX_FATAL);
	ASSERT_EQ(run->system_event.ndata, 16);
	EXPECT_EQ(run->system_event.data[DATA_RBX], 0xb);
	EXPECT_EQ(run->system_event.data[DATA_RDI], 0xd1);
	EXPECT_EQ(run->system_event.data[DATA_R12], 0x12);
	EXPECT_EQ(run->system_event.data[DATA_R12 + 1], 0x13);
	EXPECT_EQ(run->system_event.data[DATA_R12 + 2], 0x14);
	EXPECT_EQ(run->system_event.data[DATA_R12 + 3], 0x15);
}

static void guest_hlt(void)
{
	GUEST_SYNC1(0);
	tdvmcall_hlt(true);
	GUEST_DONE();
}

static void on_alarm(int sig)
{
}

/*
 * A TD that sleeps without interrupts wakes up for none: only a signal ends
 * KVM_RUN, and the TD sleeps on.
 *
 * Rules: tdx.vmcall-hlt
 */
TEST_F(vmcall, hlt)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval timer = {
		.it_interval.tv_usec = 50000,
		.it_value.tv_usec = 50000,
	};
	struct ucall uc;
	int i;

	run_td(guest_hlt);
	vcpu_run(self->vcpu);
	ASSERT_EQ(get_ucall(self->vcpu, &uc), UCALL_SYNC);

	ASSERT_EQ(sigaction(SIGALRM, &action, NULL), 0);
	ASSERT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(__vcpu_run(self->vcpu), -1);
		EXPECT_EQ(errno, EINTR);
	}
	setitimer(ITIMER_REAL, &(struct itimerval) {}, NULL);
	EXPECT_EQ(vcpu_get_stat(self->vcpu, halt_exits), 1);
}

TD_HARNESS_MAIN
