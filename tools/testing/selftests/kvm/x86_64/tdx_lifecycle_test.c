// SPDX-License-Identifier: GPL-2.0
/* The life of a TD, from its creation to its end, and the order of things. */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/wait.h>

#include "tdp_control.h"

#include "tdx/td_refuse.h"
#include "tdx/td_test.h"
#include "tdx/tdcall.h"

FIXTURE(lifecycle) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
};

FIXTURE_SETUP(lifecycle)
{
}

FIXTURE_TEARDOWN(lifecycle)
{
	kvm_vm_free(self->vm);
}

static void guest_sync(void)
{
	GUEST_SYNC(0x7d);
	GUEST_DONE();
}

/* Rules: tdx.run */
TEST_F(lifecycle, run)
{
	struct ucall uc;

	self->vm = td_create_with_one_vcpu(&self->vcpu, guest_sync);

	vcpu_run(self->vcpu);
	ASSERT_EQ(get_ucall(self->vcpu, &uc), UCALL_SYNC);
	EXPECT_EQ(uc.args[1], 0x7d);

	vcpu_run(self->vcpu);
	EXPECT_EQ(get_ucall(self->vcpu, &uc), UCALL_DONE);
}

static void guest_fails(void)
{
	GUEST_ASSERT_EQ(0x7d, 0x7e);
}

/*
 * A TD whose assertion fails does not look like one that is done.
 *
 * Rules: control.assertions
 */
TEST_F(lifecycle, guest_assertion)
{
	struct ucall uc;

	self->vm = td_create_with_one_vcpu(&self->vcpu, guest_fails);

	/* vcpu_run() would end the case. */
	ASSERT_EQ(__vcpu_run(self->vcpu), 0);
	ASSERT_EQ(get_ucall(self->vcpu, &uc), UCALL_ABORT);
	EXPECT_NE(strstr(uc.buffer, "0x7d != 0x7e"), NULL);
}

static void guest_skip_ud2(struct ex_regs *regs)
{
	GUEST_SYNC1(regs->vector);
	regs->rip += 2;
}

static void guest_exceptions(void)
{
	asm volatile("ud2");
	GUEST_SYNC1(0x7d);
	READ_ONCE(*(u64 *)BIT_ULL(46));
	GUEST_DONE();
}

/*
 * A TD's exceptions arrive where the library sends those of any guest.
 *
 * Rules: tdx.run control.assertions
 */
TEST_F(lifecycle, exceptions)
{
	struct ucall uc;

	self->vm = td_create(1);
	vm_install_exception_handler(self->vm, UD_VECTOR, guest_skip_ud2);
	self->vcpu = td_vcpu_add(self->vm, 0, guest_exceptions, 0);
	td_finalize(self->vm);

	vcpu_run(self->vcpu);
	ASSERT_EQ(get_ucall(self->vcpu, &uc), UCALL_SYNC);
	EXPECT_EQ(uc.args[0], UD_VECTOR);
	vcpu_run(self->vcpu);
	ASSERT_EQ(get_ucall(self->vcpu, &uc), UCALL_SYNC);
	EXPECT_EQ(uc.args[0], 0x7d);
	ASSERT_EQ(__vcpu_run(self->vcpu), 0);
	ASSERT_EQ(get_ucall(self->vcpu, &uc), UCALL_ABORT);
	EXPECT_NE(strstr(uc.buffer, "Unhandled exception '0xe'"), NULL);
}

static void guest_info(u64 arg)
{
	struct tdg_vp_info info;

	GUEST_ASSERT_EQ(tdg_vp_info(&info), TDX_SUCCESS);
	GUEST_SYNC5(arg, info.gpa_width, info.attributes, info.nr_vcpus,
		    info.vcpu_index);
	GUEST_DONE();
}

/*
 * What the TD is told of itself is what KVM was asked for.
 *
 * Rules: tdx.init-params tdx.run
 */
TEST_F(lifecycle, params_reach_the_td)
{
	struct ucall uc;

	self->vm = td_create(1);
	self->vcpu = td_vcpu_add(self->vm, 0, guest_info, 0x1234);
	td_finalize(self->vm);

	vcpu_run(self->vcpu);
	ASSERT_EQ(get_ucall(self->vcpu, &uc), UCALL_SYNC)
		TH_LOG("%s", uc.buffer);
	EXPECT_EQ(uc.args[0], 0x1234);
	EXPECT_EQ(uc.args[1], TD_GPA_BITS);
	EXPECT_EQ(uc.args[2], TD_ATTR_SEPT_VE_DISABLE);
	EXPECT_EQ(uc.args[3], 1);
	EXPECT_EQ(uc.args[4], 0);
}

