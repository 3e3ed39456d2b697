#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A step that fails in the middle ends the run, loud or not.

top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0

cat >"$work/script" <<'SCRIPT'
set -eu
. "$top/runner/lib.sh"
whole() { echo one; true; }
half() { echo one; false; echo two; }
step name "what it does" "$1"
echo "went on"
SCRIPT

check() { # name V function "whether it goes on"
	number=$((number + 1))
	came=no
	top=$top OUT=$work/out V=$2 sh "$work/script" "$3" >"$work/said" 2>&1 && came=yes
	grep -q '^went on$' "$work/said" && went=yes || went=no
	grep -q 'what it does failed' "$work/said" && said=no || said=yes
	if [ "$came$went$said" = "$4$4$4" ]; then
		echo "ok $number $1"
	else
		echo "not ok $number $1"
		sed 's/^/# /' "$work/said"
	fi
}

echo 1..4
check "a whole step" 0 whole yes
check "half a step" 0 half no
check "a whole step, with V=1" 1 whole yes
check "half a step, with V=1" 1 half no
