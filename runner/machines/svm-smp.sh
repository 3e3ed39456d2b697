# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Host svm-smp: svm with two CPUs, for the tests in which threads race, or vCPUs, and
# for some more, so that both machines end at about the same time.

. "$top/runner/machines/svm.sh"

# These have no threads, or threads that wait for each other.  A second CPU of their
# own, beside another emulator on the developer's two, would cost them half as
# much time again.
MACHINE_ONE_CPU="tdp_huge_1g_test tdp_memslot_test tdp_split_test tdp_vcpu_test"
MACHINE_TESTS="tdp_concurrent_test probe_teardown_test
	tdp_walk_random_concurrent_test $MACHINE_ONE_CPU"
MACHINE_CPUS=2
