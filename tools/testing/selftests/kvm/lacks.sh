#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Usage: lacks.sh names|tests KDIR
#
# What a kernel tree does not have for this collection.  names: each TDP_LACKS_ of
# include/tdp_compat.h that its headers call for, one a line.
# tests: each test that cannot be built, and why, one a line; "tdx" stands for
# all that is about TDs.  A test says by "Needs: TEXT" in a comment that it takes
# a part of the library that not every kernel has, by a text of its header.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
library=$2/tools/testing/selftests/kvm/include
harness=$2/tools/testing/selftests/kselftest_harness.h
uapi=$2/include/uapi/linux/kvm.h

in_headers() { # text
	grep -rqsF -e "$1" "$library" "$harness" "$uapi"
}

case $1 in
names)
	sed -n 's,^#ifdef \(TDP_LACKS_[A-Z_]*\) /\* \(.*\) \*/$,\1 \2,p' "$here/include/tdp_compat.h" |
		while read -r name text; do
			in_headers "$text" || echo "$name"
		done
	;;
tests)
	sed -n 's,^.*/\([a-z0-9_]*\)\.c:.* Needs: \(.*\)$,\1 \2,p' <<-NEEDS |
	$(cd "$here" && grep -H ' Needs: ' ./*/*.c || :)
	NEEDS
		while read -r test text; do
			in_headers "$text" || echo "$test: its KVM selftest library has no $text"
		done
	grep -qsw KVM_TDX_INIT_MEM_REGION "$2/arch/x86/include/uapi/asm/kvm.h" ||
		echo "tdx: its KVM runs no TDs"
	;;
esac
