#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A bisection with real kernels: a history of seven commits in whose middle a
# mutant is planted, and git bisect run with the gate finds it.  A lane of its
# own, of some minutes; not in make test.  Usage: bisect_lane.sh [MUTANT [TEST]]

set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
HOSTS=svm
. "$top/runner/lib.sh"
supervise "$@"
. "$top/runner/prepare.sh"

mutant=${1:-level-never-huge}
TESTS=${2:-tdp_huge_test}
work=$CACHE/bisect
repo=$work/linux

tree_git() {
	git -C "$repo" -c user.name=lane -c user.email=lane@localhost -c gc.auto=0 "$@"
}

# A kernel tree of links but for what is committed in it.
make_repo() {
	rm -rf "$work"
	mkdir -p "$repo"
	ln -s "$CACHE/source"/* "$repo"
	rm "$repo/arch" "$repo/Makefile"
	mkdir "$repo/arch"
	ln -s "$CACHE/source/arch"/* "$repo/arch"
	rm "$repo/arch/x86"
	cp -a "$CACHE/source/arch/x86" "$repo/arch"
	cp -a "$CACHE/source/Makefile" "$repo"
	tree_git init -q
	tree_git add -f Makefile arch/x86/kvm
	tree_git commit -qm "the kernel"
}

commit() { # subject
	tree_git commit -qam "$1"
	tree_git rev-parse HEAD
}

# Harmless changes of files of KVM.
harmless() { # file subject
	echo "/* $2 */" >>"$repo/arch/x86/kvm/$1"
	commit "$2" >/dev/null
}

make_history() {
	harmless x86.c "one more line in x86.c"
	harmless mmu/spte.c "one more line in spte.c"
	harmless cpuid.c "one more line in cpuid.c"
	patch -d "$repo" -p1 -s --no-backup-if-mismatch <"$top/mutants/$mutant.patch"
	culprit=$(commit "a change like any other")
	harmless mmu/mmu.c "one more line in mmu.c"
	harmless lapic.c "one more line in lapic.c"
}

# The kernel was built once, from the same files in another place: take that,
# as old as it is, with the paths in it.
seed() {
	seeded=$(tree_folder "$repo")
	rm -rf "$seeded"
	mkdir -p "$seeded"
	KDIR=$repo "$top/runner/shadow.sh" "$repo" "$seeded"
	while read -r path; do
		touch -r "$shadow/$path" "$seeded/shadow/$path"
	done <"$seeded/patched.names"
	cp -a "$tree/objects" "$tree/configured" "$tree/config-notes" "$tree/headers" "$tree/headers-built" "$seeded"
	find "$seeded/objects" -name '.*.cmd' -print0 | xargs -0 sed -i "s,$tree/,$seeded/,g"
	sed -i "s,$tree/,$seeded/,g" "$seeded/objects/Makefile"
	ln -sfn "$seeded/shadow" "$seeded/objects/source"
	touch "$seeded/built"
	: >"$seeded/changed"
}

lock_out
prepare
step history "planting $mutant among six harmless commits" make_repo
first=$(tree_git rev-parse HEAD)
step seed "taking over the kernel that is built" seed
make_history
tree_git bisect start HEAD "$first" >/dev/null
status=0
(cd "$repo" && unset KDIR && export TESTS HOSTS OUT="$OUT/gate" && git bisect run "$top/runner/gate.sh") >"$LOGS/bisect.log" 2>&1 || status=$?
grep -E "^(Verdict|kernel|error|[0-9a-f]* is the first bad)" "$LOGS/bisect.log" || :
[ "$status" -eq 0 ] && [ "$(tree_git rev-parse refs/bisect/bad)" = "$culprit" ] ||
	die "the bisection did not end at $culprit; see $LOGS/bisect.log"
rm -rf "$work" "$(tree_folder "$repo")"
say "the bisection found $mutant"
