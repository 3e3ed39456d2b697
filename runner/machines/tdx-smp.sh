# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Host tdx-smp: tdx with two CPUs.  KVM gives a TD no more vCPUs than there are
# CPUs, and one thread of Bochs emulates both: only what needs two is here.

. "$top/runner/machines/tdx.sh"

MACHINE_TESTS="tdx_vcpus_test tdx_concurrent_test tdx_interrupt_test"
MACHINE_CPUS=2