/* An argument that cannot be read. */
#define BAD_POINTER	8

static const u32 vm_cmds[] = {
	KVM_TDX_CAPABILITIES, KVM_TDX_INIT_VM, KVM_TDX_FINALIZE_VM,
};

static const u32 vcpu_cmds[] = {
	KVM_TDX_INIT_VCPU, KVM_TDX_INIT_MEM_REGION, KVM_TDX_GET_CPUID,
};

static int cmd_with(int fd, u32 id, u32 flags, u64 hw_error)
{
	struct kvm_tdx_cmd cmd = {
		.id = id,
		.flags = flags,
		.data = BAD_POINTER,
		.hw_error = hw_error,
	};

	return __tdx_cmd(fd, &cmd);
}

static void expect_bad_cmds(struct __test_metadata *_metadata, int vm_fd,
			    int vcpu_fd)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(vm_cmds); i++)
		EXPECT_EQ(cmd_with(vcpu_fd, vm_cmds[i], 0, 0), -EINVAL)
			TH_LOG("command %u on a vCPU", vm_cmds[i]);
	for (i = 0; i < ARRAY_SIZE(vcpu_cmds); i++)
		EXPECT_EQ(cmd_with(vm_fd, vcpu_cmds[i], 0, 0), -EINVAL)
			TH_LOG("command %u on a VM", vcpu_cmds[i]);

	for (i = 0; i < KVM_TDX_CMD_NR_MAX; i++) {
		EXPECT_EQ(cmd_with(vm_fd, i, 0, 1), -EINVAL)
			TH_LOG("command %u with hw_error", i);
		EXPECT_EQ(cmd_with(vcpu_fd, i, 0, ~0ULL), -EINVAL)
			TH_LOG("command %u with hw_error", i);
	}

	EXPECT_EQ(cmd_with(vm_fd, KVM_TDX_CMD_NR_MAX, 0, 0), -EINVAL);
	EXPECT_EQ(cmd_with(vm_fd, ~0U, 0, 0), -EINVAL);
	EXPECT_EQ(cmd_with(vcpu_fd, KVM_TDX_CMD_NR_MAX, 0, 0), -EINVAL);
	EXPECT_EQ(cmd_with(vcpu_fd, ~0U, 0, 0), -EINVAL);
}

/* Rules: tdx.cmd-errno */
TEST_F(lifecycle, bad_cmds)
{
	void *bad = (void *)BAD_POINTER;

	self->vm = td_open();
	td_init(self->vm);
	vm_create_irqchip(self->vm);
	self->vcpu = td_vcpu_add_bare(self->vm, 0);

	expect_bad_cmds(_metadata, self->vm->fd, self->vcpu->fd);
	EXPECT_EQ(__tdx_cmd(self->vm->fd, bad), -EFAULT);
	EXPECT_EQ(__tdx_cmd(self->vcpu->fd, bad), -EFAULT);
	EXPECT_EQ(cmd_with(self->vm->fd, KVM_TDX_CAPABILITIES, 1, 0), -EINVAL);
	EXPECT_EQ(cmd_with(self->vcpu->fd, KVM_TDX_INIT_VCPU, 1, 0), -EINVAL);

	/* None of that changed the TD. */
	tdx_init_vcpu(self->vcpu, 0);
	tdx_finalize_vm(self->vm);
	expect_bad_cmds(_metadata, self->vm->fd, self->vcpu->fd);
}

/* Rules: tdx.cmd-errno */
TEST_F(lifecycle, flags_of_every_cmd)
{
	struct kvm_cpuid2 *cpuid;

	self->vm = td_create_idle(&self->vcpu);
	cpuid = tdx_get_cpuid(self->vcpu);

	EXPECT_EQ(cmd_with(self->vcpu->fd, KVM_TDX_GET_CPUID, 1,
			   (uintptr_t)cpuid), -EINVAL);
	EXPECT_EQ(cmd_with(self->vm->fd, KVM_TDX_FINALIZE_VM, 1, 0), -EINVAL);
	EXPECT_EQ(__tdx_finalize_vm(self->vm), 0);
	free(cpuid);
}

