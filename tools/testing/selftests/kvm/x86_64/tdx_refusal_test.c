// SPDX-License-Identifier: GPL-2.0
/*
 * A TDX module that refuses: its locks are tried once, and its random numbers
 * run out.  KVM has to ask again, and nobody may notice.
 *
 * Only the software TDX module refuses on demand.  What it is told to refuse is
 * what KVM must survive: it lets a repeated call through, since the real one
 * never refuses a removal again once all vCPUs are out of the TD, and KVM takes
 * a second refusal for a bug.
 */
#include "tdp_control.h"
#include "tdp_splat.h"

#include "tdx/td_refuse.h"
#include "tdx/td_sept.h"
#include "tdx/td_test.h"
#include "tdx/tdcall.h"

#define NPAGES		48

/* Source: TDX Module ABI, completion codes. */
#define STATUS_OPERAND_BUSY	0x80000200ULL

/* vcpu, gpa, number of 4K pages, PFNs of the 4K pages, state */
#define EXPECT_TD_SEPT(...)		__TDP_JUDGE(0, td_check_sept, __VA_ARGS__)
/* vcpu, gpa, number of 4K pages */
#define EXPECT_TD_SEPT_FREE(...)	__TDP_JUDGE(0, td_check_sept_free, __VA_ARGS__)

/* Calls of @leaf since @before were refused, and each of them was repeated. */
static bool check_retried(const char *leaf, const struct td_leaf_count *before,
			  struct tdp_msg *msg)
{
	struct td_leaf_count now = td_leaf_count(leaf);
	u64 calls = now.calls - before->calls;
	u64 failures = now.failures - before->failures;
	u64 refusals = now.refusals - before->refusals;

	if (refusals && failures == refusals && calls >= 2 * refusals)
		return true;
	snprintf(msg->text, sizeof(msg->text),
		 "Wanted refusals of %s, each repeated with success, got %lu calls, %lu refused, %lu failed",
		 leaf, calls, refusals, failures);
	return false;
}

#define EXPECT_RETRIED(...)		__TDP_JUDGE(0, check_retried, __VA_ARGS__)

static u64 slot_gpa(const struct tdp_vm *t, u64 page)
{
	return t->gpa + page * PAGE_SIZE;
}

static void create_idle(struct tdp_vm *t)
{
	td_vm_create_idle(t);
	tdp_vm_add_slot(t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, NPAGES);
	tdp_vm_touch(t);
}

/* The module and the mirror root both have these pages of guest_memfd. */
static void expect_pages(struct __test_metadata *_metadata, struct tdp_vm *t,
			 u64 first, u64 nr, enum td_sept_state state)
{
	u64 pfns[NPAGES], gpa = slot_gpa(t, first);

	tdp_vm_pfns(t, gpa, nr, true, pfns);
	EXPECT_TD_SEPT(t->vcpu, gpa, nr, pfns, state);
	EXPECT_TD_PRIVATE(t->vcpu, gpa, nr, pfns);
}

static void expect_shared(struct __test_metadata *_metadata, struct tdp_vm *t,
			  u64 first, u64 nr)
{
	u64 pfns[NPAGES], gpa = slot_gpa(t, first);

	tdp_vm_pfns(t, gpa, nr, false, pfns);
	EXPECT_TD_SEPT_FREE(t->vcpu, gpa, nr);
	EXPECT_TD_SHARED(t->vcpu, gpa, nr, PG_LEVEL_4K, pfns);
}

/* Neither has any. */
static void expect_none(struct __test_metadata *_metadata, struct tdp_vm *t,
			u64 first, u64 nr)
{
	EXPECT_TD_SEPT_FREE(t->vcpu, slot_gpa(t, first), nr);
	EXPECT_TDP_ABSENT(t->vcpu, slot_gpa(t, first), nr);
}

/* Pages are added, those behind them pre-faulted. */
static void populate(struct __test_metadata *_metadata, struct tdp_vm *t)
{
	tdx_init_mem_region(t->vcpu, t->hva, t->gpa, 24, 0);
	expect_pages(_metadata, t, 0, 24, TD_SEPT_MAPPED);
	expect_none(_metadata, t, 24, NPAGES - 24);

	tdx_finalize_vm(t->vm);
	tdp_prefault(t->vcpu, slot_gpa(t, 24), 16 * PAGE_SIZE);
	expect_pages(_metadata, t, 0, 24, TD_SEPT_MAPPED);
	expect_pages(_metadata, t, 24, 16, TD_SEPT_PENDING);
	expect_none(_metadata, t, 40, NPAGES - 40);
}

