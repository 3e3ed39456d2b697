#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Which kernel is judged, and what is said of one that lacks something.  KTAP.

set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
collection=$top/tools/testing/selftests/kvm
. "$top/runner/tests/ktap.sh"

same() { # expected actual
	[ "$1" = "$2" ] || { echo "wanted: $1"; echo "got: $2"; return 1; }
}

refuses() { # words command...
	words=$1
	shift
	! "$@" >"$work/refused.log" 2>&1 || return 1
	cat "$work/refused.log"
	grep -q "$words" "$work/refused.log"
}

where_source() { # variable=value...
	env "$@" CACHE=/c OUT="$work/out" sh -c 'top=$1; . "$1/runner/lib.sh"; echo "$KERNEL_PACKAGE $SOURCE"' sh "$top"
}

# A tree whose library has what the arguments say, one text each.
make_library() { # folder text...
	mkdir -p "$1/tools/testing/selftests/kvm/include/x86" "$1/arch/x86/include/uapi/asm"
	printf '%s\n' "$@" >"$1/tools/testing/selftests/kvm/include/x86/all.h"
	echo '	KVM_TDX_INIT_MEM_REGION,' >"$1/arch/x86/include/uapi/asm/kvm.h"
}

texts() {
	sed -n 's,^#ifdef TDP_LACKS_.* /\* \(.*\) \*/$,\1,p' "$collection/include/tdp_compat.h"
	sed -n 's/^ \* Needs: //p' "$collection"/x86_64/*.c
}

lacks() { # names|tests folder
	"$collection/lacks.sh" "$1" "$2"
}

echo "KTAP version 1"
check "without KERNEL= it is the default" same "linux-source-7.3 /c/source" "$(where_source KERNEL=)"
check "naming the default changes nothing" same "linux-source-7.3 /c/source" "$(where_source KERNEL=7.3)"
check "another has a folder of its own" same "linux-source-6.12 /c/source-6.12" "$(where_source KERNEL=6.12)"
check "what is no version is refused" refuses 'is no version' where_source KERNEL=../6.12
check "so is a version beside a tree" refuses 'give one of them' where_source KERNEL=6.12 KDIR=/linux

texts >"$work/texts"
set --
while read -r text; do
	set -- "$@" "$text"
done <"$work/texts"
make_library "$work/whole" "$@"
check "there is something to lack" test "$#" -gt 3
check "a library with everything lacks no name" same "" "$(lacks names "$work/whole")"
check "nor does any test need more" same "" "$(lacks tests "$work/whole")"
make_library "$work/none"
check "one with nothing lacks every name" same \
	"$(grep -c '^#ifdef TDP_LACKS_' "$collection/include/tdp_compat.h")" "$(lacks names "$work/none" | wc -l)"
check "and what a test needs" same "tdp_nested_test: its KVM selftest library has no $(sed -n 's/^ \* Needs: //p' \
	"$collection/x86_64/tdp_nested_test.c")" "$(lacks tests "$work/none")"
rm "$work/whole/arch/x86/include/uapi/asm/kvm.h"
check "a KVM without TDs is told" same "tdx: its KVM runs no TDs" "$(lacks tests "$work/whole")"

# Each text is one that the newest kernel's library has.
real=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tdx-conformance}/source
if [ -d "$real" ]; then
	check "the default kernel lacks no name" same "" "$(lacks names "$real")"
	check "nor anything that a test needs" same "" "$(lacks tests "$real")"
fi

finish
