# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Host native: this machine itself, with the kernel that runs here.  Nothing is
# emulated and nothing is built but tests and probe: runner/native/run does it.

MACHINE_FAMILY=native
MACHINE_TESTS=
MACHINE_WITHOUT=
