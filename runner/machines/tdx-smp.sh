# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Host tdx-smp: tdx with two CPUs.  KVM gives a TD no more vCPUs than there are
# CPUs.  One thread of Bochs emulates both, which makes a test a quarter slower: all
# tests of TDs are here so that both machines end at about the same time.

. "$top/runner/machines/tdx.sh"

MACHINE_TESTS="tdx_*"
MACHINE_CPUS=2
