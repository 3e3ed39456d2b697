// SPDX-License-Identifier: GPL-2.0
/*
 * What a TD was built from.
 *
 * MRTD is the SHA-384 of a record of 128 bytes for each PAGE.ADD, and of one
 * for each MR.EXTEND with the 256 bytes that it measures after it.  A record
 * is the name of the call, zero-padded to 16 bytes, the GPA, and zeroes.
 */
#include "soft.h"

struct record {
	char name[16];
	u64 gpa;
	u8 zeroes[104];
};

static_assert(sizeof(struct record) == SHA384_BLOCK);

static void add_record(struct tdcs *tdcs, const char *name, size_t length,
		       u64 gpa)
{
	struct record record = {};

	memcpy(record.name, name, length);
	record.gpa = gpa;
	sha384_add(&tdcs->mrtd_context, &record, sizeof(record));
}

void measure_begin(struct tdcs *tdcs)
{
	sha384_begin(&tdcs->mrtd_context);
	memset(tdcs->rtmr, 0, sizeof(tdcs->rtmr));
}

void measure_page_add(struct tdcs *tdcs, u64 gpa)
{
	static const char name[] = "MEM.PAGE.ADD";

	add_record(tdcs, name, sizeof(name) - 1, gpa);
}

void measure_chunk(struct tdcs *tdcs, u64 gpa, const void *chunk)
{
	static const char name[] = "MR.EXTEND";

	add_record(tdcs, name, sizeof(name) - 1, gpa);
	sha384_add(&tdcs->mrtd_context, chunk, MEASURED_CHUNK);
}

void measure_end(struct tdcs *tdcs)
{
	sha384_end(&tdcs->mrtd_context, (u8 *)tdcs->mrtd);
}

/* A run-time register becomes the digest of its old value and @digest. */
void measure_rtmr(struct tdcs *tdcs, int index, const void *digest)
{
	struct sha384 sha;

	sha384_begin(&sha);
	sha384_add(&sha, tdcs->rtmr[index], SHA384_DIGEST);
	sha384_add(&sha, digest, SHA384_DIGEST);
	sha384_end(&sha, (u8 *)tdcs->rtmr[index]);
}
