// SPDX-License-Identifier: GPL-2.0
/*
 * TDs whose GPAs have 52 bits: both roots and the Secure EPT have five levels, and
 * the shared bit is bit 51.
 */
#include "tdp_control.h"

#include "tdx/td_sept.h"
#include "tdx/td_test.h"
#include "tdx/tdcall.h"

#define WIDE_BITS	52
#define WIDE_SHARED_BIT	BIT_ULL(WIDE_BITS - 1)

/* Where four levels do not reach. */
#define HIGH_GPA	(BIT_ULL(49) + BIT_ULL(40) + TDP_GPA)
#define NPAGES		8

#define PRIVATE_GVA	(TDP_GPA + SZ_1G)
#define SHARED_GVA	(TDP_GPA + 2UL * SZ_1G)

/* vcpu, gpa, number of 4K pages, PFNs of the 4K pages, state */
#define EXPECT_TD_SEPT(...)		__TDP_JUDGE(0, td_check_sept, __VA_ARGS__)
/* vcpu, gpa, number of 4K pages */
#define EXPECT_TD_SEPT_FREE(...)	__TDP_JUDGE(0, td_check_sept_free, __VA_ARGS__)

static bool processor_has(const char *feature)
{
	char line[4096], *word = NULL;
	FILE *file = fopen("/proc/cpuinfo", "r");

	while (file && !word && fgets(line, sizeof(line), file))
		if (!strncmp(line, "vmx flags", 9))
			word = strstr(line, feature);
	if (file)
		fclose(file);
	return word;
}

FIXTURE(wide) {
	struct tdp_vm t;
};

FIXTURE_SETUP(wide)
{
	TDP_REQUIRE(processor_has("ept_5level"),
		    "this processor has no EPT of five levels");
	td_use_gpa_bits(WIDE_BITS);
}

FIXTURE_TEARDOWN(wide)
{
	tdp_vm_free(&self->t);
}

static void guest_word(u64 base, u64 wanted, u64 value)
{
	u64 page, *word;

	for (page = 0; page < NPAGES; page++) {
		word = (u64 *)(base + page * PAGE_SIZE);
		GUEST_ASSERT_EQ(READ_ONCE(*word), wanted ? wanted + page : 0);
		WRITE_ONCE(*word, value + page);
	}
}

/* Accept, use, convert, use, and back. */
static void guest_work(void)
{
	struct tdg_vp_info info;
	u64 page;

	GUEST_ASSERT_EQ(tdg_vp_info(&info), TDX_SUCCESS);
	GUEST_ASSERT_EQ(info.gpa_width, WIDE_BITS);
	for (page = 0; page < NPAGES; page++)
		GUEST_ASSERT_EQ(tdg_mem_page_accept(HIGH_GPA + page * PAGE_SIZE,
						    PG_LEVEL_4K), TDX_SUCCESS);
	guest_word(PRIVATE_GVA, 0, 0x100);
	GUEST_SYNC(1);
	GUEST_ASSERT_EQ(tdvmcall_map_gpa(HIGH_GPA | WIDE_SHARED_BIT,
					 NPAGES * PAGE_SIZE, NULL),
			TDVMCALL_SUCCESS);
	guest_word(SHARED_GVA, 0x700, 0x200);
	GUEST_DONE();
}

static void expect_ucall(struct __test_metadata *_metadata, struct tdp_vm *t,
			 u64 wanted)
{
	struct ucall uc;

	vcpu_run(t->vcpu);
	ASSERT_EQ(get_ucall(t->vcpu, &uc), wanted)
		TH_LOG("exit %d (%s): %s", t->vcpu->run->exit_reason,
		       exit_reason_str(t->vcpu->run->exit_reason), uc.buffer);
}

static u64 *host_word(struct tdp_vm *t, u64 page)
{
	return (u64 *)(t->hva + page * PAGE_SIZE);
}

/*
 * Rules: tdx.gpa-width tdx.two-roots tdx.accept tdx.convert tdx.sept-maps
 *	  tdx.sept-removes
 */
TEST_F(wide, both_halves)
{
	struct tdp_vm *t = &self->t;
	u64 pfns[NPAGES], page;

	td_vm_create(t, guest_work);
	tdp_vm_add_slot(t, VM_MEM_SRC_ANONYMOUS, HIGH_GPA, NPAGES);
	tdp_vm_touch(t);
	for (page = 0; page < NPAGES; page++)
		*host_word(t, page) = 0x700 + page;
	td_map_private(t->vm, PRIVATE_GVA, HIGH_GPA, NPAGES);
	td_map_shared(t->vm, SHARED_GVA, HIGH_GPA, NPAGES);
	td_finalize(t->vm);

	expect_ucall(_metadata, t, UCALL_SYNC);
	tdp_vm_pfns(t, HIGH_GPA, NPAGES, true, pfns);
	EXPECT_TD_PRIVATE(t->vcpu, HIGH_GPA, NPAGES, pfns);
	EXPECT_TD_SEPT(t->vcpu, HIGH_GPA, NPAGES, pfns, TD_SEPT_MAPPED);
	/* What four levels would make of the GPA. */
	EXPECT_TDP_ABSENT(t->vcpu, HIGH_GPA % BIT_ULL(48), NPAGES);
	EXPECT_TD_SEPT_FREE(t->vcpu, HIGH_GPA % BIT_ULL(48), NPAGES);

	vcpu_run(t->vcpu);
	td_handle_map_gpa(t->vcpu);
	EXPECT_TDP_ABSENT(t->vcpu, HIGH_GPA, NPAGES);
	EXPECT_TD_SEPT_FREE(t->vcpu, HIGH_GPA, NPAGES);
	expect_ucall(_metadata, t, UCALL_DONE);
	tdp_vm_pfns(t, HIGH_GPA, NPAGES, false, pfns);
	EXPECT_TD_SHARED(t->vcpu, HIGH_GPA, NPAGES, PG_LEVEL_4K, pfns);
	for (page = 0; page < NPAGES; page++)
		EXPECT_EQ(*host_word(t, page), 0x200 + page);
}

/* Rules: tdx.gpa-width tdx.get-cpuid */
TEST_F(wide, cpuid)
{
	const struct kvm_cpuid_entry2 *entry;
	struct kvm_cpuid2 *cpuid;

	td_vm_create_idle(&self->t);
	cpuid = tdx_get_cpuid(self->t.vcpu);
	entry = get_cpuid_entry(cpuid, 0x80000008, 0);
	EXPECT_EQ(entry->eax >> 16 & 0xff, WIDE_BITS);
	free(cpuid);
}

/*
 * Without five levels there are no such TDs.
 *
 * Rules: tdx.gpa-width
 */
TEST(narrow_processor)
{
	struct kvm_tdx_init_vm *init;
	struct kvm_vm *vm;

	td_use_gpa_bits(WIDE_BITS);
	vm = td_open();
	init = td_init_params(vm);
	EXPECT_EQ(__tdx_init_vm(vm, init),
		  processor_has("ept_5level") ? 0 : -EINVAL);
	free(init);
	kvm_vm_free(vm);
}

TD_HARNESS_MAIN
