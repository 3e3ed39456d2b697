/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Settings of the running kernel that a case changes.  They are the whole
 * machine's: whatever becomes of a case, they are put back.
 */
#ifndef SELFTEST_TDP_SETTING_H
#define SELFTEST_TDP_SETTING_H

#include "tdp_util.h"

enum tdp_setting {
	/* Parameters of kvm.ko, Documentation/admin-guide/kernel-parameters.txt */
	TDP_EAGER_PAGE_SPLIT,
	TDP_NX_HUGE_PAGES,
	TDP_NX_RECOVERY_RATIO,
	TDP_NX_RECOVERY_PERIOD_MS,
	/* Documentation/admin-guide/mm/ksm.rst */
	TDP_KSM_RUN,
	TDP_NR_SETTINGS,
};

/**
 * tdp_settings_keep() - remember all settings, and put them back at the end
 *
 * Call it once in a constructor of the test, so that it is the program's first
 * process that puts them back: when it exits, or is interrupted or terminated.
 * No case can take that away by failing, crashing or running out of time.
 */
void tdp_settings_keep(void);

/**
 * tdp_settings_restore() - put back all settings that differ from the kept ones
 *
 * For the end of a case.  Takes nothing that a signal handler must not.
 */
void tdp_settings_restore(void);

/**
 * tdp_setting_lacks() - why a setting cannot be changed
 * @setting: which
 *
 * Return: one sentence without a full stop, or NULL if it can be.
 */
const char *tdp_setting_lacks(enum tdp_setting setting);

/**
 * tdp_setting_set() - change a setting, or end the case as failed
 * @setting: which
 * @value: what to write
 */
void tdp_setting_set(enum tdp_setting setting, const char *value);

#endif /* SELFTEST_TDP_SETTING_H */
