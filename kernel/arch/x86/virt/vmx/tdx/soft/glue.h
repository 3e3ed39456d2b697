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

/* sha512.S: for processors with SHA512 and without AVX512F. */
void soft_sha512_block(u64 state[8], const u8 block[128],
		       const u64 constants[80]);

/* exits.c: how often TDs stopped, by VMX exit reason. */
#define SOFT_MAX_EXIT_REASON	80

extern u64 soft_exit_counts[SOFT_MAX_EXIT_REASON];

/**
 * soft_send_nmi() - send a CPU an NMI that harms nobody
 * @cpu: its number
 *
 * Return: 0; -ENXIO if there is no such CPU, or it is offline.
 */
int soft_send_nmi(u32 cpu);

/* How many of these NMIs have arrived since the kernel was booted. */
long soft_nmis_arrived(void);

#endif /* _SOFT_GLUE_H */