/* Rules: tdx.cmd-errno */
TEST_F(lifecycle, no_td)
{
	self->vm = vm_create_barebones();

	EXPECT_EQ(cmd_with(self->vm->fd, KVM_TDX_CAPABILITIES, 0, 0), -ENOTTY);
	EXPECT_EQ(cmd_with(self->vm->fd, KVM_TDX_INIT_VM, 0, 0), -ENOTTY);
}

/* Rules: tdx.capabilities tdx.cmd-errno */
TEST_F(lifecycle, capabilities)
{
	struct kvm_tdx_capabilities *caps;
	u32 nent;

	self->vm = td_open();
	caps = tdx_capabilities(self->vm);
	nent = caps->cpuid.nent;

	EXPECT_GT(nent, 0);
	EXPECT_TRUE(caps->supported_attrs & TD_ATTR_SEPT_VE_DISABLE);
	EXPECT_EQ(caps->supported_xfam & TD_XFAM_FP_SSE, TD_XFAM_FP_SSE);
	EXPECT_EQ(get_cpuid_entry(&caps->cpuid, 0x80000008, 0)->eax >> 16 & 0xff,
		  0xff);

	/* As many as there are is enough, one less is not, and changes nothing. */
	EXPECT_EQ(__tdx_capabilities(self->vm, caps), 0);
	memset(caps, 0, offsetof(struct kvm_tdx_capabilities, cpuid));
	caps->cpuid.nent = nent - 1;
	EXPECT_EQ(__tdx_capabilities(self->vm, caps), -E2BIG);
	EXPECT_EQ(caps->supported_attrs, 0);
	caps->cpuid.nent = 0;
	EXPECT_EQ(__tdx_capabilities(self->vm, caps), -E2BIG);
	EXPECT_EQ(__tdx_capabilities(self->vm, (void *)BAD_POINTER), -EFAULT);
	free(caps);
}

/* Rules: tdx.capabilities */
TEST_F(lifecycle, sub_leaves_are_significant)
{
	struct kvm_tdx_capabilities *caps;
	struct kvm_cpuid_entry2 *e;
	u32 i, sub_leaves = 0;

	self->vm = td_open();
	caps = tdx_capabilities(self->vm);
	for (i = 0; i < caps->cpuid.nent; i++) {
		e = &caps->cpuid.entries[i];
		if (!e->index)
			continue;
		sub_leaves++;
		EXPECT_TRUE(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX)
			TH_LOG("leaf 0x%x, sub-leaf %u", e->function, e->index);
	}
	EXPECT_GT(sub_leaves, 0);
	free(caps);
}

/*
 * One thing of good parameters is changed, and they must be refused; the TD
 * stays as it was, which is uninitialized.
 */
#define EXPECT_INIT_REFUSED(error, ...) do {				\
	struct kvm_tdx_init_vm *init = td_init_params(self->vm);	\
	struct kvm_cpuid_entry2 *entry = init->cpuid.entries;		\
									\
	(void)entry;							\
	__VA_ARGS__;							\
	EXPECT_EQ(__tdx_init_vm(self->vm, init), error)			\
		TH_LOG("with %s", #__VA_ARGS__);			\
	free(init);							\
} while (0)

static u32 *entry_guest_pa(struct kvm_tdx_init_vm *init)
{
	return &((struct kvm_cpuid_entry2 *)
		 get_cpuid_entry(&init->cpuid, 0x80000008, 0))->eax;
}

static void set_guest_pa(struct kvm_tdx_init_vm *init, u32 bits)
{
	u32 *eax = entry_guest_pa(init);

	*eax = (*eax & ~GENMASK(23, 16)) | bits << 16;
}

static u64 supported_attributes(struct kvm_vm *vm)
{
	struct kvm_tdx_capabilities *caps = tdx_capabilities(vm);
	u64 attributes = caps->supported_attrs;

	free(caps);
	return attributes;
}

