// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts and NMIs for TDs, those of the host while a TD runs, and TDs that
 * have to share a CPU or change it.
 *
 * A vCPU runs in a thread of its own; what the TD does it notes in shared memory,
 * and the case waits for it there.
 */
#include <pthread.h>

#include <apic.h>

#include "tdp_control.h"

#include "tdx/td_refuse.h"
#include "tdx/td_soft.h"
#include "tdx/td_test.h"
#include "tdx/tdcall.h"

#define VECTOR		0x55
#define MSI_NMI		APIC_DM_NMI

/* How long something may take that does happen, and that must not happen. */
#define TRIES		2000
#define TRY_USECS	1000
#define NEVER_USECS	20000

/* What a vCPU notes, and what it is told. */
struct notes {
	u64 started, stop;
	u64 irqs, nmis, spins;
	u64 seed, count, held;
};

static struct notes *notes;

static void guest_irq(struct ex_regs *regs)
{
	WRITE_ONCE(notes->irqs, notes->irqs + 1);
	x2apic_write_reg(APIC_EOI, 0);
}

static void guest_nmi(struct ex_regs *regs)
{
	WRITE_ONCE(notes->nmis, notes->nmis + 1);
}

/* KVM delivers nothing before it is told that the local APIC is on. */
static void guest_begin(u64 arg)
{
	notes = (struct notes *)arg;
	GUEST_ASSERT_EQ(tdvmcall_wrmsr(APIC_BASE_MSR + (APIC_SPIV >> 4),
				       APIC_SPIV_APIC_ENABLED | 0xff),
			TDVMCALL_SUCCESS);
}

static void guest_spins(u64 arg)
{
	guest_begin(arg);
	sti();
	WRITE_ONCE(notes->started, 1);
	while (!READ_ONCE(notes->stop))
		WRITE_ONCE(notes->spins, notes->spins + 1);
	cli();
	GUEST_DONE();
}

static void guest_halts(u64 arg)
{
	guest_begin(arg);
	sti();
	while (!READ_ONCE(notes->stop))
		GUEST_ASSERT_EQ(tdvmcall_hlt(false), TDVMCALL_SUCCESS);
	cli();
	GUEST_DONE();
}

/* Halts until an NMI, and takes interrupts afterwards only. */
static void guest_halts_blocked(u64 arg)
{
	guest_begin(arg);
	cli();
	GUEST_ASSERT_EQ(tdvmcall_hlt(true), TDVMCALL_SUCCESS);
	GUEST_ASSERT_EQ(READ_ONCE(notes->nmis), 1);
	GUEST_ASSERT_EQ(READ_ONCE(notes->irqs), 0);
	sti_nop();
	GUEST_ASSERT_EQ(READ_ONCE(notes->irqs), 1);
	cli();
	GUEST_DONE();
}

/* A vCPU, the thread that runs it, and its notes. */
struct runner {
	struct kvm_vcpu *vcpu;
	struct notes *notes;
	pthread_t thread;
	u64 last_ucall;
	int cpu;
};

#define NR_RUNNERS	2

FIXTURE(interrupts) {
	struct kvm_vm *vm, *other_vm;
	struct runner runners[NR_RUNNERS];
};

FIXTURE_SETUP(interrupts)
{
}

FIXTURE_TEARDOWN(interrupts)
{
	kvm_vm_free(self->vm);
	kvm_vm_free(self->other_vm);
}

static void add_runner(struct kvm_vm *vm, struct runner *runner, u32 id,
		       void *guest_code)
{
	gva_t gva = vm_alloc_shared(vm, PAGE_SIZE, KVM_UTIL_MIN_VADDR,
				    MEM_REGION_TEST_DATA);

	runner->notes = addr_gva2hva(vm, gva);
	memset(runner->notes, 0, sizeof(*runner->notes));
	runner->vcpu = td_vcpu_add(vm, id, guest_code, gva);
	runner->cpu = -1;
}

static void create(struct kvm_vm **vm, struct runner *runner, void *guest_code)
{
	*vm = td_create(1);
	vm_install_exception_handler(*vm, VECTOR, guest_irq);
	vm_install_exception_handler(*vm, NMI_VECTOR, guest_nmi);
	add_runner(*vm, runner, 0, guest_code);
	td_finalize(*vm);
}

