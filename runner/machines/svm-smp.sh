# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Host svm-smp: svm with two CPUs, for the tests in which threads race, or vCPUs, and
# for two more, so that both machines end at about the same time.

. "$top/runner/machines/svm.sh"

MACHINE_TESTS="tdp_concurrent_test tdp_vcpu_test probe_teardown_test
	tdp_memslot_test tdp_split_test tdp_walk_random_concurrent_test"
MACHINE_CPUS=2
