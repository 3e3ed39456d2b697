#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The gate and a bisection with it, on a kernel and an emulator that only look
# like it.  KTAP.

set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$top/runner/tests/toy.sh"
source_file=$work/linux/arch/x86/kvm/mmu/tdp_mmu.c

tree_git() {
	git -C "$work/linux" -c user.name=t -c user.email=t@t -c gc.auto=0 "$@"
}

commit() { # line
	echo "$1" >>"$source_file"
	tree_git commit -qam "$1"
	tree_git rev-parse HEAD
}

# What git keeps of the tree, but for the objects' own times.
git_state() {
	(cd "$work/linux/.git" && find . -type f -printf '%p %T@ %s\n' | sort | sha256sum)
}

unchanged() {
	[ "$before" = "$(git_state)" ]
}

# A bisection from the first commit to the last, as a user would type it.
bisect() {
	tree_git bisect start HEAD "$first" >/dev/null 2>&1
	(cd "$work/linux" && env -u KDIR PATH="$work/bin:$PATH" HOSTS=svm CACHE="$work/cache" OUT="$work/out" TESTS= \
		git bisect run "$suite/runner/gate.sh") >"$work/bisect" 2>&1
	bisect_status=$?
	found=$(tree_git rev-parse refs/bisect/bad)
	tree_git bisect reset >/dev/null 2>&1
	cat "$work/bisect"
	return "$bisect_status"
}

finds() { # commit
	bisect && [ "$found" = "$1" ]
}

# Was said nowhere.
never_said() { # words file
	! grep -e "$1" "$2"
}

aborts() {
	! bisect && grep -q '128' "$work/bisect"
}

echo "KTAP version 1"
toy_suite
toy_kernel "$work/linux"
tree_git init -q
tree_git add .
tree_git commit -qm tree
first=$(tree_git rev-parse HEAD)
before=$(git_state)
export BASE=

check "without a base it is the verdict" says 0 '^Verdict: pass' gate.sh
echo mutant >>"$source_file"
check "a kernel that fails, likewise" says 1 '^Verdict: fail' gate.sh
export BASE=HEAD
check "an uncommitted change for the worse is a regression" says 1 '^Gate: regression' gate.sh
check "which is named" grep -q '^  svm good_test page.default_vm.mapped: fail, was pass' "$work/said"
check "and written down" grep -q '"result": "regression"' "$work/out/gate.json"
check "the base is in no folder of the tree, and git has noted nothing" unchanged
check "a base is judged once" says 1 '^the base was judged before' gate.sh
broken=$(commit mutant2)
check "what failed before is none" says 0 '^Failing as before' gate.sh
tree_git checkout -q "$first"
BASE=$broken
check "what passes again is welcome" says 0 '^Newly passing' gate.sh
tree_git checkout -q -
BASE=$first
echo '#error' >>"$source_file"
check "what does not build is not judged" says 125 'error: #error' gate.sh
tree_git checkout -q .
BASE=nothing
check "a base that is not there" says 2 'BASE=nothing is no commit of' gate.sh
BASE=
mkdir "$work/plain"
KDIR=$work/plain check "a tree without git" says 2 'is no git tree with a commit' gate.sh
TOY_EMULATOR=fails check "an emulator that does not start is no verdict" says 2 'did not start' gate.sh

tree_git checkout -q -b bisected "$first"
# What GitLab keeps lies in the tree: docs/ci/gitlab-ci.yml.
in_tree() { # command...
	OUT=$work/linux/out CACHE=$work/linux/.cache-tdx "$@"
}
sed -n "s/.*\\(printf '.*\.git.info.exclude\\)$/\\1/p" "$top/docs/ci/gitlab-ci.yml" >"$work/exclude"
(cd "$work/linux" && sh -eu "$work/exclude")
check "results and cache may lie in the tree, if git ignores them" in_tree says 0 '^Verdict: pass' gate.sh
in_tree toy gate.sh || :
check "and are no change to the kernel" never_said '^kernel ' "$work/said"
rm -r "$work/linux/out" "$work/linux/.cache-tdx" "$work/linux/.git/info/exclude"

for i in 1 2 3; do commit "/* $i */" >/dev/null; done
commit '#error' >/dev/null
sed -i '/#error/d' "$source_file"
culprit=$(commit mutant)
for i in 4 5 6; do commit "/* $i */" >/dev/null; done
# The commit before the culprit does not build, so git cannot tell the two apart.
unset BASE
TOY_EMULATOR=fails check "while bisecting, what cannot be judged ends the bisection" aborts
bisect >/dev/null
check "a commit that does not build is skipped, and the culprit is among the rest" grep -q "$culprit" "$work/bisect"
tree_git checkout -q -b straight "$first"
for i in 1 2 3; do commit "/* $i */" >/dev/null; done
culprit=$(commit mutant)
for i in 4 5; do commit "/* $i */" >/dev/null; done
check "a bisection finds the commit that planted a mutant" finds "$culprit"
check "with one folder of objects for all of its kernels" test "$(find "$work"/cache/trees -maxdepth 1 -name 'linux-*' | wc -l)" -le 2
finish