static void punch(struct __test_metadata *_metadata, struct tdp_vm *t)
{
	vm_guest_mem_punch_hole(t->vm, slot_gpa(t, 4), 8 * PAGE_SIZE);
	expect_pages(_metadata, t, 0, 4, TD_SEPT_MAPPED);
	expect_none(_metadata, t, 4, 8);
	expect_pages(_metadata, t, 12, 12, TD_SEPT_MAPPED);
}

static void convert(struct __test_metadata *_metadata, struct tdp_vm *t)
{
	u64 gpa = slot_gpa(t, 20), size = 8 * PAGE_SIZE;

	vm_mem_set_shared(t->vm, gpa, size);
	expect_none(_metadata, t, 20, 8);
	tdp_prefault(t->vcpu, gpa, size);
	expect_shared(_metadata, t, 20, 8);

	vm_mem_set_private(t->vm, gpa, size);
	expect_none(_metadata, t, 20, 8);
	tdp_prefault(t->vcpu, gpa, size);
	expect_pages(_metadata, t, 12, 8, TD_SEPT_MAPPED);
	expect_pages(_metadata, t, 20, 20, TD_SEPT_PENDING);
}

/* All that is done to a TD's memory, from its beginning to its end. */
static void live(struct __test_metadata *_metadata, struct tdp_vm *t)
{
	create_idle(t);
	populate(_metadata, t);
	punch(_metadata, t);
	convert(_metadata, t);
	vm_mem_region_delete(t->vm, TDP_SLOT);
	expect_none(_metadata, t, 0, NPAGES);
	tdp_vm_free(t);
}

FIXTURE(refusal) {
	struct tdp_vm t;
};

FIXTURE_VARIANT(refusal) {
	const char *leaf;
	const char *status;
	int every;
};

/* What is called once or twice in a life is refused at once. */
#define REFUSAL(_name, _leaf, _status, _every)				\
	FIXTURE_VARIANT_ADD(refusal, _name) {				\
		.leaf = _leaf, .status = _status, .every = _every }

REFUSAL(page_add, "TDH_MEM_PAGE_ADD", "busy", 7);
REFUSAL(every_page_add, "TDH_MEM_PAGE_ADD", "busy", 1);
REFUSAL(sept_add, "TDH_MEM_SEPT_ADD", "busy", 2);
REFUSAL(page_aug, "TDH_MEM_PAGE_AUG", "busy", 7);
REFUSAL(every_page_aug, "TDH_MEM_PAGE_AUG", "busy", 1);
REFUSAL(range_block, "TDH_MEM_RANGE_BLOCK", "busy", 7);
REFUSAL(track, "TDH_MEM_TRACK", "busy", 7);
REFUSAL(page_remove, "TDH_MEM_PAGE_REMOVE", "busy", 7);
REFUSAL(every_page_remove, "TDH_MEM_PAGE_REMOVE", "busy", 1);
REFUSAL(mng_create, "TDH_MNG_CREATE", "no-entropy", 1);
REFUSAL(mng_key_config, "TDH_MNG_KEY_CONFIG", "no-entropy", 1);
REFUSAL(mng_addcx, "TDH_MNG_ADDCX", "no-entropy", 2);

FIXTURE_SETUP(refusal)
{
	TDP_REQUIRE_NOT(td_refuse_lacks());
}

/* In the parent, so that it is done even if the case ended early. */
FIXTURE_TEARDOWN_PARENT(refusal)
{
	td_refuse_nothing();
}

/* Rules: tdx.retries tdx.sept-maps tdx.sept-removes tdx.two-roots */
TEST_F(refusal, life)
{
	struct td_leaf_count before = td_leaf_count(variant->leaf);

	td_refuse(variant->leaf, variant->status, variant->every);
	live(_metadata, &self->t);
	EXPECT_RETRIED(variant->leaf, &before);
}

FIXTURE(refusals) {
	struct tdp_vm t;
};

FIXTURE_SETUP(refusals)
{
	TDP_REQUIRE_NOT(td_refuse_lacks());
}

FIXTURE_TEARDOWN_PARENT(refusals)
{
	td_refuse_nothing();
}

