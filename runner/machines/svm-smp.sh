# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Host svm-smp: svm with two CPUs, for the tests in which threads race, or vCPUs.
# What does not need the second CPU takes up to twice as long with it.

. "$top/runner/machines/svm.sh"

MACHINE_TESTS="tdp_concurrent_test tdp_vcpu_test probe_teardown_test
	tdp_memslot_test tdp_walk_random_concurrent_test"
MACHINE_CPUS=2
