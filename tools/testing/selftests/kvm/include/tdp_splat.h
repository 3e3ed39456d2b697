/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Complaints of the kernel that are wanted.  A splat in the kernel's log fails the
 * run; a case that makes KVM complain by design says so beforehand.  The marks are
 * read by whoever judges the log (runner/klog.py): between them it wants exactly
 * one splat with the text.  One that does not come fails the run as well, and so
 * does any other.
 */
#ifndef SELFTEST_TDP_SPLAT_H
#define SELFTEST_TDP_SPLAT_H

#include "tdp_util.h"

/**
 * tdp_splat_lacks() - why a case with a wanted splat cannot run on this host
 *
 * Return: one sentence without a full stop, or NULL if it can.
 */
const char *tdp_splat_lacks(void);

/**
 * tdp_splat_begin() - one splat is wanted from here on, or end the case as failed
 * @text: a part of its first line, without line break
 *
 * Warnings that come once only can come again after this.
 */
void tdp_splat_begin(const char *text);

/**
 * tdp_splat_end() - no more splats are wanted, or end the case as failed
 *
 * Warnings that come once only can come again after this: what comes by design
 * must not hide what does not.
 */
void tdp_splat_end(void);

#endif /* SELFTEST_TDP_SPLAT_H */
