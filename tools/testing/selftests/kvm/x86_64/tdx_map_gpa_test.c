// SPDX-License-Identifier: GPL-2.0
/* A TD converts memory, and uses it as what it has become. */
#include <linux/kvm_para.h>

#include "tdx/td_test.h"
#include "tdx/tdcall.h"

/* The slot, and the part of it that is converted to and fro. */
#define NPAGES		16
#define FIRST		4
#define NR		5
#define PART_GPA	(TDP_GPA + FIRST * PAGE_SIZE)
#define PART_SIZE	(NR * PAGE_SIZE)

/* Where the TD sees the slot, as private and as shared memory. */
#define PRIVATE_GVA	(TDP_GPA + SZ_1G)
#define SHARED_GVA	(TDP_GPA + 2UL * SZ_1G)

#define TD_WROTE(page)		(0x7d0000 + (page))
#define HOST_WROTE(page)	(0x405700 + (page))

static u64 *guest_word(u64 base, u64 page)
{
	return (u64 *)(base + (FIRST + page) * PAGE_SIZE);
}

static void guest_use_shared(void)
{
	u64 page;

	for (page = 0; page < NR; page++)
		WRITE_ONCE(*guest_word(SHARED_GVA, page), TD_WROTE(page));
	GUEST_SYNC1(0);
	for (page = 0; page < NR; page++)
		GUEST_ASSERT_EQ(READ_ONCE(*guest_word(SHARED_GVA, page)),
				HOST_WROTE(page));
}

static u64 guest_accept(u64 page)
{
	return tdg_mem_page_accept(PART_GPA + page * PAGE_SIZE, PG_LEVEL_4K) &
	       TDX_STATUS_MASK;
}

static void guest_use_private(void)
{
	u64 page;

	for (page = 0; page < NR; page++) {
		GUEST_ASSERT_EQ(guest_accept(page), TDX_SUCCESS);
		GUEST_ASSERT_EQ(guest_accept(page), TDX_PAGE_ALREADY_ACCEPTED);
		GUEST_ASSERT_EQ(READ_ONCE(*guest_word(PRIVATE_GVA, page)), 0);
		WRITE_ONCE(*guest_word(PRIVATE_GVA, page), TD_WROTE(page));
	}
	GUEST_SYNC1(0);
	for (page = 0; page < NR; page++)
		GUEST_ASSERT_EQ(READ_ONCE(*guest_word(PRIVATE_GVA, page)),
				TD_WROTE(page));
}

static void guest_convert(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		GUEST_ASSERT_EQ(tdvmcall_map_gpa(PART_GPA | TD_SHARED_BIT,
						 PART_SIZE, NULL),
				TDVMCALL_SUCCESS);
		guest_use_shared();
		GUEST_ASSERT_EQ(tdvmcall_map_gpa(PART_GPA, PART_SIZE, NULL),
				TDVMCALL_SUCCESS);
		guest_use_private();
	}
	GUEST_DONE();
}

FIXTURE(map_gpa) {
	struct tdp_vm t;
};

static void create(struct tdp_vm *t, void *guest_code)
{
	td_vm_create(t, guest_code);
	tdp_vm_add_slot(t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, NPAGES);
	tdp_vm_touch(t);
	td_map_private(t->vm, PRIVATE_GVA, TDP_GPA, NPAGES);
	td_map_shared(t->vm, SHARED_GVA, TDP_GPA, NPAGES);
	td_finalize(t->vm);
}

FIXTURE_SETUP(map_gpa)
{
}

FIXTURE_TEARDOWN(map_gpa)
{
	tdp_vm_free(&self->t);
}

static u64 *host_word(struct tdp_vm *t, u64 page)
{
	return t->hva + (FIRST + page) * PAGE_SIZE;
}

/* Run up to the TD's next ucall, which must be @cmd. */
static void expect_ucall(struct __test_metadata *_metadata, struct tdp_vm *t,
			 u64 cmd)
{
	struct ucall uc;

	vcpu_run(t->vcpu);
	ASSERT_EQ(get_ucall(t->vcpu, &uc), cmd)
		TH_LOG("exit %d (%s): %s", t->vcpu->run->exit_reason,
		       exit_reason_str(t->vcpu->run->exit_reason), uc.buffer);
}

/* Run up to the TD's MapGPA, which must ask for @flag, and do it. */
static void expect_map_gpa(struct __test_metadata *_metadata, struct tdp_vm *t,
			   u64 flag)
{
	struct kvm_run *run = t->vcpu->run;

	vcpu_run(t->vcpu);
	ASSERT_EQ(run->exit_reason, KVM_EXIT_HYPERCALL);
	EXPECT_EQ(run->hypercall.nr, KVM_HC_MAP_GPA_RANGE);
	EXPECT_EQ(run->hypercall.args[0], PART_GPA);
	EXPECT_EQ(run->hypercall.args[1], NR);
	EXPECT_EQ(run->hypercall.args[2], flag);
	td_handle_map_gpa(t->vcpu);
	EXPECT_TDP_ABSENT(t->vcpu, PART_GPA, NR);
}

