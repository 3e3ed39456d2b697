#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Judges a change: the kernel in the git tree KDIR (or here) with all that is not
# committed yet, and with BASE=revision that commit too, and says what changed.
# Without BASE it is the verdict on the kernel.  runner/lib.sh lists the rest of
# the environment.
#
#   git bisect start BAD GOOD && git bisect run ~/tdx-conformance/runner/gate.sh
#
# Exit status: 0 nothing got worse; 1 a regression, or without BASE a failure; 2
# could not judge; 125 KDIR does not build.  While KDIR is bisected 2 becomes 128,
# which ends the bisection: it would take 2 for a bad commit.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
: "${KDIR:=$PWD}" "${BASE:=}"
. "$top/runner/lib.sh"
supervise "$@"
. "$top/runner/prepare.sh"

refuse_without_git() {
	git -C "$KDIR" rev-parse -q --verify HEAD >/dev/null 2>&1 ||
		die "KDIR=$KDIR is no git tree with a commit: there is nothing to compare"
}

bisecting() {
	(cd "$KDIR" && [ -e "$(git rev-parse --git-path BISECT_LOG)" ]) 2>/dev/null
}

# Judges a tree; its verdict and how it was reached is in a folder of its own.
judge_tree() { # tree out
	judge_status=0
	KDIR=$1 OUT=$2 "$top/runner/run.sh" || judge_status=$?
}

# Whatever a verdict depends on beside the kernel.
settings() {
	echo "$HOSTS $TESTS $VARIANT ${CMDLINE:-}"
	[ -z "$KCONFIG" ] || cat "$KCONFIG"
	(cd "$top" && find docs/contract.md kernel runner tools -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum)
}

# The base as files, without writing to KDIR: not even what git worktree would
# note there.  Its objects are found where they are.
check_out() { # commit
	[ -d "$base_tree/.git" ] || git init -q "$base_tree"
	objects=$(cd "$KDIR" && cd "$(git rev-parse --git-path objects)" && pwd)
	echo "$objects" >"$base_tree/.git/objects/info/alternates"
	git -C "$base_tree" -c advice.detachedHead=false checkout -q --force --detach "$1"
	git -C "$base_tree" clean -fdq
}

# A base is judged once for each state of suite and settings.  Two gates on one
# tree would check out over each other.
judge_base() { # commit
	mkdir -p "$CACHE/gate/results"
	kept=$CACHE/gate/results/$1-$(settings | sha256sum | cut -c 1-16).json
	if [ -e "$kept" ]; then
		say "the base was judged before"
		return
	fi
	base_tree=$(base_folder "$KDIR")
	exec 6>"$CACHE/gate/lock"
	flock 6
	step base "checking out $BASE" check_out "$1"
	judge_tree "$base_tree" "$OUT/base"
	case $judge_status in
	0 | 1) cp "$OUT/base/results.json" "$kept.new" && mv "$kept.new" "$kept" ;;
	125) die "the base, $BASE, does not build: there is nothing to compare with" ;;
	*) die "the base, $BASE, could not be judged" ;;
	esac
}

head_name() {
	printf '%s%s' "$(git -C "$KDIR" rev-parse --short HEAD)" \
		"$([ -z "$(git -C "$KDIR" status --porcelain -uno | head -n 1)" ] || echo -dirty)"
}

KDIR=$(cd "$KDIR" 2>/dev/null && pwd) || die "KDIR=$KDIR is no folder"
refuse_without_git
# shellcheck disable=SC2154 # set where it is used
trap 'status=$?; [ "$status" -ne 2 ] || ! bisecting || exit 128' EXIT
base_commit=
[ -z "$BASE" ] || base_commit=$(git -C "$KDIR" rev-parse -q --verify "$BASE^{commit}") ||
	die "BASE=$BASE is no commit of $KDIR"
lock_out
say "head: $(head_name)"
judge_tree "$KDIR" "$OUT/head"
[ -n "$BASE" ] && [ "$judge_status" -le 1 ] || exit "$judge_status"
say "base: $BASE"
judge_base "$base_commit"
status=0
python3 "$top/runner/gate.py" --base "$kept" --head "$OUT/head/results.json" \
	--base-name "$BASE" --head-name "$(head_name)" --json "$OUT/gate.json" || status=$?
exit "$status"