static const struct {
	const char *leaf;
	int every;
} at_work[] = {
	{ "TDH_VP_ENTER", 3 },
	{ "TDH_MEM_PAGE_AUG", 5 },
	{ "TDH_MEM_RANGE_BLOCK", 10 },
	{ "TDH_MEM_TRACK", 10 },
	{ "TDH_MEM_PAGE_REMOVE", 10 },
};

/* Where a TD that runs has the part of the slot that it converts. */
#define FIRST		5
#define NR		8
#define ROUNDS		3
#define PRIVATE_GVA	(TDP_GPA + SZ_1G)
#define SHARED_GVA	(TDP_GPA + 2UL * SZ_1G)

#define TD_WROTE(round, page)	(0x7d0000 + 0x100 * (round) + (page))

static u64 *guest_word(u64 base, u64 page)
{
	return (u64 *)(base + (FIRST + page) * PAGE_SIZE);
}

static void guest_map_gpa(u64 bit)
{
	GUEST_ASSERT_EQ(tdvmcall_map_gpa((TDP_GPA + FIRST * PAGE_SIZE) | bit,
					 NR * PAGE_SIZE, NULL),
			TDVMCALL_SUCCESS);
}

static void guest_accept_all(void)
{
	u64 page, gpa;

	for (page = 0; page < NR; page++) {
		gpa = TDP_GPA + (FIRST + page) * PAGE_SIZE;
		GUEST_ASSERT_EQ(tdg_mem_page_accept(gpa, PG_LEVEL_4K) &
				TDX_STATUS_MASK, TDX_SUCCESS);
	}
}

static void guest_write_all(u64 base, u64 round)
{
	u64 page;

	for (page = 0; page < NR; page++)
		WRITE_ONCE(*guest_word(base, page), TD_WROTE(round, page));
	GUEST_SYNC1(round);
	for (page = 0; page < NR; page++)
		GUEST_ASSERT_EQ(READ_ONCE(*guest_word(base, page)),
				TD_WROTE(round, page));
}

static void guest_work(void)
{
	u64 round;

	for (round = 0; round < ROUNDS; round++) {
		guest_map_gpa(0);
		guest_accept_all();
		guest_write_all(PRIVATE_GVA, round);
		guest_map_gpa(TD_SHARED_BIT);
		guest_write_all(SHARED_GVA, round);
	}
	GUEST_DONE();
}

static void create_running(struct tdp_vm *t)
{
	td_vm_create(t, guest_work);
	tdp_vm_add_slot(t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, NPAGES);
	tdp_vm_touch(t);
	td_map_private(t->vm, PRIVATE_GVA, TDP_GPA, NPAGES);
	td_map_shared(t->vm, SHARED_GVA, TDP_GPA, NPAGES);
	td_finalize(t->vm);
}

static void expect_ucall(struct __test_metadata *_metadata, struct tdp_vm *t,
			 u64 cmd)
{
	struct ucall uc;

	vcpu_run(t->vcpu);
	ASSERT_EQ(get_ucall(t->vcpu, &uc), cmd)
		TH_LOG("exit %d (%s): %s", t->vcpu->run->exit_reason,
		       exit_reason_str(t->vcpu->run->exit_reason), uc.buffer);
}

/* Run up to the TD's MapGPA, do it, and run up to where it used the pages. */
static void convert_and_use(struct __test_metadata *_metadata, struct tdp_vm *t)
{
	vcpu_run(t->vcpu);
	td_handle_map_gpa(t->vcpu);
	expect_none(_metadata, t, FIRST, NR);
	expect_ucall(_metadata, t, UCALL_SYNC);
}

static void expect_shared_words(struct __test_metadata *_metadata,
				struct tdp_vm *t, u64 round)
{
	u64 page;

	for (page = 0; page < NR; page++)
		EXPECT_EQ(*(u64 *)(t->hva + (FIRST + page) * PAGE_SIZE),
			  TD_WROTE(round, page));
}

static void work(struct __test_metadata *_metadata, struct tdp_vm *t)
{
	u64 round;

	for (round = 0; round < ROUNDS; round++) {
		convert_and_use(_metadata, t);
		expect_pages(_metadata, t, FIRST, NR, TD_SEPT_MAPPED);
		convert_and_use(_metadata, t);
		expect_shared(_metadata, t, FIRST, NR);
		expect_shared_words(_metadata, t, round);
	}
	expect_ucall(_metadata, t, UCALL_DONE);
}