/* The part is mapped as it must be, and nothing else of the slot. */
static void expect_part(struct __test_metadata *_metadata, struct tdp_vm *t,
			bool is_private)
{
	u64 pfns[NR];

	tdp_vm_pfns(t, PART_GPA, NR, is_private, pfns);
	if (is_private)
		EXPECT_TD_PRIVATE(t->vcpu, PART_GPA, NR, pfns);
	else
		EXPECT_TD_SHARED(t->vcpu, PART_GPA, NR, PG_LEVEL_4K, pfns);

	EXPECT_TDP_ABSENT(t->vcpu, t->gpa, FIRST);
	EXPECT_TDP_ABSENT(t->vcpu, PART_GPA + PART_SIZE, NPAGES - FIRST - NR);
}

/* Rules: tdx.map-gpa tdx.convert tdx.accept tdx.two-roots */
TEST_F(map_gpa, to_and_fro)
{
	struct tdp_vm *t = &self->t;
	int i, page;

	create(t, guest_convert);
	for (i = 0; i < 2; i++) {
		expect_map_gpa(_metadata, t, KVM_MAP_GPA_RANGE_DECRYPTED);
		expect_ucall(_metadata, t, UCALL_SYNC);
		expect_part(_metadata, t, false);
		for (page = 0; page < NR; page++) {
			EXPECT_EQ(*host_word(t, page), TD_WROTE(page));
			*host_word(t, page) = HOST_WROTE(page);
		}

		expect_map_gpa(_metadata, t, KVM_MAP_GPA_RANGE_ENCRYPTED);
		expect_ucall(_metadata, t, UCALL_SYNC);
		expect_part(_metadata, t, true);
		for (page = 0; page < NR; page++)
			EXPECT_EQ(*host_word(t, page), HOST_WROTE(page));
	}
	expect_ucall(_metadata, t, UCALL_DONE);
	expect_part(_metadata, t, true);
}

static void guest_ask_wrongly(void)
{
	u64 failed;

	GUEST_ASSERT_EQ(tdvmcall_map_gpa(PART_GPA, 0, &failed),
			TDVMCALL_INVALID_OPERAND);
	GUEST_ASSERT_EQ(failed, PART_GPA);
	GUEST_ASSERT_EQ(tdvmcall_map_gpa(TD_SHARED_BIT - PAGE_SIZE,
					 2 * PAGE_SIZE, &failed),
			TDVMCALL_INVALID_OPERAND);
	GUEST_ASSERT_EQ(failed, TD_SHARED_BIT - PAGE_SIZE);
	GUEST_ASSERT_EQ(tdvmcall_map_gpa(2 * TD_SHARED_BIT, PAGE_SIZE, &failed),
			TDVMCALL_INVALID_OPERAND);
	GUEST_ASSERT_EQ(tdvmcall_map_gpa(-PAGE_SIZE, PAGE_SIZE, &failed),
			TDVMCALL_INVALID_OPERAND);
	GUEST_ASSERT_EQ(tdvmcall_map_gpa(PART_GPA + 8, PAGE_SIZE, &failed),
			TDVMCALL_ALIGN_ERROR);
	GUEST_ASSERT_EQ(tdvmcall_map_gpa(PART_GPA, PAGE_SIZE / 2, &failed),
			TDVMCALL_ALIGN_ERROR);
	GUEST_DONE();
}

/*
 * None of these reaches userspace.
 *
 * Rules: tdx.map-gpa
 */
TEST_F(map_gpa, refused_by_kvm)
{
	create(&self->t, guest_ask_wrongly);
	expect_ucall(_metadata, &self->t, UCALL_DONE);
	EXPECT_TDP_ABSENT(self->t.vcpu, self->t.gpa, NPAGES);
}

static void guest_is_told_to_retry(void)
{
	u64 failed;

	GUEST_ASSERT_EQ(tdvmcall_map_gpa(PART_GPA | TD_SHARED_BIT, PART_SIZE,
					 &failed), TDVMCALL_RETRY);
	GUEST_ASSERT_EQ(failed, PART_GPA | TD_SHARED_BIT);
	GUEST_ASSERT_EQ(tdvmcall_map_gpa(PART_GPA | TD_SHARED_BIT, PART_SIZE,
					 &failed), TDVMCALL_INVALID_OPERAND);
	GUEST_ASSERT_EQ(failed, PART_GPA | TD_SHARED_BIT);
	GUEST_DONE();
}

/* Rules: tdx.map-gpa */
TEST_F(map_gpa, refused_by_userspace)
{
	struct tdp_vm *t = &self->t;
	struct kvm_run *run;

	create(t, guest_is_told_to_retry);
	run = t->vcpu->run;

	vcpu_run(t->vcpu);
	ASSERT_EQ(run->exit_reason, KVM_EXIT_HYPERCALL);
	run->hypercall.ret = EAGAIN;
	vcpu_run(t->vcpu);
	ASSERT_EQ(run->exit_reason, KVM_EXIT_HYPERCALL);
	run->hypercall.ret = EINVAL;
	expect_ucall(_metadata, t, UCALL_DONE);
}

TD_HARNESS_MAIN
