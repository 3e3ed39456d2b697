/* SPDX-License-Identifier: GPL-2.0 */
/* The one header that a test of TDs includes; after tdp_control.h, if at all. */
#ifndef SELFTEST_TDX_TD_TEST_H
#define SELFTEST_TDX_TD_TEST_H

#include <ucall_common.h>

#include "tdp_test.h"

#include "tdx/td_check.h"
#include "tdx/td_soft.h"
#include "tdx/td_vm.h"

/* vcpu, gpa, number of 4K pages, PFNs of the 4K pages */
#define ASSERT_TD_PRIVATE(...)	__TDP_JUDGE(1, td_check_private, __VA_ARGS__)
#define EXPECT_TD_PRIVATE(...)	__TDP_JUDGE(0, td_check_private, __VA_ARGS__)

/* vcpu, gpa, number of 4K pages, level, PFNs of the 4K pages */
#define ASSERT_TD_SHARED(...)	__TDP_JUDGE(1, td_check_shared, __VA_ARGS__)
#define EXPECT_TD_SHARED(...)	__TDP_JUDGE(0, td_check_shared, __VA_ARGS__)

/* address of what td_take_census() left */
#define EXPECT_TD_CENSUS(...)	__TDP_JUDGE(0, td_check_census, __VA_ARGS__)

/* number of TDs */
#define EXPECT_TDS(...)		__TDP_JUDGE(0, td_check_tds, __VA_ARGS__)

/* main() of a program none of whose cases can run without TDs. */
#define TD_HARNESS_MAIN		__TDP_HARNESS_MAIN(td_host_lacks())

#endif /* SELFTEST_TDX_TD_TEST_H */