static void *run(void *arg)
{
	struct runner *runner = arg;
	struct ucall uc;

	if (runner->cpu >= 0)
		pin_self_to_cpu(runner->cpu);
	vcpu_run(runner->vcpu);
	runner->last_ucall = get_ucall(runner->vcpu, &uc);
	if (runner->last_ucall == UCALL_ABORT)
		fprintf(stderr, "# %s\n", uc.buffer);
	return NULL;
}

static void start(struct runner *runner)
{
	TDP_ASSERT(!pthread_create(&runner->thread, NULL, run, runner),
		   "Cannot create a thread");
}

#define expect_done(runner) do {					\
	pthread_join((runner)->thread, NULL);				\
	EXPECT_EQ((runner)->last_ucall, UCALL_DONE);			\
} while (0)

/* Return: whether the value got there in time. */
static bool wait_for(const u64 *value, u64 wanted)
{
	int i;

	for (i = 0; i < TRIES && READ_ONCE(*value) < wanted; i++)
		usleep(TRY_USECS);
	return READ_ONCE(*value) == wanted;
}

static bool wait_beyond(const u64 *value, u64 old)
{
	int i;

	for (i = 0; i < TRIES && READ_ONCE(*value) <= old; i++)
		usleep(TRY_USECS);
	return READ_ONCE(*value) > old;
}

static bool wait_for_halts(struct runner *runner, u64 wanted)
{
	u64 halts = 0;
	int i;

	for (i = 0; i < TRIES && halts < wanted; i++) {
		usleep(TRY_USECS);
		halts = vcpu_get_stat(runner->vcpu, halt_exits);
	}
	return halts == wanted;
}

static void send_msi(struct kvm_vm *vm, u32 apic_id, u32 data)
{
	struct kvm_msi msi = {
		.address_lo = APIC_DEFAULT_GPA | apic_id << 12,
		.data = data,
	};

	TDP_ASSERT(__vm_ioctl(vm, KVM_SIGNAL_MSI, &msi) == 1,
		   "KVM_SIGNAL_MSI reached no vCPU");
}

/* Rules: tdx.posted-interrupt */
TEST_F(interrupts, running)
{
	struct runner *runner = &self->runners[0];
	u64 i;

	create(&self->vm, runner, guest_spins);
	start(runner);
	ASSERT_TRUE(wait_for(&runner->notes->started, 1));
	for (i = 1; i <= 3; i++) {
		send_msi(self->vm, 0, VECTOR);
		EXPECT_TRUE(wait_for(&runner->notes->irqs, i));
	}
	WRITE_ONCE(runner->notes->stop, 1);
	expect_done(runner);
	EXPECT_EQ(runner->notes->irqs, 3);
	EXPECT_EQ(runner->notes->nmis, 0);
}

/* Rules: tdx.posted-interrupt tdx.vmcall-hlt */
TEST_F(interrupts, halted)
{
	struct runner *runner = &self->runners[0];
	u64 i;

	create(&self->vm, runner, guest_halts);
	start(runner);
	for (i = 1; i <= 3; i++) {
		ASSERT_TRUE(wait_for_halts(runner, i));
		EXPECT_EQ(runner->notes->irqs, i - 1);
		if (i == 3)
			WRITE_ONCE(runner->notes->stop, 1);
		send_msi(self->vm, 0, VECTOR);
		EXPECT_TRUE(wait_for(&runner->notes->irqs, i));
	}
	expect_done(runner);
	EXPECT_EQ(vcpu_get_stat(runner->vcpu, halt_exits), 3);
}

/*
 * A TD that halted with interrupts blocked sleeps on, until an NMI; the interrupt
 * is delivered once it may be.
 *
 * Rules: tdx.posted-interrupt tdx.nmi tdx.vmcall-hlt
 */