/* Rules: tdx.init-params tdx.cmd-errno */
TEST_F(lifecycle, bad_params)
{
	self->vm = td_open();

	EXPECT_INIT_REFUSED(-EINVAL, init->attributes |= BIT_ULL(63));
	EXPECT_INIT_REFUSED(-EINVAL, init->attributes |= BIT_ULL(1));
	/* Debug TDs: KVM 7.3 has none. */
	if (!(supported_attributes(self->vm) & TD_ATTR_DEBUG))
		EXPECT_INIT_REFUSED(-EINVAL, init->attributes |= TD_ATTR_DEBUG);
	EXPECT_INIT_REFUSED(-EINVAL, init->xfam |= BIT_ULL(63));
	EXPECT_INIT_REFUSED(-EINVAL, init->reserved[0] = 1);
	EXPECT_INIT_REFUSED(-EINVAL, init->reserved[11] = BIT_ULL(63));
	EXPECT_INIT_REFUSED(-EINVAL, init->cpuid.padding = 1);
	EXPECT_INIT_REFUSED(-E2BIG, init->cpuid.nent = ~0U);
	EXPECT_INIT_REFUSED(-EINVAL, init->cpuid.nent = 0);
	EXPECT_INIT_REFUSED(-EINVAL, set_guest_pa(init, 0));
	EXPECT_INIT_REFUSED(-EINVAL, set_guest_pa(init, 47));
	EXPECT_INIT_REFUSED(-EINVAL, set_guest_pa(init, 64));
	EXPECT_INIT_REFUSED(-EINVAL, entry->function = 0x40000000);
	EXPECT_EQ(__tdx_init_vm(self->vm, (void *)BAD_POINTER), -EFAULT);
	EXPECT_EQ(cmd_with(self->vm->fd, KVM_TDX_INIT_VM, 1, 0), -EINVAL);

	td_init(self->vm);
}

/* Rules: tdx.order */
TEST_F(lifecycle, order)
{
	struct kvm_tdx_init_vm *init;

	self->vm = td_open();
	init = td_init_params(self->vm);

	EXPECT_EQ(__tdx_finalize_vm(self->vm), -EINVAL);
	EXPECT_EQ(__td_try_vcpu(self->vm, 0), -EIO);

	EXPECT_EQ(__tdx_init_vm(self->vm, init), 0);
	EXPECT_EQ(__tdx_init_vm(self->vm, init), -EINVAL);
	EXPECT_EQ(__td_try_vcpu(self->vm, 0), -EINVAL);

	vm_create_irqchip(self->vm);
	self->vcpu = td_vcpu_add_bare(self->vm, 0);
	EXPECT_EQ(__vcpu_run(self->vcpu), -1);
	EXPECT_EQ(errno, EINVAL);

	EXPECT_EQ(__tdx_init_vcpu(self->vcpu, 0), 0);
	EXPECT_EQ(__tdx_init_vcpu(self->vcpu, 0), -EINVAL);
	EXPECT_EQ(__tdx_init_vm(self->vm, init), -EINVAL);
	EXPECT_EQ(__vcpu_run(self->vcpu), -1);
	EXPECT_EQ(errno, EINVAL);

	EXPECT_EQ(__tdx_finalize_vm(self->vm), 0);
	EXPECT_EQ(__tdx_finalize_vm(self->vm), -EINVAL);
	EXPECT_EQ(__tdx_init_vm(self->vm, init), -EINVAL);
	EXPECT_EQ(__tdx_init_vcpu(self->vcpu, 0), -EINVAL);
	free(init);
}

/* A TD's end of interrupt is seen by the TDX module alone. */
/* Rules: tdx.order */
TEST_F(lifecycle, no_full_irqchip)
{
	self->vm = td_open();
	EXPECT_EQ(__vm_ioctl(self->vm, KVM_CREATE_IRQCHIP, NULL), -1);
	EXPECT_EQ(errno, ENOTTY);

	td_init(self->vm);
	vm_create_irqchip(self->vm);
	self->vcpu = td_vcpu_add_bare(self->vm, 0);
}

/* Rules: tdx.order */
TEST_F(lifecycle, vcpu_without_x2apic)
{
	self->vm = td_open();
	td_init(self->vm);
	vm_create_irqchip(self->vm);
	self->vcpu = td_vcpu_add_bare(self->vm, 0);

	vcpu_clear_cpuid_feature(self->vcpu, X86_FEATURE_X2APIC);
	EXPECT_EQ(__tdx_init_vcpu(self->vcpu, 0), -EINVAL);
	vcpu_set_cpuid_feature(self->vcpu, X86_FEATURE_X2APIC);
	EXPECT_EQ(__tdx_init_vcpu(self->vcpu, 0), 0);
}

