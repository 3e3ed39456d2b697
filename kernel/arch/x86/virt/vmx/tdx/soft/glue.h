/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files share that are for the kernel only.
 */
#ifndef _SOFT_GLUE_H
#define _SOFT_GLUE_H

#include "soft.h"

/* vmcs.c: what the processor can do. */
bool soft_vmx_is_usable(void);
bool soft_vmx_has_ept5(void);

/* sha512.S: for processors with SHA512 and AVX512F. */
void soft_sha512_block(u64 state[8], const u8 block[128],
		       const u64 constants[80]);

#endif /* _SOFT_GLUE_H */