TEST_F(interrupts, halted_and_blocked)
{
	struct runner *runner = &self->runners[0];

	create(&self->vm, runner, guest_halts_blocked);
	start(runner);
	ASSERT_TRUE(wait_for_halts(runner, 1));
	send_msi(self->vm, 0, VECTOR);
	usleep(NEVER_USECS);
	EXPECT_EQ(runner->notes->irqs, 0);
	EXPECT_EQ(vcpu_get_stat(runner->vcpu, halt_exits), 1);

	send_msi(self->vm, 0, MSI_NMI);
	expect_done(runner);
	EXPECT_EQ(runner->notes->nmis, 1);
	EXPECT_EQ(runner->notes->irqs, 1);
}

/* KVM_NMI waits for the vCPU to leave KVM_RUN, so it comes before that. */
static void guest_syncs_and_spins(u64 arg)
{
	guest_begin(arg);
	GUEST_SYNC1(0);
	guest_spins(arg);
}

/* Rules: tdx.nmi */
TEST_F(interrupts, nmi_for_the_td)
{
	struct runner *runner = &self->runners[0];
	struct ucall uc;

	create(&self->vm, runner, guest_syncs_and_spins);
	vcpu_run(runner->vcpu);
	ASSERT_EQ(get_ucall(runner->vcpu, &uc), UCALL_SYNC);
	vcpu_ioctl(runner->vcpu, KVM_NMI, NULL);
	start(runner);
	ASSERT_TRUE(wait_for(&runner->notes->started, 1));
	EXPECT_TRUE(wait_for(&runner->notes->nmis, 1));
	send_msi(self->vm, 0, MSI_NMI);
	EXPECT_TRUE(wait_for(&runner->notes->nmis, 2));
	WRITE_ONCE(runner->notes->stop, 1);
	expect_done(runner);
	EXPECT_EQ(runner->notes->nmis, 2);
	EXPECT_EQ(runner->notes->irqs, 0);
}

/* So long that some ticks of the host's clock come meanwhile. */
#define COUNT_NS	15000000

/*
 * Registers that nobody else may change, general ones and vector registers, hold
 * what they are given while the vCPU does nothing but count.
 */
static bool guest_registers_hold(u64 seed, u64 spins)
{
	u64 rbx, r12, low, high;

	asm volatile("mov %[seed], %%rbx\n\t"
		     "lea 1(%[seed]), %%r12\n\t"
		     "movq %%rbx, %%xmm3\n\t"
		     "movq %%r12, %%xmm11\n\t"
		     "1: dec %[spins]\n\t"
		     "jnz 1b\n\t"
		     "mov %%rbx, %[rbx]\n\t"
		     "mov %%r12, %[r12]\n\t"
		     "movq %%xmm3, %[low]\n\t"
		     "movq %%xmm11, %[high]\n\t"
		     : [rbx] "=m" (rbx), [r12] "=m" (r12), [low] "=m" (low),
		       [high] "=m" (high), [spins] "+r" (spins)
		     : [seed] "r" (seed)
		     : "rbx", "r12", "xmm3", "xmm11", "memory", "cc");
	return rbx == seed && r12 == seed + 1 && low == seed &&
	       high == seed + 1;
}

static void guest_counts(u64 arg)
{
	guest_begin(arg);
	WRITE_ONCE(notes->started, 1);
	notes->held = guest_registers_hold(notes->seed, notes->count);
	GUEST_DONE();
}

static u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/* How often to count for it to take COUNT_NS on this host. */
static u64 count_for_long(void)
{
	u64 begin, ns, count = 50000;

	do {
		count *= 2;
		begin = now_ns();
		guest_registers_hold(1, count);
		ns = now_ns() - begin;
	} while (ns < COUNT_NS / 10);
	return count * COUNT_NS / ns;
}

static u64 involuntary_switches(void)
{
	FILE *file = fopen("/proc/thread-self/status", "r");
	char line[128];
	u64 switches = 0;

	TDP_ASSERT(file, "Cannot read /proc/thread-self/status");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "nonvoluntary_ctxt_switches: %lu",
			   &switches) == 1)
			break;
	fclose(file);
	return switches;
}

static void *run_preempted(void *arg)
{
	struct runner *runner = arg;

	run(runner);
	WRITE_ONCE(runner->notes->nmis, involuntary_switches());
	return NULL;
}

/*
 * Two TDs that do not leave by themselves share a CPU.
 *
 * Rules: tdx.preempted tdx.two-tds
 */