/* Rules: tdx.get-cpuid */
TEST_F(lifecycle, get_cpuid)
{
	struct kvm_cpuid2 *cpuid;
	u32 nent;

	self->vm = td_create_idle(&self->vcpu);
	cpuid = tdx_get_cpuid(self->vcpu);
	nent = cpuid->nent;
	EXPECT_GT(nent, 0);
	EXPECT_EQ(get_cpuid_entry(cpuid, 0x80000008, 0)->eax >> 16 & 0xff,
		  TD_GPA_BITS);
	EXPECT_EQ(memcmp(&get_cpuid_entry(cpuid, 0x21, 0)->ebx, "Inte", 4), 0);

	EXPECT_EQ(__tdx_get_cpuid(self->vcpu, cpuid), 0);
	cpuid->nent = nent - 1;
	memset(cpuid->entries, 0, nent * sizeof(cpuid->entries[0]));
	EXPECT_EQ(__tdx_get_cpuid(self->vcpu, cpuid), -E2BIG);
	EXPECT_EQ(cpuid->nent, nent);
	EXPECT_EQ(cpuid->entries[0].eax, 0);
	EXPECT_EQ(__tdx_get_cpuid(self->vcpu, (void *)BAD_POINTER), -EFAULT);

	tdx_finalize_vm(self->vm);
	EXPECT_EQ(__tdx_get_cpuid(self->vcpu, cpuid), -EINVAL);
	free(cpuid);
}

/* An idle TD with some memory, held by three file descriptors. */
#define FD_NPAGES	8

enum { FD_VM, FD_VCPU, FD_GMEM, NR_FDS };

static void create_with_memory(struct tdp_vm *t)
{
	td_vm_create_idle(t);
	tdp_vm_add_slot(t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, FD_NPAGES);
	tdx_init_mem_region(t->vcpu, t->hva, t->gpa, FD_NPAGES, 0);
}

/* The library closes what is left: give it something to close. */
static void close_one(struct tdp_vm *t, int which)
{
	int null = open("/dev/null", O_RDWR);
	int fds[NR_FDS] = { t->vm->fd, t->vcpu->fd, t->gmem_fd };

	TDP_ASSERT(dup2(null, fds[which]) >= 0, "dup2 failed: %s",
		   strerror(errno));
	close(null);
}

/* Statistics hold on to what they are of as its descriptor does. */
static void let_go_of_stats(int stats_fd)
{
	int null = open("/dev/null", O_RDWR);

	TDP_ASSERT(dup2(null, stats_fd) >= 0, "dup2 failed: %s",
		   strerror(errno));
	close(null);
}

/* All pages of a vCPU's mapping do so too: the library still wants them there. */
static void let_go_of_vcpu(struct tdp_vm *t)
{
	int size = ioctl(t->vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);
	struct kvm_vcpu *vcpu = t->vcpu;

	let_go_of_stats(vcpu->stats.fd);
	TDP_ASSERT(size >= (int)PAGE_SIZE, "KVM_GET_VCPU_MMAP_SIZE failed: %s",
		   strerror(errno));
	TDP_ASSERT(mmap(vcpu->run, size, PROT_READ,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		   vcpu->run, "mmap failed: %s", strerror(errno));
}

/*
 * Whichever goes first, the last one takes the TD along, and leaves room for
 * the next.
 *
 * Rules: tdx.end
 */
TEST_F(lifecycle, close_in_every_order)
{
	static const int orders[][NR_FDS] = {
		{ FD_VM, FD_VCPU, FD_GMEM }, { FD_VM, FD_GMEM, FD_VCPU },
		{ FD_VCPU, FD_VM, FD_GMEM }, { FD_VCPU, FD_GMEM, FD_VM },
		{ FD_GMEM, FD_VM, FD_VCPU }, { FD_GMEM, FD_VCPU, FD_VM },
	};
	const char *uncounted = td_soft_lacks();
	struct td_census before;
	struct tdp_vm t;
	u32 i, j;

	if (!uncounted)
		td_take_census(&before);
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		create_with_memory(&t);
		if (i % 2)
			tdx_finalize_vm(t.vm);
		for (j = 0; j < NR_FDS; j++) {
			if (orders[i][j] == FD_VCPU)
				let_go_of_vcpu(&t);
			if (orders[i][j] == FD_VM)
				let_go_of_stats(t.vm->stats.fd);
			close_one(&t, orders[i][j]);
		}
		if (!uncounted)
			EXPECT_TD_CENSUS(&before)
				TH_LOG("order %u", i);
		kvm_vm_free(t.vm);
	}
}

/* Ways in which a TD ends; each leaves nothing of it behind. */
static void end_unborn(void)
{
	kvm_vm_free(td_open());
}

static void end_without_vcpu(void)
{
	struct kvm_vm *vm = td_open();

	td_init(vm);
	kvm_vm_free(vm);
}

