// SPDX-License-Identifier: GPL-2.0
/*
 * A VM that is torn down while the probe walks it.  The walks answer or are
 * refused, and the kernel's log stays clean; the runner looks at the latter.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "tdp_test.h"

#define NPAGES		8

/* How long each case goes on, and what it must reach at least. */
#define RACE_MSECS	400
#define RACE_MIN_ROUNDS	3
#define PATIENCE_MSECS	10000

/* Return: 0 or the negative errno. */
static int probe_walk(struct kvm_tdp_walk *walk)
{
	return ioctl(__tdp_probe_open(), KVM_TDP_WALK, walk) ? -errno : 0;
}

/* One thread walks a vCPU that somebody else takes away. */
struct walker {
	pthread_t thread;
	int vcpu_fd;
	bool stop;
	/* How often each outcome was seen. */
	u64 mapped, absent, refused, wrong;
};

static bool answer_is_possible(const struct kvm_tdp_walk_entry *entry)
{
	if (entry->ret == PG_LEVEL_4K)
		return entry->pfn != TDP_NO_PFN;
	return entry->ret == -ENOENT && entry->pfn == TDP_NO_PFN;
}

static void judge_answers(struct walker *w,
			  const struct kvm_tdp_walk_entry *entries)
{
	int i;

	for (i = 0; i < NPAGES; i++) {
		if (!answer_is_possible(&entries[i]))
			w->wrong++;
		else if (entries[i].ret == -ENOENT)
			w->absent++;
		else
			w->mapped++;
	}
}

static void *walk_until_stopped(void *arg)
{
	struct kvm_tdp_walk_entry entries[NPAGES];
	struct walker *w = arg;
	struct kvm_tdp_walk walk = {
		.method = KVM_TDP_WALK_TABLE,
		.stride = PAGE_SIZE,
		.count = NPAGES,
		.entries = (uintptr_t)entries,
	};
	int r;

	while (!READ_ONCE(w->stop)) {
		walk.vcpu_fd = READ_ONCE(w->vcpu_fd);
		if (tdp_has_method(KVM_TDP_WALK_HELPER))
			walk.method = KVM_TDP_WALK_HELPER + KVM_TDP_WALK_TABLE -
				      walk.method;

		r = probe_walk(&walk);
		if (!r)
			judge_answers(w, entries);
		/* The number may be another file's by now. */
		else if (r == -EBADF || r == -EINVAL)
			w->refused++;
		else
			w->wrong++;
		/* A host with one CPU has to let the other side run as well. */
		sched_yield();
	}

	return NULL;
}

static bool start_walker(struct walker *w)
{
	*w = (struct walker) { .vcpu_fd = -1 };
	tdp_probe_info();
	return !pthread_create(&w->thread, NULL, walk_until_stopped, w);
}

static void stop_walker(struct walker *w)
{
	WRITE_ONCE(w->stop, true);
	pthread_join(w->thread, NULL);
}

static u64 msecs(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Let the walker see one more of an outcome: on a busy host it may not get to
 * run at all otherwise.  Return: whether it did.
 */
static bool see_one_more(const u64 *outcome)
{
	u64 before = READ_ONCE(*outcome);
	u64 end = msecs() + PATIENCE_MSECS;

	while (READ_ONCE(*outcome) == before && msecs() < end)
		usleep(10);
	return READ_ONCE(*outcome) != before;
}

/* A VM with NPAGES pages mapped from GPA 0 on, and nothing else. */
static struct kvm_vcpu *create_mapped_vm(void)
{
	struct kvm_vm *vm = vm_create_barebones();
	struct kvm_vcpu *vcpu = __vm_vcpu_add(vm, 0);

	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, 0, 0, NPAGES, 0);
	tdp_prefault(vcpu, 0, NPAGES * PAGE_SIZE);
	return vcpu;
}

/* Rules: probe.input */
TEST(vm_is_closed_meanwhile)
{
	u64 end = msecs() + RACE_MSECS;
	struct kvm_vcpu *vcpu;
	int rounds = 0;
	struct walker w;

	ASSERT_TRUE(start_walker(&w));
	while (msecs() < end || rounds < RACE_MIN_ROUNDS) {
		vcpu = create_mapped_vm();
		WRITE_ONCE(w.vcpu_fd, vcpu->fd);
		EXPECT_TRUE(see_one_more(&w.mapped));
		usleep(rounds % 8 * 100);
		kvm_vm_free(vcpu->vm);
		rounds++;
	}
	EXPECT_TRUE(see_one_more(&w.refused));
	stop_walker(&w);

	EXPECT_EQ(0, w.wrong);
}

/* What a process that owns a VM tells about it, in shared memory. */
struct owner {
	int vcpu_fd;
	bool leave;
};

static pid_t start_owner(struct owner *o)
{
	pid_t pid;

	*o = (struct owner) { .vcpu_fd = -1 };
	pid = fork();
	if (pid)
		return pid;

	WRITE_ONCE(o->vcpu_fd, create_mapped_vm()->fd);
	while (!READ_ONCE(o->leave))
		usleep(50);
	_exit(0);
}

/* Return: a file descriptor for the vCPU of process @pid, or -1. */
static int take_vcpu(pid_t pid, struct owner *o)
{
	int pidfd = pidfd_open(pid, 0);
	int fd;

	while (READ_ONCE(o->vcpu_fd) < 0 && !waitpid(pid, NULL, WNOHANG))
		usleep(50);
	fd = pidfd_getfd(pidfd, o->vcpu_fd, 0);
	close(pidfd);
	return fd;
}

/* Rules: probe.input, walk.absent */
TEST(owner_exits_meanwhile)
{
	struct owner *o = mmap(NULL, sizeof(*o), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_tdp_walk_entry entries[NPAGES];
	struct kvm_tdp_walk walk = {
		.method = KVM_TDP_WALK_TABLE, .stride = PAGE_SIZE,
		.count = NPAGES, .entries = (uintptr_t)entries,
	};
	u64 end = msecs() + RACE_MSECS;
	struct walker w, last = {};
	int rounds = 0;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, o);
	ASSERT_TRUE(start_walker(&w));
	while (msecs() < end || rounds < RACE_MIN_ROUNDS) {
		pid = start_owner(o);
		walk.vcpu_fd = take_vcpu(pid, o);
		ASSERT_LE(0, walk.vcpu_fd);
		WRITE_ONCE(w.vcpu_fd, walk.vcpu_fd);
		EXPECT_TRUE(see_one_more(&w.mapped));
		usleep(rounds % 8 * 100);
		WRITE_ONCE(o->leave, true);
		ASSERT_EQ(pid, waitpid(pid, NULL, 0));

		/* The memory is gone, and with it every mapping. */
		ASSERT_EQ(0, probe_walk(&walk));
		judge_answers(&last, entries);
		EXPECT_TRUE(see_one_more(&w.absent));
		close(walk.vcpu_fd);
		rounds++;
	}
	stop_walker(&w);

	EXPECT_EQ(0, w.wrong + last.wrong + last.mapped);
	EXPECT_EQ((u64)rounds * NPAGES, last.absent);
}

TDP_HARNESS_MAIN
