// SPDX-License-Identifier: GPL-2.0
#include <signal.h>
#include <time.h>

#include <linux/sizes.h>

#include "tdp_program.h"
#include "tdp_vm.h"

static const char *tdp_probe_lacks(void)
{
	static char why[128];
	int fd = __tdp_probe_open();

	if (fd >= 0)
		return NULL;
	if (fd == -ENOENT)
		return "no " KVM_TDP_WALK_DEVICE ", is the module kvm_tdp_walk loaded?";
	snprintf(why, sizeof(why), "cannot open " KVM_TDP_WALK_DEVICE ": %s",
		 strerror(-fd));
	return why;
}

const char *tdp_host_lacks(void)
{
	static char why[128];

	if (access(KVM_DEV_PATH, R_OK | W_OK)) {
		snprintf(why, sizeof(why), "cannot open " KVM_DEV_PATH ": %s",
			 strerror(errno));
		return why;
	}
	if (tdp_read_line("/sys/module/kvm/parameters/tdp_mmu")[0] != 'Y')
		return "KVM does not use the TDP MMU on this host";
	return tdp_probe_lacks();
}

const char *tdp_mem_lacks(const struct tdp_mem *mem)
{
	if (mem->vm_type &&
	    !(kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(mem->vm_type)))
		return "KVM does not offer KVM_X86_SW_PROTECTED_VM";
	if (mem->gmem && !kvm_has_cap(KVM_CAP_GUEST_MEMFD))
		return "KVM does not offer guest_memfd";
	return NULL;
}

static const char *tdp_hugetlb_lacks(u64 page_size, u64 size)
{
	static char path[128], why[128];
	u64 need = DIV_ROUND_UP(size, page_size);
	u64 have;

	snprintf(path, sizeof(path),
		 "/sys/kernel/mm/hugepages/hugepages-%lukB/free_hugepages",
		 page_size / SZ_1K);
	have = strtoull(tdp_read_line(path), NULL, 10);
	if (have >= need)
		return NULL;

	snprintf(why, sizeof(why), "%lu hugetlb pages of %lu MiB are free, need %lu",
		 have, page_size / SZ_1M, need);
	return why;
}

static const char *tdp_thp_lacks(void)
{
	const char *enabled = tdp_read_line("/sys/kernel/mm/transparent_hugepage/enabled");

	if (strstr(enabled, "[always]") || strstr(enabled, "[madvise]"))
		return NULL;
	return "transparent huge pages are off or not built in";
}

const char *tdp_backing_lacks(enum vm_mem_backing_src_type src, u64 size)
{
	switch (src) {
	case VM_MEM_SRC_ANONYMOUS_THP:
		return tdp_thp_lacks();
	case VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB:
		return tdp_hugetlb_lacks(SZ_2M, size);
	case VM_MEM_SRC_ANONYMOUS_HUGETLB_1GB:
		return tdp_hugetlb_lacks(SZ_1G, size);
	default:
		return NULL;
	}
}

void tdp_tell_vm_type(const char *name)
{
	static const char *told[3];
	int i;

	for (i = 0; i < ARRAY_SIZE(told) && told[i]; i++)
		if (!strcmp(told[i], name))
			return;
	if (i == ARRAY_SIZE(told))
		return;
	told[i] = name;
	fprintf(stderr, "# tdp-vm: %s\n", name);
}

static struct kvm_vm *create_vm(const struct tdp_mem *mem)
{
	tdp_tell_vm_type(mem->vm_type ? "sw_protected" : "default");
	return vm_create_barebones_type(mem->vm_type);
}

/* For the guest's page tables, stacks and descriptor tables. */
#define GUEST_PAGES	512

/*
 * What vm_create() does, less what takes it half of its time: its copy of the
 * program, and a pool of ucalls, which guest_loop() has no use for.
 */
void tdp_vm_create(struct tdp_vm *t, const struct tdp_mem *mem)
{
	int i;

	*t = (struct tdp_vm) { .mem = *mem, .has_guest = true, .gmem_fd = -1 };
	t->vm = create_vm(mem);
	vm_userspace_mem_region_add(t->vm, VM_MEM_SRC_ANONYMOUS, 0, 0,
				    GUEST_PAGES, 0);
	for (i = 0; i < NR_MEM_REGIONS; i++)
		t->vm->memslots[i] = 0;
	tdp_program_map(t->vm);
	kvm_arch_vm_post_create(t->vm, 1);
	t->vcpu = vm_vcpu_add(t->vm, 0, guest_loop);
	guest_init(t->vcpu);
}

void tdp_vm_create_idle(struct tdp_vm *t, const struct tdp_mem *mem)
{
	*t = (struct tdp_vm) { .mem = *mem, .gmem_fd = -1 };
	t->vm = create_vm(mem);
	t->vcpu = __vm_vcpu_add(t->vm, 0);
	vcpu_init_cpuid(t->vcpu, kvm_get_supported_cpuid());
}

void tdp_vm_add_slot(struct tdp_vm *t, enum vm_mem_backing_src_type src,
		     u64 gpa, u64 npages)
{
	struct userspace_mem_region *region;

	vm_userspace_mem_region_add(t->vm, src, gpa, TDP_SLOT, npages,
				    t->mem.gmem ? KVM_MEM_GUEST_MEMFD : 0);
	region = memslot2region(t->vm, TDP_SLOT);

	t->gpa = gpa;
	t->npages = npages;
	t->hva = region->host_mem;
	t->gmem_fd = region->region.guest_memfd;

	if (t->mem.is_private)
		vm_mem_set_private(t->vm, gpa, npages * PAGE_SIZE);
	if (t->has_guest)
		guest_map(t->vm, gpa, npages * PAGE_SIZE);
}

