/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Metadata fields: what RD and WR calls name by a number.
 *
 * Of a field's 64-bit name only class and number identify it here; the host
 * is free to leave the size and the context out, as KVM does.
 */
#ifndef _SOFT_FIELD_H
#define _SOFT_FIELD_H

#include "soft.h"

#define FIELD_NON_ARCH		BIT_ULL(63)
#define FIELD_CLASS		(0x3fULL << 56)
#define FIELD_NUMBER		0xffffffULL
#define FIELD_KEY		(FIELD_NON_ARCH | FIELD_CLASS | FIELD_NUMBER)

/* Bits that only lists of fields use, and reserved ones. */
#define FIELD_NOT_SINGLE	(0xffULL << 24 | 0xfULL << 34 | \
				 0x1ffULL << 38 | 1ULL << 62)

enum field_place {
	IN_TDR,
	IN_TDCS,
	IN_TDVPS,
	IN_CPUID,
};

/**
 * struct soft_field - one row
 * @id: its name
 * @count: how many of them follow one another
 * @place: the structure that it is in
 * @offset: where in there
 * @size: in bytes
 * @write: bits that the host may write
 * @guest_read: bits that the TD may read
 * @guest_write: bits that the TD may write
 */
struct soft_field {
	u64 id;
	u32 count;
	u8 place;
	u8 size;
	u16 offset;
	u64 write;
	u64 guest_read;
	u64 guest_write;
};

enum field_user {
	BY_HOST,
	BY_GUEST,
};

u64 field_read(struct soft_call *call, const struct soft_field *fields,
	       u32 nr_fields, u64 id, enum field_user user, u64 *value);
u64 field_write(struct soft_call *call, const struct soft_field *fields,
		u32 nr_fields, u64 id, enum field_user user, u64 value,
		u64 mask, u64 *old);

extern const struct soft_field td_fields[];
extern const u32 nr_td_fields;

#endif /* _SOFT_FIELD_H */
