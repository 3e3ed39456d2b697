# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Host svm: QEMU's TCG emulates an AMD CPU with SVM and nested paging.  One CPU: a
# test that has no use for a second one leaves that of the machine it runs on to
# another emulator.

MACHINE_FAMILY=svm
MACHINE_TESTS=
# TDX is Intel's.
MACHINE_WITHOUT="tdx_*"
MACHINE_CPUS=1
MACHINE_MIB=4096
# Most memory above 4G: below it the initramfs and the firmware's tables leave
# no 1G in one piece.
MACHINE_LAYOUT="pc,max-ram-below-4g=1G"
# A 1G page for the tests that need one, and 2M pages for the others: taken at
# boot, while memory is in one piece.
MACHINE_CMDLINE="hugepagesz=1G hugepages=1 hugepagesz=2M hugepages=64"

machine_emulator="QEMU TCG"
# Without the two the kernel clears memory in words: a string store of bytes is
# one step a byte for TCG, and clearing a 1G page takes a minute, not a second.
machine_cpu="max,+svm,+npt,-erms,-fsrm"

machine_version() {
	qemu-system-x86_64 --version | sed -n '1s/.*version //p'
}

# Starts the machine; the first serial port is the kernel's, the second the
# tests'.  Ends by itself when the guest powers off or panics.
#
# QEMU looks up what it has translated in tables that are read here and there: a
# twentieth faster from huge pages.  The guest's memory, most of which is never
# touched, is a twelfth faster without them: a memfd has none by default.
machine_start() { # kernel initramfs cmdline serial ktap
	exec_bound env GLIBC_TUNABLES=glibc.malloc.hugetlb=1 qemu-system-x86_64 -accel tcg,thread=multi -cpu "$machine_cpu" \
		-machine "$MACHINE_LAYOUT,memory-backend=ram" -smp "$MACHINE_CPUS" -m "$MACHINE_MIB" \
		-object "memory-backend-memfd,id=ram,size=${MACHINE_MIB}M" \
		-nodefaults -no-user-config -display none -no-reboot \
		-kernel "$1" -initrd "$2" -append "$3" \
		-serial "file:$4" -serial "file:$5"
}
