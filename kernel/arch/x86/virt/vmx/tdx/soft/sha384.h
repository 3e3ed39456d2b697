/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SHA-384 of whole blocks or of anything else, in places where neither the
 * kernel's crypto library nor a C library is at hand.
 */
#ifndef _SOFT_SHA384_H
#define _SOFT_SHA384_H

#include "env.h"

#define SHA384_BLOCK		128
#define SHA384_DIGEST		48

struct sha384 {
	u64 state[8];
	u64 length;
	u8 buffer[SHA384_BLOCK];
};

void sha384_begin(struct sha384 *sha);
void sha384_add(struct sha384 *sha, const void *data, size_t length);
void sha384_end(struct sha384 *sha, u8 digest[SHA384_DIGEST]);

#endif /* _SOFT_SHA384_H */