static void end_with_bare_vcpu(void)
{
	struct kvm_vm *vm = td_open();

	td_init(vm);
	vm_create_irqchip(vm);
	td_vcpu_add_bare(vm, 0);
	kvm_vm_free(vm);
}

static void end_unfinalized(void)
{
	struct tdp_vm t;

	create_with_memory(&t);
	tdp_vm_free(&t);
}

static void end_with_pending_pages(void)
{
	struct tdp_vm t;

	td_vm_create_idle(&t);
	tdp_vm_add_slot(&t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, FD_NPAGES);
	tdx_finalize_vm(t.vm);
	tdp_prefault(t.vcpu, t.gpa, FD_NPAGES * PAGE_SIZE);
	tdp_vm_free(&t);
}

/* The module itself refuses the last step of KVM_TDX_INIT_VM. */
static void end_in_the_cradle(void)
{
	struct kvm_vm *vm = td_open();
	struct kvm_tdx_capabilities *caps = tdx_capabilities(vm);
	struct kvm_tdx_init_vm *init = td_init_params(vm);
	int r;

	init->cpuid.entries[0].edx = ~caps->cpuid.entries[0].edx;
	r = __tdx_init_vm(vm, init);
	TDP_ASSERT(r == -EINVAL, "Wanted -EINVAL, got %d", r);
	free(caps);
	free(init);
	kvm_vm_free(vm);
}

static void guest_touches_nothing_accepted(void)
{
	READ_ONCE(*(u64 *)(TDP_GPA + SZ_1G));
	GUEST_DONE();
}

/* KVM takes it for the end of the VM. */
static void end_by_touching(void)
{
	struct tdp_vm t;

	td_vm_create(&t, guest_touches_nothing_accepted);
	tdp_vm_add_slot(&t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, FD_NPAGES);
	td_map_private(t.vm, TDP_GPA + SZ_1G, TDP_GPA, FD_NPAGES);
	td_finalize(t.vm);
	TDP_ASSERT(__vcpu_run(t.vcpu) == -1 && errno == EIO,
		   "Wanted -EIO of KVM_RUN, got %d", errno);
	tdp_vm_free(&t);
}

static void guest_faults_three_times(void)
{
	const struct desc_ptr none = {};

	asm volatile("lidt %0; ud2" : : "m" (none));
}

/* The module never enters the vCPU again. */
static void end_by_triple_fault(void)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = td_create_with_one_vcpu(&vcpu, guest_faults_three_times);
	vcpu_run(vcpu);
	TDP_ASSERT(vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN,
		   "Wanted a shutdown, got exit %d (%s)",
		   vcpu->run->exit_reason,
		   exit_reason_str(vcpu->run->exit_reason));
	kvm_vm_free(vm);
}

static void guest_never_ends(void)
{
	GUEST_SYNC(0);
	for (;;)
		;
}

/* In the middle of the TD, with every descriptor open. */
static void end_killed(void)
{
	struct kvm_vcpu *vcpu;
	int status, pipes[2];
	char byte;
	pid_t pid;

	TDP_ASSERT(!pipe(pipes), "pipe failed: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		td_create_with_one_vcpu(&vcpu, guest_never_ends);
		vcpu_run(vcpu);
		TDP_ASSERT(write(pipes[1], "", 1) == 1, "write failed");
		vcpu_run(vcpu);
		exit(0);
	}
	TDP_ASSERT(read(pipes[0], &byte, 1) == 1, "read failed");
	usleep(10000);
	kill(pid, SIGKILL);
	TDP_ASSERT(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status),
		   "The TD's process ended by itself");
	close(pipes[0]);
	close(pipes[1]);
}

/*
 * With every descriptor open, and pages of all kinds: added, pending, shared, and
 * some that are not mapped any more.
 */
static void leave_td_open(void)
{
	u64 size = FD_NPAGES / 4 * PAGE_SIZE;
	struct tdp_vm t;

	create_with_memory(&t);
	tdx_finalize_vm(t.vm);
	vm_mem_set_shared(t.vm, t.gpa, 2 * size);
	tdp_prefault(t.vcpu, t.gpa, size);
	vm_mem_set_private(t.vm, t.gpa + size, size);
	tdp_prefault(t.vcpu, t.gpa + size, size);
	TDP_ASSERT(!fallocate(t.gmem_fd, FALLOC_FL_KEEP_SIZE |
			      FALLOC_FL_PUNCH_HOLE, 3 * size, PAGE_SIZE),
		   "fallocate failed: %s", strerror(errno));
	_exit(0);
}