TEST_F(interrupts, preempted)
{
	u64 count = count_for_long(), before;
	int i;

	TDP_REQUIRE_NOT(td_soft_lacks());
	create(&self->vm, &self->runners[0], guest_counts);
	create(&self->other_vm, &self->runners[1], guest_counts);
	before = td_exit_count(TD_EXIT_INTERRUPT);
	for (i = 0; i < NR_RUNNERS; i++) {
		self->runners[i].notes->seed = 0x7d00ULL << (32 * i);
		self->runners[i].notes->count = count;
		self->runners[i].cpu = 0;
		TDP_ASSERT(!pthread_create(&self->runners[i].thread, NULL,
					   run_preempted, &self->runners[i]),
			   "Cannot create a thread");
	}
	for (i = 0; i < NR_RUNNERS; i++) {
		expect_done(&self->runners[i]);
		EXPECT_TRUE(self->runners[i].notes->held)
			TH_LOG("The registers of TD %d did not hold", i);
		EXPECT_LT(0, self->runners[i].notes->nmis);
	}
	EXPECT_LE(before + 2, td_exit_count(TD_EXIT_INTERRUPT));
}

#define REQUIRE_TWO_CPUS()						\
	TDP_REQUIRE(sysconf(_SC_NPROCESSORS_ONLN) > 1,			\
		    "this host has one CPU, and the case needs two")

/*
 * An NMI of the host takes the vCPU out of the TD, the host handles it, and the
 * TD goes on as if there had been none.
 *
 * Rules: tdx.host-nmi
 */
TEST_F(interrupts, nmi_for_the_host)
{
	struct runner *runner = &self->runners[0];
	u64 before, spins;
	int i;

	REQUIRE_TWO_CPUS();
	TDP_REQUIRE_NOT(td_soft_lacks());
	pin_self_to_cpu(0);
	create(&self->vm, runner, guest_spins);
	runner->cpu = 1;
	start(runner);
	ASSERT_TRUE(wait_for(&runner->notes->started, 1));

	before = td_exit_count(TD_EXIT_NMI);
	for (i = 0; i < 5; i++)
		td_send_nmi(1);
	EXPECT_LT(before, td_exit_count(TD_EXIT_NMI));
	spins = READ_ONCE(runner->notes->spins);
	usleep(NEVER_USECS);
	EXPECT_LT(spins, READ_ONCE(runner->notes->spins));
	EXPECT_EQ(runner->notes->nmis, 0);

	WRITE_ONCE(runner->notes->stop, 1);
	expect_done(runner);
}

static void guest_send_ipi(u64 apic_id)
{
	GUEST_ASSERT_EQ(tdvmcall_wrmsr(APIC_BASE_MSR + (APIC_ICR >> 4),
				       apic_id << 32 | VECTOR),
			TDVMCALL_SUCCESS);
}

/*
 * vCPU 1 sleeps; vCPU 0 wakes it up three times, by way of the host, and once
 * more to have it end.
 */
static void guest_sends(u64 arg)
{
	struct notes *other = (struct notes *)arg;
	u64 i;

	for (i = 1; i <= 3; i++) {
		guest_send_ipi(1);
		while (READ_ONCE(other->irqs) < i)
			;
	}
	GUEST_ASSERT_EQ(READ_ONCE(other->irqs), 3);
	WRITE_ONCE(other->stop, 1);
	guest_send_ipi(1);
	GUEST_DONE();
}

/* Rules: tdx.posted-interrupt */
TEST_F(interrupts, from_another_vcpu)
{
	struct runner *sender = &self->runners[0], *sleeper = &self->runners[1];
	u64 gva;
	int i;

	REQUIRE_TWO_CPUS();
	self->vm = td_create(NR_RUNNERS);
	vm_install_exception_handler(self->vm, VECTOR, guest_irq);
	gva = vm_alloc_shared(self->vm, PAGE_SIZE, KVM_UTIL_MIN_VADDR,
			      MEM_REGION_TEST_DATA);
	sleeper->notes = addr_gva2hva(self->vm, gva);
	memset(sleeper->notes, 0, sizeof(*sleeper->notes));
	sender->vcpu = td_vcpu_add(self->vm, 0, guest_sends, gva);
	sleeper->vcpu = td_vcpu_add(self->vm, 1, guest_halts, gva);
	td_finalize(self->vm);

	for (i = 0; i < NR_RUNNERS; i++)
		self->runners[i].cpu = i;
	start(sleeper);
	ASSERT_TRUE(wait_for_halts(sleeper, 1));
	start(sender);
	for (i = 0; i < NR_RUNNERS; i++)
		expect_done(&self->runners[i]);
	EXPECT_LE(3, sleeper->notes->irqs);
}

