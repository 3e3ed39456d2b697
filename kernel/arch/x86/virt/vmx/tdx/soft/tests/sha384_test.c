// SPDX-License-Identifier: GPL-2.0
/*
 * The digests below were computed by another implementation.
 */
#include "ktap.h"
#include "machine.h"

static const u8 digest_empty[SHA384_DIGEST] = {
	0x38, 0xb0, 0x60, 0xa7, 0x51, 0xac, 0x96, 0x38,
	0x4c, 0xd9, 0x32, 0x7e, 0xb1, 0xb1, 0xe3, 0x6a,
	0x21, 0xfd, 0xb7, 0x11, 0x14, 0xbe, 0x07, 0x43,
	0x4c, 0x0c, 0xc7, 0xbf, 0x63, 0xf6, 0xe1, 0xda,
	0x27, 0x4e, 0xde, 0xbf, 0xe7, 0x6f, 0x65, 0xfb,
	0xd5, 0x1a, 0xd2, 0xf1, 0x48, 0x98, 0xb9, 0x5b,
};

static const u8 digest_abc[SHA384_DIGEST] = {
	0xcb, 0x00, 0x75, 0x3f, 0x45, 0xa3, 0x5e, 0x8b,
	0xb5, 0xa0, 0x3d, 0x69, 0x9a, 0xc6, 0x50, 0x07,
	0x27, 0x2c, 0x32, 0xab, 0x0e, 0xde, 0xd1, 0x63,
	0x1a, 0x8b, 0x60, 0x5a, 0x43, 0xff, 0x5b, 0xed,
	0x80, 0x86, 0x07, 0x2b, 0xa1, 0xe7, 0xcc, 0x23,
	0x58, 0xba, 0xec, 0xa1, 0x34, 0xc8, 0x25, 0xa7,
};

static const u8 digest_block[SHA384_DIGEST] = {
	0x69, 0x67, 0x2a, 0xca, 0x50, 0xc4, 0x27, 0x9e,
	0x4c, 0xdf, 0x78, 0x83, 0x80, 0x29, 0x4d, 0x76,
	0x55, 0xbc, 0x68, 0xc7, 0x94, 0x9e, 0x27, 0x33,
	0x18, 0xd6, 0x08, 0x17, 0xf3, 0x26, 0x2c, 0xff,
	0x54, 0xe8, 0xc7, 0x8c, 0xea, 0xae, 0x08, 0x53,
	0xe0, 0xa7, 0xad, 0xf3, 0x6f, 0x39, 0x2d, 0x38,
};

static const u8 mrtd_wanted[SHA384_DIGEST] = {
	0x42, 0x27, 0x0c, 0x84, 0xef, 0xeb, 0x9a, 0x48,
	0x58, 0x0d, 0x59, 0x62, 0xfe, 0xc1, 0x0d, 0x84,
	0x15, 0xf8, 0x9c, 0x3b, 0x80, 0x0b, 0x92, 0x8b,
	0xe3, 0x8f, 0x24, 0x8d, 0x9b, 0x7a, 0xe7, 0xb8,
	0xbc, 0x6c, 0xee, 0xed, 0xb0, 0x06, 0xb3, 0xf9,
	0xd6, 0x96, 0x7a, 0x7f, 0x52, 0xfb, 0x77, 0xa6,
};

static void check_digest(const u8 *want, const u8 *data, size_t length,
			 size_t step)
{
	u8 digest[SHA384_DIGEST];
	struct sha384 sha;
	size_t at;

	ktap_case("%zu bytes by %zu", length, step);
	sha384_begin(&sha);
	for (at = 0; at < length; at += step)
		sha384_add(&sha, data + at, min(step, length - at));
	sha384_end(&sha, digest);
	CHECK(!memcmp(want, digest, sizeof(digest)));
}

TEST(sha384_vectors)
{
	u8 data[300];
	size_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i;
	check_digest(digest_empty, data, 0, 1);
	check_digest(digest_abc, (const u8 *)"abc", 3, 3);
	for (i = 1; i <= sizeof(data); i++)
		check_digest(digest_block, data, sizeof(data), i);
}

/* A different message gives a different digest. */
TEST(sha384_control)
{
	u8 digest[SHA384_DIGEST];
	struct sha384 sha;

	sha384_begin(&sha);
	sha384_add(&sha, "abd", 3);
	sha384_end(&sha, digest);
	CHECK(memcmp(digest_abc, digest, sizeof(digest)));
}

static void add_page(struct td *td, u64 gpa)
{
	u64 source = shared_page();
	u8 *bytes = soft_memory(source);
	int i;

	for (i = 0; i < 4096; i++)
		bytes[i] = i * 7 + 3;
	CHECK_EQUAL(0, seamcall(SOFT_MEM_PAGE_ADD, gpa, td->tdr,
				private_page(), source));
}

static void build(struct td *td, bool measure_all)
{
	u64 gpa;

	machine_start(SYS_READY);
	td_init(td);
	td_add_vcpu(td);
	td_map_tables(td, 0, LEVEL_4K);
	add_page(td, 0);
	for (gpa = 0; gpa < 4096 - (measure_all ? 0 : 256); gpa += 256)
		CHECK_EQUAL(0, seamcall(SOFT_MR_EXTEND, gpa, td->tdr, 0, 0));
	add_page(td, 4096);
	CHECK_EQUAL(0, seamcall(SOFT_MR_FINALIZE, td->tdr, 0, 0, 0));
}

TEST(mrtd_of_known_image)
{
	struct td td;

	build(&td, true);
	CHECK(!memcmp(mrtd_wanted, tdcs_of(&td)->mrtd, SHA384_DIGEST));
}

TEST(mrtd_depends_on_what_is_measured)
{
	struct td td;

	build(&td, false);
	CHECK(memcmp(mrtd_wanted, tdcs_of(&td)->mrtd, SHA384_DIGEST));
}

TEST(mr_extend_operands)
{
	struct td td;

	machine_start(SYS_READY);
	td_init(&td);
	td_map_tables(&td, 0, LEVEL_4K);
	add_page(&td, 0);

	CHECK_EQUAL(STAT_OPERAND_INVALID | RCX,
		    seamcall(SOFT_MR_EXTEND, 128, td.tdr, 0, 0));
	CHECK_EQUAL(STAT_OPERAND_INVALID | RCX,
		    seamcall(SOFT_MR_EXTEND, 1ULL << 47, td.tdr, 0, 0));
	CHECK_EQUAL(STAT_EPT_ENTRY_NOT_PRESENT | RCX,
		    seamcall(SOFT_MR_EXTEND, 0x1000, td.tdr, 0, 0));
	CHECK_EQUAL(1ULL << 63, machine.regs.gpr[RCX]);
	CHECK_EQUAL(0, machine.regs.gpr[RDX]);
	CHECK_EQUAL(0, seamcall(SOFT_MR_EXTEND, 0x100, td.tdr, 0, 0));
}