/* The process is gone, and closed nothing itself. */
static void end_by_exit(void)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		leave_td_open();
	TDP_ASSERT(waitpid(pid, &status, 0) == pid && !status,
		   "The TD's process ended with status %d", status);
}

#define END(_name)	{ #_name, end_##_name }

/* Rules: tdx.end */
TEST_F(lifecycle, odd_ends)
{
	static const struct {
		const char *name;
		void (*end)(void);
	} ends[] = {
		END(unborn), END(without_vcpu), END(with_bare_vcpu),
		END(unfinalized), END(with_pending_pages), END(in_the_cradle),
		END(by_touching), END(by_triple_fault), END(killed),
		END(by_exit),
	};
	struct td_census before;
	u32 i;

	TDP_REQUIRE_NOT(td_soft_lacks());
	td_take_census(&before);
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		ends[i].end();
		EXPECT_TD_CENSUS(&before)
			TH_LOG("a TD that ended %s", ends[i].name);
		EXPECT_TDS(0);
	}
}

/*
 * What a TD has while it lives is noticed.
 *
 * Rules: tdx.end control.assertions
 */
TEST_F(lifecycle, census_is_noticed)
{
	struct td_census before, with_td;
	struct tdp_vm t;

	TDP_REQUIRE_NOT(td_soft_lacks());
	td_take_census(&before);
	EXPECT_ACCEPTED(EXPECT_TD_CENSUS(&before));
	create_with_memory(&t);
	EXPECT_REFUSED("as before", EXPECT_TD_CENSUS(&before));
	EXPECT_REFUSED("Wanted 0 TDs, got 1", EXPECT_TDS(0));
	EXPECT_TDS(1);

	td_take_census(&with_td);
	EXPECT_EQ(td_census_count(&with_td, "regular"), FD_NPAGES);
	EXPECT_EQ(td_census_count(&with_td, "assigned"), 1);
	EXPECT_EQ(td_census_count(&with_td, "free"),
		  td_census_count(&before, "free") - 1);
	vm_guest_mem_punch_hole(t.vm, t.gpa, PAGE_SIZE);
	EXPECT_REFUSED("Wanted 8 regular as before, got 7",
		       EXPECT_TD_CENSUS(&with_td));
	tdp_vm_free(&t);
	EXPECT_TD_CENSUS(&before);
}

/* What each CPU has counted for itself, up to a hundred pages, is added up. */
static void refresh_counts(void)
{
	int r = __tdp_write_line("/proc/sys/vm/stat_refresh", "1");

	TDP_ASSERT(!r || r == -ENOENT, "stat_refresh: %s", strerror(-r));
}

/* Pages that a CPU keeps for itself are free too, but not in MemFree. */
static u64 free_pages(void)
{
	FILE *f = fopen("/proc/zoneinfo", "r");
	u64 pages = 0, nr;
	char line[128];

	refresh_counts();
	TDP_ASSERT(f, "Cannot read /proc/zoneinfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " pages free %lu", &nr) == 1 ||
		    sscanf(line, " count: %lu", &nr) == 1)
			pages += nr;
	}
	fclose(f);
	return pages;
}

/*
 * A process that has ended, and what waits for a grace period, frees its pages
 * later: what others free meanwhile would hide a loss.
 */
static u64 settled_free_pages(void)
{
	u64 now = free_pages(), last;
	int tries = 10;

	do {
		last = now;
		usleep(50000);
		now = free_pages();
	} while (now != last && --tries);
	return now;
}

/*
 * A slab cache keeps pages for its next objects, and KASAN keeps what was freed,
 * to notice who still uses it: both give that back when they are asked.
 */
static void shrink_slab_caches(void)
{
	glob_t files;
	size_t i;

	if (glob("/sys/kernel/slab/*/shrink", 0, NULL, &files))
		return;
	for (i = 0; i < files.gl_pathc; i++) {
		int r = __tdp_write_line(files.gl_pathv[i], "1");

		TDP_ASSERT(!r, "%s: %s", files.gl_pathv[i], strerror(-r));
	}
	globfree(&files);
}

static void create_and_free(u32 nr)
{
	struct tdp_vm t;

	while (nr--) {
		create_with_memory(&t);
		tdp_vm_free(&t);
	}
}

