#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The gate with real kernels: a commit that plants a mutant is a regression, in
# so many words, and one that takes it away is welcome.  A lane of its own, of
# some minutes; not in make test.  Usage: gate_lane.sh [MUTANT [TEST]]

set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
: "${HOSTS:=svm}"
. "$top/runner/lib.sh"
supervise "$@"
. "$top/runner/prepare.sh"
. "$top/runner/seed.sh"

mutant=${1:-level-never-huge}
TESTS=${2:-tdp_huge_test}
work=$CACHE/gate-lane
repo=$work/linux

plant() {
	patch -d "$repo" -p1 -s --no-backup-if-mismatch <"$top/mutants/$mutant.patch"
	seed_git "$repo" commit -qam "plant $mutant"
	seed_git "$repo" tag -f planted
}

# The gate would check the base out, and build a whole kernel for it.  git takes
# a copied file for a changed one until it has looked.
seed_base() {
	rm -rf "$base"
	mkdir -p "$(dirname "$base")"
	cp -a "$repo" "$base"
	git -C "$base" update-index -q --refresh
	seed "$base"
}

# Judges one commit by another; says what the gate said.
gate() { # base head status words
	seed_git "$repo" checkout -q --detach "$2"
	status=0
	KDIR=$repo BASE=$1 OUT=$OUT/gate "$top/runner/gate.sh" >"$LOGS/gate.log" 2>&1 || status=$?
	grep -E '^(Verdict|Gate|Newly|kernel|error|the base)' "$LOGS/gate.log" || :
	[ "$status" -eq "$3" ] || die "$2 after $1: wanted status $3, got $status; see $LOGS/gate.log"
	grep -q "$4" "$LOGS/gate.log" || die "$2 after $1: the gate does not say $4; see $LOGS/gate.log"
	[ -z "$(seed_git "$repo" status --porcelain --ignored)" ] || die "the gate left something in the tree"
}

base=$(base_folder "$repo")
lock_out
prepare
export TESTS HOSTS
step tree "a git tree of $source" seed_repository "$source" "$repo"
step seed "taking over the kernel that is built" seed "$repo"
step seed-base "the same for the base" seed_base
plant
gate base planted 1 '^Newly failing'
gate planted base 0 '^Newly passing'
rm -rf "$work" "$base" "$(tree_folder "$repo")" "$(tree_folder "$base")"
say "the gate noticed $mutant, and that it went"