static void guest_counts_syncs(void)
{
	u64 i;

	for (i = 0; ; i++)
		GUEST_SYNC1(i);
}

/* TDH.VP.FLUSH was called so often since @before, always with success. */
static bool check_flushes(const struct td_leaf_count *before, u64 wanted,
			  struct tdp_msg *msg)
{
	struct td_leaf_count now = td_leaf_count("TDH_VP_FLUSH");
	u64 calls = now.calls - before->calls;
	u64 failures = now.failures - before->failures;

	if (calls == wanted && !failures)
		return true;
	snprintf(msg->text, sizeof(msg->text),
		 "Wanted %lu times TDH.VP.FLUSH, got %lu, %lu of which failed",
		 wanted, calls, failures);
	return false;
}

#define EXPECT_FLUSHES(...)	__TDP_JUDGE(0, check_flushes, __VA_ARGS__)

/*
 * A vCPU is associated with the CPU that it ran on: before it runs on another, that
 * one has to let go of it.
 *
 * Rules: tdx.migrate control.assertions
 */
TEST_F(interrupts, migrated_between_runs)
{
	static const int cpus[] = { 0, 0, 1, 0, 1, 1, 0 };
	struct td_leaf_count before, all;
	u64 i, moves = 0;
	struct ucall uc;

	REQUIRE_TWO_CPUS();
	TDP_REQUIRE_NOT(td_refuse_lacks());
	pin_self_to_cpu(0);
	self->vm = td_create_with_one_vcpu(&self->runners[0].vcpu,
					   guest_counts_syncs);
	all = td_leaf_count("TDH_VP_FLUSH");
	for (i = 0; i < ARRAY_SIZE(cpus); i++) {
		before = td_leaf_count("TDH_VP_FLUSH");
		pin_self_to_cpu(cpus[i]);
		vcpu_run(self->runners[0].vcpu);
		ASSERT_EQ(get_ucall(self->runners[0].vcpu, &uc), UCALL_SYNC);
		EXPECT_EQ(uc.args[0], i);
		EXPECT_FLUSHES(&before, i && cpus[i] != cpus[i - 1]);
		moves += i && cpus[i] != cpus[i - 1];
	}
	EXPECT_FLUSHES(&all, moves);
	EXPECT_REFUSED("Wanted 0 times TDH.VP.FLUSH, got 4",
		       EXPECT_FLUSHES(&all, 0));
}

/* Rules: tdx.migrate tdx.preempted */
TEST_F(interrupts, migrated_while_running)
{
	struct runner *runner = &self->runners[0];
	struct td_leaf_count before;
	u64 spins;
	int i;

	REQUIRE_TWO_CPUS();
	TDP_REQUIRE_NOT(td_refuse_lacks());
	pin_self_to_cpu(0);
	create(&self->vm, runner, guest_spins);
	runner->cpu = 0;
	before = td_leaf_count("TDH_VP_FLUSH");
	start(runner);
	ASSERT_TRUE(wait_for(&runner->notes->started, 1));
	for (i = 1; i <= 6; i++) {
		pin_task_to_cpu(runner->thread, i % 2);
		spins = READ_ONCE(runner->notes->spins);
		EXPECT_TRUE(wait_beyond(&runner->notes->spins, spins));
	}
	EXPECT_FLUSHES(&before, 6);
	send_msi(self->vm, 0, VECTOR);
	EXPECT_TRUE(wait_for(&runner->notes->irqs, 1));
	WRITE_ONCE(runner->notes->stop, 1);
	expect_done(runner);
}

TD_HARNESS_MAIN
