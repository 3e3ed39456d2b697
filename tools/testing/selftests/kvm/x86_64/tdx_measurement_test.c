// SPDX-License-Identifier: GPL-2.0
/*
 * MRTD: what was added to a TD before it was finalized, and in which order.  The
 * test computes it from what it gave to KVM, with the host kernel's SHA-384, and
 * compares it with what the TD is told.
 */
#include <sys/socket.h>

#include "tdx/td_test.h"
#include "tdx/tdcall.h"

/* The KVM library's headers hide what this one is written with. */
#ifndef __counted_by
#define __counted_by(m)
#endif
#include <linux/if_alg.h>

#define NPAGES		4
#define MEASURED	1

/* Source: TDX Module ABI, TDH.MEM.PAGE.ADD, TDH.MR.EXTEND. */
#define RECORD_SIZE	128
#define RECORD_GPA	16
#define CHUNK_SIZE	256

struct mrtd {
	u8 bytes[TD_MEASUREMENT_SIZE];
};

/* A page for the TD's report, as the TD sees it and by its GPA. */
static u64 report_gva, report_gpa;

static void guest_tell_mrtd(void)
{
	const u64 *mrtd = (u64 *)(report_gva + TDREPORT_MRTD_OFFSET);

	GUEST_ASSERT_EQ(tdg_mr_report(report_gpa, report_gpa + TDREPORT_SIZE), 0);
	GUEST_SYNC6(mrtd[0], mrtd[1], mrtd[2], mrtd[3], mrtd[4], mrtd[5]);
}

/* The first and the last word of each of three, which follow MRTD. */
static void guest_tell_owner(void)
{
	const u64 *mr = (u64 *)(report_gva + TDREPORT_MRTD_OFFSET) + TD_NR_MR_WORDS;

	GUEST_ASSERT_EQ(tdg_mr_report(report_gpa, report_gpa + TDREPORT_SIZE), 0);
	GUEST_SYNC6(mr[0], mr[5], mr[6], mr[11], mr[12], mr[17]);
}

/* A socket that hashes what is sent to it, or the negative errno. */
static int hash_open(void)
{
	const struct sockaddr_alg address = {
		.salg_family = AF_ALG,
		.salg_type = "hash",
		.salg_name = "sha384",
	};
	int fd = socket(AF_ALG, SOCK_SEQPACKET, 0), hash;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const void *)&address, sizeof(address)))
		hash = -errno;
	else
		hash = accept(fd, NULL, 0);
	close(fd);
	return hash;
}

static void hash_feed(int hash, const void *data, size_t size)
{
	TDP_ASSERT(send(hash, data, size, MSG_MORE) == (ssize_t)size,
		   "send() to AF_ALG failed: %s", strerror(errno));
}

static void hash_record(int hash, const char *name, u64 gpa)
{
	u8 record[RECORD_SIZE] = {};

	memcpy(record, name, strlen(name));
	memcpy(record + RECORD_GPA, &gpa, sizeof(gpa));
	hash_feed(hash, record, sizeof(record));
}

static struct mrtd hash_end(int hash)
{
	struct mrtd mrtd;

	TDP_ASSERT(!send(hash, NULL, 0, 0) &&
		   read(hash, mrtd.bytes, sizeof(mrtd)) == sizeof(mrtd),
		   "AF_ALG gave no hash: %s", strerror(errno));
	close(hash);
	return mrtd;
}

/* One page that KVM adds. */
static void hash_page(int hash, u64 gpa, const void *contents)
{
	u64 chunk;

	hash_record(hash, "MEM.PAGE.ADD", gpa);
	if (!contents)
		return;
	for (chunk = 0; chunk < PAGE_SIZE; chunk += CHUNK_SIZE) {
		hash_record(hash, "MR.EXTEND", gpa + chunk);
		hash_feed(hash, contents + chunk, CHUNK_SIZE);
	}
}

static void hash_range(struct kvm_vcpu *vcpu, u64 gpa, void *source, u64 npages,
		       void *arg)
{
	u64 i;

	for (i = 0; i < npages; i++)
		hash_page(*(int *)arg, gpa + i * PAGE_SIZE, NULL);
}

FIXTURE(measurement) {
	struct tdp_vm t;
};

FIXTURE_SETUP(measurement)
{
	int hash = hash_open();

	TDP_REQUIRE(hash >= 0, "the host kernel has no SHA-384 for userspace (AF_ALG)");
	close(hash);
}

FIXTURE_TEARDOWN(measurement)
{
}

/* A TD with NPAGES pages of its own, of which @value is in the page @page. */
static void create(struct tdp_vm *t, void (*code)(void), u64 page, u64 value)
{
	td_vm_create(t, code);
	tdp_vm_add_slot(t, VM_MEM_SRC_ANONYMOUS, TDP_GPA, NPAGES);
	tdp_vm_touch(t);
	*(u64 *)(t->hva + (page + 1) * PAGE_SIZE - sizeof(value)) = value;

	report_gva = vm_alloc_page(t->vm);
	report_gpa = addr_gva2gpa(t->vm, report_gva);
	sync_global_to_guest(t->vm, report_gva);
	sync_global_to_guest(t->vm, report_gpa);
}

