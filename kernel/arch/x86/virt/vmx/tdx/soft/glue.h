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

#endif /* _SOFT_GLUE_H */