void tdp_vm_touch(struct tdp_vm *t)
{
	u64 i;

	for (i = 0; i < t->npages; i++)
		WRITE_ONCE(*(u64 *)(t->hva + i * PAGE_SIZE), i);
}

void tdp_vm_pfns(struct tdp_vm *t, u64 gpa, u64 nr, bool is_private, u64 *pfns)
{
	u64 offset = gpa - t->gpa;

	TDP_ASSERT(gpa >= t->gpa && offset / PAGE_SIZE + nr <= t->npages,
		   "gpa 0x%lx and %lu pages are not in the slot", gpa, nr);
	if (is_private)
		tdp_gmem_pfns(t->gmem_fd, offset, nr, pfns);
	else
		tdp_hva_pfns(t->hva + offset, nr, pfns);
}

/* What KVM had mapped when the case was over, for who compares two kernels. */
static void tell_pages(struct kvm_vm *vm)
{
	struct tdp_stats now;

	/* A case may have freed the VM itself. */
	if (!vm)
		return;

	now = tdp_stats(vm);
	fprintf(stderr, "# tdp-pages: %lu %lu %lu\n", now.pages[PG_LEVEL_4K],
		now.pages[PG_LEVEL_2M], now.pages[PG_LEVEL_1G]);
}

void tdp_vm_free(struct tdp_vm *t)
{
	tell_pages(t->vm);
	kvm_vm_free(t->vm);
	t->vm = NULL;
}

bool tdp_check_mapped(struct tdp_vm *t, u64 gpa, u64 nr, int level,
		      struct tdp_msg *msg)
{
	u64 *pfns = calloc(nr, sizeof(*pfns));
	bool ok;

	TDP_ASSERT(pfns, "No memory for %lu PFNs", nr);
	tdp_vm_pfns(t, gpa, nr, t->mem.is_private, pfns);
	ok = tdp_check_leaves(t->vcpu, gpa, nr, level, pfns, msg);
	free(pfns);
	return ok;
}

static int prefaults_stuck;
static __thread bool interrupted;

static void interrupt_prefault(int signal)
{
	WRITE_ONCE(interrupted, true);
	__atomic_add_fetch(&prefaults_stuck, 1, __ATOMIC_SEQ_CST);
}

/* Of the thread's own, whichever of the others would take the signal. */
static timer_t start_timer(int seconds)
{
	const struct sigaction action = { .sa_handler = interrupt_prefault };
	const struct itimerspec each = {
		.it_value.tv_sec = seconds,
		.it_interval.tv_sec = seconds,
	};
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGUSR2,
		._sigev_un._tid = gettid(),
	};
	timer_t timer;

	TDP_ASSERT(!sigaction(SIGUSR2, &action, NULL) &&
		   !timer_create(CLOCK_MONOTONIC, &event, &timer) &&
		   !timer_settime(timer, 0, &each, NULL),
		   "A timer for pre-faults: %s", strerror(errno));
	return timer;
}

/* Any change of a bit that the MMU looks at has KVM unload it. */
static void unload_invalid_root(struct kvm_vcpu *vcpu)
{
	struct kvm_sregs sregs;

	if (!(tdp_roots(vcpu).roots & KVM_TDP_ROOT_INVALID) ||
	    __vcpu_ioctl(vcpu, KVM_GET_SREGS, &sregs))
		return;
	sregs.cr4 ^= X86_CR4_PGE;
	__vcpu_ioctl(vcpu, KVM_SET_SREGS, &sregs);
	sregs.cr4 ^= X86_CR4_PGE;
	__vcpu_ioctl(vcpu, KVM_SET_SREGS, &sregs);
}

/* True if it is to be tried again: a signal came, and it was ours. */
static bool prefault_once(struct kvm_vcpu *vcpu,
			  struct kvm_pre_fault_memory *range, int *r)
{
	u64 left = range->size;

	WRITE_ONCE(interrupted, false);
	*r = __vcpu_ioctl(vcpu, KVM_PRE_FAULT_MEMORY, range) ? -errno : 0;
	if (!READ_ONCE(interrupted) || !range->size || (*r && *r != -EINTR))
		return false;
	if (range->size == left)
		unload_invalid_root(vcpu);
	return true;
}

int __tdp_prefault(struct kvm_vcpu *vcpu, struct kvm_pre_fault_memory *range)
{
	timer_t timer = start_timer(2);
	u64 left = range->size;
	int r, tries = 0;

	while (prefault_once(vcpu, range, &r)) {
		if (range->size == left && tries++)
			break;
		left = range->size;
	}
	timer_delete(timer);
	return r;
}

int tdp_prefaults_stuck(void)
{
	return __atomic_load_n(&prefaults_stuck, __ATOMIC_SEQ_CST);
}

void tdp_prefault(struct kvm_vcpu *vcpu, u64 gpa, u64 size)
{
	struct kvm_pre_fault_memory range = { .gpa = gpa, .size = size };
	int r;

	while (range.size) {
		r = __tdp_prefault(vcpu, &range);
		TDP_ASSERT(!r || r == -EINTR,
			   "KVM_PRE_FAULT_MEMORY of 0x%lx bytes at gpa 0x%lx failed with 0x%llx left: %s",
			   size, gpa, range.size, strerror(-r));
	}
}

void tdp_populate(struct kvm_vcpu *vcpu, u64 gpa, u64 nr)
{
	u64 last = gpa + (nr - 1) * PAGE_SIZE;

	guest_read(vcpu, gpa);
	if (nr > 2)
		tdp_prefault(vcpu, gpa + PAGE_SIZE, last - gpa - PAGE_SIZE);
	guest_read(vcpu, last);
}