/* Rules: tdx.retries tdx.convert tdx.accept tdx.sept-maps tdx.sept-removes */
TEST_F(refusals, at_work)
{
	struct td_leaf_count before[ARRAY_SIZE(at_work)];
	size_t i;

	create_running(&self->t);
	for (i = 0; i < ARRAY_SIZE(at_work); i++) {
		before[i] = td_leaf_count(at_work[i].leaf);
		td_refuse(at_work[i].leaf, "busy", at_work[i].every);
	}
	work(_metadata, &self->t);
	for (i = 0; i < ARRAY_SIZE(at_work); i++)
		EXPECT_RETRIED(at_work[i].leaf, &before[i]);
	tdp_vm_free(&self->t);
}

static int finalize(struct tdp_vm *t, u64 *hw_error)
{
	struct kvm_tdx_cmd cmd = { .id = KVM_TDX_FINALIZE_VM };
	int r = __tdx_cmd(t->vm->fd, &cmd);

	*hw_error = cmd.hw_error;
	return r;
}

/*
 * What is not repeated by KVM is left to userspace.
 *
 * Rules: tdx.busy-final control.assertions
 */
TEST_F(refusals, final)
{
	struct td_leaf_count before = td_leaf_count("TDH_MR_FINALIZE");
	struct kvm_pre_fault_memory range = {
		.gpa = TDP_GPA, .size = PAGE_SIZE,
	};
	struct tdp_vm *t = &self->t;
	u64 hw_error;

	create_idle(t);
	td_refuse("TDH_MR_FINALIZE", "busy", 1);
	EXPECT_EQ(finalize(t, &hw_error), -EBUSY);
	EXPECT_EQ(hw_error >> 32, STATUS_OPERAND_BUSY);
	EXPECT_EQ(__tdp_prefault(t->vcpu, &range), -EOPNOTSUPP);
	EXPECT_REFUSED("1 calls, 1 refused",
		       EXPECT_RETRIED("TDH_MR_FINALIZE", &before));

	tdx_init_mem_region(t->vcpu, t->hva, t->gpa, 2, 0);
	EXPECT_EQ(finalize(t, &hw_error), 0);
	EXPECT_EQ(hw_error, 0);
	EXPECT_RETRIED("TDH_MR_FINALIZE", &before);
	expect_pages(_metadata, t, 0, 2, TD_SEPT_MAPPED);
	tdp_vm_free(t);
}

/* Rules: tdx.no-entropy */
TEST_F(refusals, no_entropy)
{
	struct kvm_tdx_init_vm *init;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = td_open();

	init = td_init_params(vm);
	ASSERT_EQ(__td_refuse("TDH_MNG_CREATE no-entropy 1 twice"), 0);
	EXPECT_EQ(__tdx_init_vm(vm, init), -EAGAIN);
	EXPECT_EQ(__tdx_init_vm(vm, init), -EAGAIN);

	td_refuse_nothing();
	EXPECT_EQ(__tdx_init_vm(vm, init), 0);
	vm_create_irqchip(vm);
	vcpu = td_vcpu_add_bare(vm, 0);
	tdx_init_vcpu(vcpu, 0);
	tdx_finalize_vm(vm);
	free(init);
	kvm_vm_free(vm);
}

/* Calls of TDH.PHYMEM.CACHE.WB were stopped half-way, and went on to the end. */
static bool check_resumed(const struct td_leaf_count *before,
			  struct tdp_msg *msg)
{
	struct td_leaf_count now = td_leaf_count("TDH_PHYMEM_CACHE_WB");
	u64 calls = now.calls - before->calls;
	u64 failures = now.failures - before->failures;
	u64 stops = now.refusals - before->refusals;

	if (stops && failures == stops && calls > stops)
		return true;
	snprintf(msg->text, sizeof(msg->text),
		 "Wanted calls that were stopped and resumed, got %lu calls, %lu stopped, %lu failed",
		 calls, stops, failures);
	return false;
}

#define EXPECT_RESUMED(...)	__TDP_JUDGE(0, check_resumed, __VA_ARGS__)

/*
 * Each step of the write-back is interrupted.  A KVM that began anew each time
 * would never get to the end.
 *
 * Rules: tdx.resumes tdx.end control.assertions
 */