/* One page of NPAGES is measured; the program and its data are not. */
static struct mrtd populate(struct tdp_vm *t)
{
	int hash = hash_open();
	u64 i;

	for (i = 0; i < NPAGES; i++) {
		u64 gpa = t->gpa + i * PAGE_SIZE;
		void *source = t->hva + i * PAGE_SIZE;

		tdx_init_mem_region(t->vcpu, source, gpa, 1,
				    i == MEASURED ? KVM_TDX_MEASURE_MEMORY_REGION : 0);
		hash_page(hash, gpa, i == MEASURED ? source : NULL);
	}
	td_visit_ranges(t->vm, hash_range, &hash);
	td_finalize(t->vm);
	return hash_end(hash);
}

/* What the TD is told. */
static struct mrtd reported(struct __test_metadata *_metadata, struct tdp_vm *t)
{
	struct mrtd mrtd = {};
	struct ucall uc;

	vcpu_run(t->vcpu);
	EXPECT_EQ(get_ucall(t->vcpu, &uc), UCALL_SYNC)
		TH_LOG("exit %d (%s): %s", t->vcpu->run->exit_reason,
		       exit_reason_str(t->vcpu->run->exit_reason), uc.buffer);
	memcpy(mrtd.bytes, uc.args, sizeof(mrtd));
	return mrtd;
}

static bool same(struct mrtd a, struct mrtd b)
{
	return !memcmp(a.bytes, b.bytes, sizeof(a.bytes));
}

static struct mrtd mrtd_of(struct __test_metadata *_metadata, u64 page, u64 value)
{
	struct mrtd computed, told;
	struct tdp_vm t;

	create(&t, guest_tell_mrtd, page, value);
	computed = populate(&t);
	told = reported(_metadata, &t);
	EXPECT_TRUE(same(computed, told));
	tdp_vm_free(&t);
	return told;
}

/* Rules: tdx.init-params */
TEST_F(measurement, owner)
{
	struct tdp_vm *t = &self->t;
	struct ucall uc;

	create(t, guest_tell_owner, MEASURED, 1);
	populate(t);
	vcpu_run(t->vcpu);
	ASSERT_EQ(get_ucall(t->vcpu, &uc), UCALL_SYNC)
		TH_LOG("%s", uc.buffer);
	EXPECT_EQ(uc.args[0], TD_MRCONFIGID);
	EXPECT_EQ(uc.args[1], TD_MRCONFIGID + TD_NR_MR_WORDS - 1);
	EXPECT_EQ(uc.args[2], TD_MROWNER);
	EXPECT_EQ(uc.args[3], TD_MROWNER + TD_NR_MR_WORDS - 1);
	EXPECT_EQ(uc.args[4], TD_MROWNERCONFIG);
	EXPECT_EQ(uc.args[5], TD_MROWNERCONFIG + TD_NR_MR_WORDS - 1);
	tdp_vm_free(t);
}

/* Rules: tdx.measured */
TEST_F(measurement, mrtd)
{
	struct mrtd one = mrtd_of(_metadata, MEASURED, 1);

	EXPECT_TRUE(same(one, mrtd_of(_metadata, MEASURED, 1)));
	/* The last word of the measured page counts, that of another does not. */
	EXPECT_FALSE(same(one, mrtd_of(_metadata, MEASURED, 2)));
	EXPECT_TRUE(same(mrtd_of(_metadata, MEASURED + 1, 1),
			 mrtd_of(_metadata, MEASURED + 1, 2)));
}

/* SHA-384 of "abc", as FIPS 180-4 has it, so that the hash is one. */
/* Rules: control.assertions */
TEST_F(measurement, hash_is_sha384)
{
	const struct mrtd abc = { {
		0xcb, 0x00, 0x75, 0x3f, 0x45, 0xa3, 0x5e, 0x8b,
		0xb5, 0xa0, 0x3d, 0x69, 0x9a, 0xc6, 0x50, 0x07,
		0x27, 0x2c, 0x32, 0xab, 0x0e, 0xde, 0xd1, 0x63,
		0x1a, 0x8b, 0x60, 0x5a, 0x43, 0xff, 0x5b, 0xed,
		0x80, 0x86, 0x07, 0x2b, 0xa1, 0xe7, 0xcc, 0x23,
		0x58, 0xba, 0xec, 0xa1, 0x34, 0xc8, 0x25, 0xa7,
	} };
	int hash = hash_open();

	hash_feed(hash, "ab", 2);
	hash_feed(hash, "c", 1);
	EXPECT_TRUE(same(abc, hash_end(hash)));

	hash = hash_open();
	hash_feed(hash, "abd", 3);
	EXPECT_FALSE(same(abc, hash_end(hash)));
}

TD_HARNESS_MAIN