static s64 pages_lost_by(u32 nr)
{
	u64 before;

	shrink_slab_caches();
	before = settled_free_pages();
	create_and_free(nr);
	shrink_slab_caches();
	return before - settled_free_pages();
}

/* One page for each TD is a loss that is noticed; half of that is the host's. */
#define MANY_TDS	100

/*
 * KASAN keeps a shadow of what was mapped and the stack of whoever freed it: a page
 * for each TD.  A vCPU, or a TD's memory, is more.
 */
#define KASAN_PAGES	4

/* Rules: control.assertions */
TEST(free_memory_is_noticed)
{
	size_t size = MANY_TDS * PAGE_SIZE;
	u64 before = settled_free_pages();
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	ASSERT_NE(mem, MAP_FAILED);
	EXPECT_GE((s64)(before - free_pages()), MANY_TDS / 2);
	munmap(mem, size);
}

/*
 * There are far fewer key ids, and a TD has more pages than it may leak: its
 * control pages, its Secure EPT, its memory.
 *
 * Rules: tdx.end
 */
TEST_F_TIMEOUT(lifecycle, a_hundred_tds, 90)
{
	const char *uncounted = td_soft_lacks();
	struct td_census census;
	int tries = 3;
	s64 lost;

	create_and_free(10);
	if (uncounted)
		TH_LOG("Memory alone is compared: %s", uncounted);
	else
		td_take_census(&census);
	/* A leak leaks each time; what the kernel keeps it keeps once. */
	do {
		lost = pages_lost_by(MANY_TDS);
	} while (lost >= MANY_TDS / 2 && --tries);
	/* Symbols are many: KASAN is looked for when it matters. */
	EXPECT_LT(lost, lost >= MANY_TDS / 2 && tdp_kernel_has("kasan_report") ?
			MANY_TDS * KASAN_PAGES : MANY_TDS / 2)
		TH_LOG("%d TDs lost %ld pages", MANY_TDS, lost);
	if (!uncounted)
		EXPECT_TD_CENSUS(&census);
}

#define TAINT_TEST	BIT(18)

/*
 * Whatever is judged on it, nobody can take it for TDX.
 *
 * Rules: tdx.soft-says-so
 */
TEST(soft_module_says_so)
{
	TDP_REQUIRE_NOT(td_soft_lacks());
	EXPECT_TRUE(strtoull(tdp_read_line("/proc/sys/kernel/tainted"), NULL, 0) &
		    TAINT_TEST);
}

/* Rules: tdx.two-tds */
TEST_F(lifecycle, two_tds)
{
	u64 pfns[2][FD_NPAGES];
	struct tdp_vm t[2];
	int i, j;

	for (i = 0; i < 2; i++)
		create_with_memory(&t[i]);
	for (i = 0; i < 2; i++)
		tdp_vm_pfns(&t[i], t[i].gpa, FD_NPAGES, true, pfns[i]);

	for (i = 0; i < FD_NPAGES; i++)
		for (j = 0; j < FD_NPAGES; j++)
			EXPECT_NE(pfns[0][i], pfns[1][j]);
	for (i = 0; i < 2; i++)
		EXPECT_TD_PRIVATE(t[i].vcpu, t[i].gpa, FD_NPAGES, pfns[i]);

	/* The end of one is not the other's. */
	tdx_finalize_vm(t[1].vm);
	tdp_vm_free(&t[0]);
	EXPECT_TD_PRIVATE(t[1].vcpu, t[1].gpa, FD_NPAGES, pfns[1]);
	tdp_vm_free(&t[1]);
}

/* Rules: tdx.two-tds tdx.run */
TEST_F(lifecycle, two_tds_run)
{
	struct kvm_vcpu *vcpus[2];
	struct kvm_vm *vms[2];
	struct ucall uc;
	int i, step;

	for (i = 0; i < 2; i++) {
		vms[i] = td_create(1);
		vcpus[i] = td_vcpu_add(vms[i], 0, guest_info, 0x100 + i);
		td_finalize(vms[i]);
	}

	for (step = 0; step < 2; step++) {
		for (i = 0; i < 2; i++) {
			vcpu_run(vcpus[i]);
			ASSERT_EQ(get_ucall(vcpus[i], &uc),
				  step ? UCALL_DONE : UCALL_SYNC);
			if (!step)
				EXPECT_EQ(uc.args[0], 0x100 + i);
		}
	}
	for (i = 0; i < 2; i++)
		kvm_vm_free(vms[i]);
}

TD_HARNESS_MAIN
