// SPDX-License-Identifier: GPL-2.0
/*
 * How fast the probe walks, and how fast KVM does what tests wait for.
 *
 * Not a test: nothing here passes or fails.  Usage: tdp_walk_bench [REPEATS]
 *
 * Output, for people and for scripts, is one figure a line:
 *
 *	bench: NAME VALUE UNIT
 *	bench: ratio range/single METHOD VALUE
 *
 * NAME is one word, VALUE a decimal number.  For each METHOD that the kernel
 * has, HELPER or TABLE:
 *
 *	range.METHOD.min, .median	ns/GPA, one ioctl for 64 Ki GPAs
 *	single.METHOD.min, .median	ns/GPA, one ioctl for each GPA
 *	range.METHOD.rate, single...	walks/s, from the median
 *	ratio range/single METHOD	how many times faster a GPA is in a range
 *
 * and once prefault.min, .median in pages/s, vm.min, .median in ms for creating
 * and destroying a VM with one vCPU, and repeats, the number of repetitions.
 *
 * Absolute figures of an emulated or a shared machine mean little.  So each
 * repetition measures a range and single GPAs one right after the other, and
 * the ratio is the median of the ratios within the repetitions.
 */
#include <sys/mman.h>
#include <time.h>

#include <linux/sizes.h>

#include "tdp_vm.h"

#define RANGE_GPAS	SZ_64K
#define SINGLE_GPAS	SZ_1K
#define RANGE_STRIDE	SZ_1K
#define PREFAULT_PAGES	512
#define MAX_REPEATS	1000
#define VM_REPEATS	5

/* One figure, measured again and again. */
struct samples {
	int nr;
	double values[MAX_REPEATS];
};

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static void add_sample(struct samples *s, double value)
{
	s->values[s->nr++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double minimum(struct samples *s)
{
	qsort(s->values, s->nr, sizeof(*s->values), compare);
	return s->values[0];
}

static double median(struct samples *s)
{
	qsort(s->values, s->nr, sizeof(*s->values), compare);
	return (s->values[(s->nr - 1) / 2] + s->values[s->nr / 2]) / 2;
}

static void print_samples(const char *name, struct samples *s, const char *unit)
{
	printf("bench: %s.min %.1f %s\n", name, minimum(s), unit);
	printf("bench: %s.median %.1f %s\n", name, median(s), unit);
}

static double time_range(struct tdp_vm *t, enum kvm_tdp_walk_method method,
			 struct kvm_tdp_walk_entry *entries)
{
	u64 start = now_ns();

	tdp_walk_range(t->vcpu, method, false, t->gpa, RANGE_STRIDE,
		       RANGE_GPAS, entries);
	return (double)(now_ns() - start) / RANGE_GPAS;
}

/* Spread over the same GPAs, so that caches are met in a similar state. */
static double time_singles(struct tdp_vm *t, enum kvm_tdp_walk_method method)
{
	const u64 stride = RANGE_GPAS / SINGLE_GPAS * RANGE_STRIDE;
	u64 i, start = now_ns();

	for (i = 0; i < SINGLE_GPAS; i++)
		tdp_walk(t->vcpu, method, false, t->gpa + i * stride);
	return (double)(now_ns() - start) / SINGLE_GPAS;
}

static void print_rate(const char *name, struct samples *ns)
{
	printf("bench: %s.rate %.0f walks/s\n", name, NSEC_PER_SEC / median(ns));
}

static void bench_method(struct tdp_vm *t, enum kvm_tdp_walk_method method,
			 int repeats)
{
	struct kvm_tdp_walk_entry *entries = calloc(RANGE_GPAS, sizeof(*entries));
	struct samples range = {}, single = {}, ratio = {};
	const char *method_name = tdp_method_name(method);
	char name[32];

	TDP_ASSERT(entries, "No memory for %u answers", RANGE_GPAS);

	/* Once in vain, so that the array is there and the caches are warm. */
	time_range(t, method, entries);
	while (ratio.nr < repeats) {
		double range_ns = time_range(t, method, entries);
		double single_ns = time_singles(t, method);

		add_sample(&range, range_ns);
		add_sample(&single, single_ns);
		add_sample(&ratio, single_ns / range_ns);
	}
	free(entries);

	snprintf(name, sizeof(name), "range.%s", method_name);
	print_samples(name, &range, "ns/GPA");
	print_rate(name, &range);
	snprintf(name, sizeof(name), "single.%s", method_name);
	print_samples(name, &single, "ns/GPA");
	print_rate(name, &single);
	printf("bench: ratio range/single %s %.1f\n", method_name, median(&ratio));
}

/* KVM drops what it has mapped, the process keeps its pages. */
static void unmap(void *hva, size_t size)
{
	TDP_ASSERT(!mprotect(hva, size, PROT_NONE) &&
		   !mprotect(hva, size, PROT_READ | PROT_WRITE),
		   "mprotect() failed: %s", strerror(errno));
}

static void bench_prefault(struct tdp_vm *t, int repeats)
{
	static struct samples rate;
	u64 start;

	while (rate.nr < repeats) {
		unmap(t->hva, PREFAULT_PAGES * PAGE_SIZE);
		start = now_ns();
		tdp_prefault(t->vcpu, t->gpa, PREFAULT_PAGES * PAGE_SIZE);
		add_sample(&rate, (double)PREFAULT_PAGES * NSEC_PER_SEC /
				  (now_ns() - start));
	}
	print_samples("prefault", &rate, "pages/s");
}

static void bench_vm(const struct tdp_mem *mem)
{
	static struct samples ms;
	struct tdp_vm t;
	u64 start;

	while (ms.nr < VM_REPEATS) {
		start = now_ns();
		tdp_vm_create(&t, mem);
		tdp_vm_free(&t);
		add_sample(&ms, (now_ns() - start) / 1e6);
	}
	print_samples("vm", &ms, "ms");
}

/* Every page of the range has a leaf: the longest walk that there is. */
static void populate(struct tdp_vm *t)
{
	struct tdp_msg msg;

	tdp_vm_touch(t);
	tdp_prefault(t->vcpu, t->gpa, t->npages * PAGE_SIZE);
	TDP_ASSERT(tdp_check_mapped(t, t->gpa, t->npages, PG_LEVEL_4K, &msg),
		   "%s", msg.text);
}

int main(int argc, char **argv)
{
	int repeats = argc > 1 ? atoi(argv[1]) : 9;
	const struct tdp_mem mem = TDP_MEM_DEFAULT;
	const char *why = tdp_host_lacks();
	enum kvm_tdp_walk_method method;
	struct tdp_vm t;

	if (why)
		ksft_exit_skip("%s\n", why);
	TDP_ASSERT(repeats > 0 && repeats <= MAX_REPEATS,
		   "Usage: %s [REPEATS], 1 to %d", argv[0], MAX_REPEATS);

	tdp_vm_create(&t, &mem);
	tdp_vm_add_slot(&t, VM_MEM_SRC_ANONYMOUS, TDP_GPA,
			RANGE_GPAS * RANGE_STRIDE / PAGE_SIZE);
	populate(&t);

	printf("bench: repeats %d times\n", repeats);
	for (method = 0; method < KVM_TDP_WALK_NR_METHODS; method++)
		if (tdp_has_method(method))
			bench_method(&t, method, repeats);
	bench_prefault(&t, repeats);
	tdp_vm_free(&t);
	bench_vm(&mem);
	return 0;
}
