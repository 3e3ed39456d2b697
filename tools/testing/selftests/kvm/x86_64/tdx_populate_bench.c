// SPDX-License-Identifier: GPL-2.0
/*
 * What a page costs that a TD starts with, beside the same page of a
 * KVM_X86_SW_PROTECTED_VM.
 *
 * Not a test: nothing here passes or fails.  Output, for people and for scripts:
 *
 *	bench: tdx.prefault VALUE ticks/page	KVM_PRE_FAULT_MEMORY
 *	bench: tdx.add VALUE ticks/page		KVM_TDX_INIT_MEM_REGION
 *	bench: ratio add/prefault VALUE
 *
 * Ticks are those of the TSC: an emulator that counts instructions gives
 * instructions.  The pages of guest_memfd are there before the clock starts.
 */
#include "tdx/td_vm.h"

#define NPAGES	512
#define REPEATS	5

static double per_page(u64 start)
{
	return (double)(rdtsc() - start) / NPAGES;
}

static void allocate(struct tdp_vm *t)
{
	TDP_ASSERT(!fallocate(t->gmem_fd, FALLOC_FL_KEEP_SIZE, 0,
			      NPAGES * PAGE_SIZE),
		   "fallocate() of guest_memfd failed: %s", strerror(errno));
}

static double prefault(void)
{
	const struct tdp_mem mem = {
		.vm_type = KVM_X86_SW_PROTECTED_VM,
		.gmem = true,
		.is_private = true,
	};
	struct tdp_vm t;
	double ticks;
	u64 start;

	tdp_vm_create_idle(&t, &mem);
	tdp_vm_add_slot(&t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, NPAGES);
	allocate(&t);
	start = rdtsc();
	tdp_prefault(t.vcpu, t.gpa, NPAGES * PAGE_SIZE);
	ticks = per_page(start);
	tdp_vm_free(&t);
	return ticks;
}

static double add(void)
{
	struct tdp_vm t;
	double ticks;
	u64 start;

	td_vm_create_idle(&t);
	tdp_vm_add_slot(&t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, NPAGES);
	tdp_vm_touch(&t);
	allocate(&t);
	start = rdtsc();
	tdx_init_mem_region(t.vcpu, t.hva, t.gpa, NPAGES, 0);
	ticks = per_page(start);
	tdp_vm_free(&t);
	return ticks;
}

/* The least of some: what comes on top is the host's. */
static double least(double (*measure)(void))
{
	double best = measure(), next;
	int i;

	for (i = 1; i < REPEATS; i++) {
		next = measure();
		if (next < best)
			best = next;
	}
	return best;
}

int main(void)
{
	const char *why = td_host_lacks();
	double prefaulted, added;

	if (why)
		ksft_exit_skip("%s\n", why);

	prefaulted = least(prefault);
	added = least(add);
	printf("bench: tdx.prefault %.0f ticks/page\n", prefaulted);
	printf("bench: tdx.add %.0f ticks/page\n", added);
	printf("bench: ratio add/prefault %.2f\n", added / prefaulted);
	return 0;
}