TEST_F(refusals, resumed)
{
	struct td_leaf_count before = td_leaf_count("TDH_PHYMEM_CACHE_WB");
	struct td_census census;

	td_take_census(&census);
	live(_metadata, &self->t);
	EXPECT_REFUSED("1 calls, 0 stopped", EXPECT_RESUMED(&before));

	before = td_leaf_count("TDH_PHYMEM_CACHE_WB");
	td_refuse("TDH_PHYMEM_CACHE_WB", "interrupted", 1);
	live(_metadata, &self->t);
	EXPECT_RESUMED(&before);
	EXPECT_TD_CENSUS(&census);
	EXPECT_EQ(__td_refuse("TDH_MEM_TRACK interrupted 1"), -EINVAL);
}

static void refuse_removal_twice(struct __test_metadata *_metadata,
				 struct tdp_vm *t)
{
	struct td_leaf_count before = td_leaf_count("TDH_MEM_PAGE_REMOVE");

	tdp_splat_begin("arch/x86/kvm/vmx/tdx.c");
	ASSERT_EQ(__td_refuse("TDH_MEM_PAGE_REMOVE busy 1 twice"), 0);
	vm_guest_mem_punch_hole(t->vm, t->gpa, PAGE_SIZE);
	td_refuse_nothing();
	tdp_splat_end();
	EXPECT_EQ(td_leaf_count("TDH_MEM_PAGE_REMOVE").calls, before.calls + 2);
	EXPECT_EQ(td_leaf_count("TDH_MEM_PAGE_REMOVE").refusals,
		  before.refusals + 2);
}

/*
 * Twice is what the real module never does.  KVM gives the TD up, and with it the
 * page and, when the TD ends, its TDR, which it warns of too.
 *
 * Rules: tdx.second-refusal control.assertions
 */
TEST_F(refusals, second_is_a_bug)
{
	struct td_census before, now;
	struct tdp_vm *t = &self->t;

	TDP_REQUIRE_NOT(td_soft_lacks());
	TDP_REQUIRE_NOT(tdp_splat_lacks());
	td_take_census(&before);
	create_idle(t);
	tdx_init_mem_region(t->vcpu, t->hva, t->gpa, 4, 0);
	tdx_finalize_vm(t->vm);

	refuse_removal_twice(_metadata, t);
	EXPECT_EQ(__tdx_finalize_vm(t->vm), -EIO);
	EXPECT_EQ(__vcpu_run(t->vcpu), -1);
	EXPECT_EQ(errno, EIO);

	tdp_splat_begin("arch/x86/kvm/vmx/tdx.c");
	tdp_vm_free(t);
	tdp_splat_end();

	td_take_census(&now);
	EXPECT_EQ(td_census_count(&now, "regular"),
		  td_census_count(&before, "regular") + 1);
	EXPECT_EQ(td_census_count(&now, "tdr"),
		  td_census_count(&before, "tdr") + 1);
	EXPECT_EQ(td_census_count(&now, "free"), td_census_count(&before, "free"));
	EXPECT_REFUSED("as before", EXPECT_TD_CENSUS(&before));
	EXPECT_EQ(td_reclaim_lost(), 1);
	EXPECT_TD_CENSUS(&before);
}

/*
 * The counts say what was refused: nothing, unless asked for.
 *
 * Rules: control.assertions
 */
TEST_F(refusals, none_is_noticed)
{
	struct td_leaf_count remove = td_leaf_count("TDH_MEM_PAGE_REMOVE");
	struct td_leaf_count promote = td_leaf_count("TDH_MEM_PAGE_PROMOTE");

	td_refuse("TDH_MEM_PAGE_PROMOTE", "busy", 1);
	live(_metadata, &self->t);
	EXPECT_REFUSED(" 0 refused, 0 failed",
		       EXPECT_RETRIED("TDH_MEM_PAGE_REMOVE", &remove));
	EXPECT_REFUSED("0 calls, 0 refused",
		       EXPECT_RETRIED("TDH_MEM_PAGE_PROMOTE", &promote));
	EXPECT_LT(remove.calls, td_leaf_count("TDH_MEM_PAGE_REMOVE").calls);

	EXPECT_EQ(__td_refuse("TDH_NO_SUCH_LEAF busy 1"), -ENOENT);
	EXPECT_EQ(__td_refuse("TDH_MEM_TRACK idle 1"), -EINVAL);
}

TD_HARNESS_MAIN
