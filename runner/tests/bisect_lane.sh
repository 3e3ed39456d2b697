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
. "$top/runner/seed.sh"

mutant=${1:-level-never-huge}
TESTS=${2:-tdp_huge_test}
work=$CACHE/bisect
repo=$work/linux

tree_git() { # argument...
	seed_git "$repo" "$@"
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

lock_out
prepare
step history "planting $mutant among six harmless commits" make_repo
first=$(tree_git rev-parse HEAD)
step seed "taking over the kernel that is built" seed "$repo"
make_history
tree_git bisect start HEAD "$first" >/dev/null
status=0
(cd "$repo" && unset KDIR && export TESTS HOSTS OUT="$OUT/gate" && git bisect run "$top/runner/gate.sh") >"$LOGS/bisect.log" 2>&1 || status=$?
grep -E "^(Verdict|kernel|error|[0-9a-f]* is the first bad)" "$LOGS/bisect.log" || :
[ "$status" -eq 0 ] && [ "$(tree_git rev-parse refs/bisect/bad)" = "$culprit" ] ||
	die "the bisection did not end at $culprit; see $LOGS/bisect.log"
rm -rf "$work" "$(tree_folder "$repo")"
say "the bisection found $mutant"
