#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What `make series` promises, as far as it takes less than a minute: the
# patches are clean, apply, and build by themselves with the tests of the tree
# that they are for.  runner/series-lane.sh has the rest.  KTAP.

set -eu
LC_ALL=C
export LC_ALL
top=$(cd "$(dirname "$0")/../.." && pwd)
OUT=$(mktemp -d)
export OUT
trap 'rm -rf "$OUT"' EXIT
. "$top/runner/lib.sh"
. "$top/runner/series-lib.sh"
work=$OUT
. "$top/runner/tests/ktap.sh"

refuses() { # words command...
	words=$1
	shift
	! "$@" >"$OUT/refused.log" 2>&1 || return 1
	cat "$OUT/refused.log"
	grep -q "$words" "$OUT/refused.log"
}

# A git repository of what the series changes, among links to all else.
light_tree() { # source tree
	{
		echo tools/testing/selftests/kvm/.gitignore
		sed -n 's,^+++ b/,,p' "$OUT"/series/*.patch
	} | sort -u >"$OUT/touched"
	awk -F/ '{
		path = "."
		print path
		for (i = 1; i < NF; i++)
			print path = path "/" $i
	}' "$OUT/touched" | sort -u | while read -r folder; do
		[ ! -L "$2/$folder" ] || rm "$2/$folder"
		mkdir -p "$2/$folder"
		[ ! -d "$1/$folder" ] || find "$1/$folder" -mindepth 1 -maxdepth 1 -exec ln -st "$2/$folder" {} +
	done
	# git reads none of its own files through a link, and says so each time.
	find "$2" -type l -name '.git*' -delete
	git -C "$2" init -q
	while read -r path; do
		[ -e "$1/$path" ] || continue
		cp --remove-destination "$1/$path" "$2/$path"
		git -C "$2" add -f "$path"
	done <"$OUT/touched"
	git -C "$2" ls-files --others --exclude-standard | sed 's,^,/,' >>"$2/.git/info/exclude"
	git -C "$2" -c user.name=t -c user.email=t@t commit -qm base
}

apply() {
	git -C "$tree" -c user.name=t -c user.email=t@t am -q "$OUT"/series/*.patch
}

# The kernel's own flow, without the other tests of KVM, which take minutes, and
# without optimization, as nothing of it is run but to say why it cannot.
ours_only() { # goal argument...
	make -s -j"$JOBS" -C "$tree/tools/testing/selftests" O="$obj" TARGETS=kvm \
		'TEST_GEN_PROGS_x86=$(TEST_TDP_x86)' 'TEST_GEN_PROGS_EXTENDED_x86=$(BENCH_TDP_x86)' \
		TEST_PROGS_x86= EXTRA_CFLAGS=-O0 "$@" </dev/null
}

install() {
	make -s -C "$tree" O="$obj" headers </dev/null
	ours_only INSTALL_PATH="$OUT/install" FORCE_TARGETS=1 install
}

# Each source of a test has become an installed one, which a list names.
installed_all() {
	for test in $(cd "$COLLECTION" && printf '%s\n' x86_64/*_test.c); do
		test=$(basename "$test" .c)
		[ -x "$OUT/install/kvm/$test" ] || { echo "$test is not installed"; return 1; }
		grep -qx "kvm:$test" "$OUT/install/kselftest-list.txt" || { echo "$test is not listed"; return 1; }
	done
}

# No /dev/kvm, or no probe: either way a skip, with its reason.
runs_like_any_other() {
	# Through a pipe: the runner writes by two descriptors, which in a file
	# overwrite each other.
	(cd "$OUT/install" && ./run_kselftest.sh -t kvm:tdp_huge_test) | cat >"$OUT/ktap"
	cat "$OUT/ktap"
	grep -qE '^(not )?ok 1 selftests: kvm: tdp_huge_test' "$OUT/ktap" &&
		{ ! grep -q '# SKIP$' "$OUT/ktap" || grep -q '^# 1..0 # SKIP .' "$OUT/ktap"; }
}

# What make says of another architecture: nothing of ours, and no complaint.
leaves_others_alone() {
	make -s -n -C "$tree/tools/testing/selftests/kvm" ARCH=arm64 OUTPUT="$OUT/arm64" </dev/null \
		>"$OUT/arm64.log" 2>"$OUT/arm64.errors" || :
	cat "$OUT/arm64.errors"
	[ ! -s "$OUT/arm64.errors" ] && grep -q 'lib/kvm_util.c' "$OUT/arm64.log" && ! grep -q tdp_ "$OUT/arm64.log"
}

# Ignored files are looked at as well: git is to ignore objects.
all_status() {
	git -C "$tree" status --porcelain --untracked-files=all --ignored
}

stays_clean() {
	all_status | diff "$OUT/status" -
}

never_written() {
	[ -z "$(find "$SOURCE" -newer "$OUT/began" -print -quit)" ]
}

makes_no_file_ignored() {
	git -C "$tree" diff --name-only --diff-filter=A "$(git -C "$tree" rev-list --max-parents=0 HEAD)" HEAD |
		git -C "$tree" check-ignore --no-index --stdin >"$OUT/ignored"
	cat "$OUT/ignored"
	[ ! -s "$OUT/ignored" ]
}

# What a commit's own files include of ours is there by then: else it does not
# build by itself, which nobody sees who builds the last one alone.
includes_what_is_there() {
	git -C "$tree" ls-tree -r --name-only HEAD "$selftests" | sed 's,.*/,,' | sort -u >"$OUT/ours"
	git -C "$tree" rev-list --reverse "$(git -C "$tree" rev-list --max-parents=0 HEAD)..HEAD" | while read -r commit; do
		git -C "$tree" ls-tree -r --name-only "$commit" "$selftests" | sed 's,.*/,,' | sort -u >"$OUT/there"
		git -C "$tree" grep -h '^#include "' "$commit" -- "$selftests" | sed 's,.*[/"]\([^/"]*\)"$,\1,' | sort -u |
			comm -12 - "$OUT/ours" | comm -23 - "$OUT/there" | sed "s,^,$(git -C "$tree" log -1 --format=%s "$commit"): ,"
	done >"$OUT/missing"
	cat "$OUT/missing"
	[ ! -s "$OUT/missing" ]
}

no_other_kernel() {
	! grep -nE '^\+.*(TDP_LACKS_|#ifdef (KVM_X86_TDX_VM|GUEST_MEMFD_MAGIC)| Needs: )' "$OUT"/series/*.patch
}

KDIR='' KERNEL='' "$top/runner/source.sh" >/dev/null
tree=$OUT/tree obj=$OUT/obj selftests=tools/testing/selftests/kvm
touch "$OUT/began"
sleep 0.1

echo "KTAP version 1"
check "a series is written" "$top/runner/series.sh"
check "it has a cover letter" grep -q '^Subject: \[PATCH 00/[0-9]*\] KVM: ' "$OUT/series/0000-cover-letter.txt"
check "its patches are clean" series_clean "$SOURCE" "$OUT/series"
check "nothing in it is about another kernel" no_other_kernel
check "each file that it adds is maintained" series_maintained "$OUT/series"
mkdir "$tree"
check "a tree for it is made" light_tree "$SOURCE" "$tree"
check "git am takes it" apply
check "none of its files is ignored by git" makes_no_file_ignored
check "each patch includes only what is there by then" includes_what_is_there
all_status >"$OUT/status"
check "the selftests build with O=, and are installed" install
check "all of them" installed_all
check "run_kselftest.sh runs one" runs_like_any_other
check "another architecture does not notice" leaves_others_alone
check "nothing is left in the tree" stays_clean
check "a tree that has the series is refused" refuses 'has the series already' env KDIR="$tree" "$top/runner/series.sh"
check "nor is anything written to the kernel tree" never_written

# The checks themselves.
touch "$tree/tools/testing/selftests/kvm/lib/left.o"
check "an object that is left in the tree is noticed" refuses 'left\.o' stays_clean
echo new >"$tree/tools/testing/selftests/kvm/lib/new.xyz"
git -C "$tree" add -f tools/testing/selftests/kvm/lib/new.xyz
git -C "$tree" -c user.name=t -c user.email=t@t commit -qm new
check "so is a file that git ignores" refuses 'new\.xyz' makes_no_file_ignored
for file in early.c late.h; do
	echo '#include "late.h"' >"$tree/$selftests/lib/$file"
	git -C "$tree" add -f "$selftests/lib/$file"
	git -C "$tree" -c user.name=t -c user.email=t@t commit -qm "add $file"
done
check "so is a header that comes a patch too late" refuses 'add early\.c: late\.h' includes_what_is_there
mkdir "$OUT/bad"
# In C: checkpatch does not look at the indentation of a Kconfig.
awk '/^\+\+\+ b\/.*\.c$/ { c = 1 } c && !done && sub(/^\+\t/, "+        ") { done = 1 } { print }' \
	"$OUT"/series/0003-*.patch >"$OUT/bad/0001.patch"
check "a patch that is not clean is noticed" refuses 'CODE_INDENT' series_clean "$SOURCE" "$OUT/bad"
sed '/^+F:.*tdp_walk/d' "$OUT"/series/0003-*.patch >"$OUT/bad/0001.patch"
check "so is a file that nobody maintains" refuses tdp_walk series_maintained "$OUT/bad"
mkdir -p "$OUT/other/arch/x86/kvm" "$OUT/other/tools/testing/selftests/kvm/include"
touch "$OUT/other/MAINTAINERS" "$OUT/other/tools/testing/selftests/kvm/include/kvm_util.h" \
	"$OUT/other/tools/testing/selftests/kvm/Makefile"
check "selftests of an unknown shape are refused" refuses 'does not list its tests' \
	env KDIR="$OUT/other" "$top/runner/series.sh"
check "so is a folder that is no kernel" refuses 'is no Linux' env KDIR="$OUT/install" "$top/runner/series.sh"

finish
