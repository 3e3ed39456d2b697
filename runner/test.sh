#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# All of the project's tests, and the run among them.  Ends with one plain line,
# "N passed, N failed, N skipped"; exit status 0 only if nothing failed.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"

passed=0 failed=0 skipped=0

count() { # passed failed skipped
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# A whole that is not counted in cases: a linter, or a run without a verdict.
count_status() { # status
	if [ "$1" -eq 0 ]; then count 1 0 0; else count 0 1 0; fi
}

heading() { # text
	printf '\n== %s\n' "$*"
}

# A program that speaks KTAP: its lines are shown and counted.
ktap_tests() { # heading command...
	heading "$1"
	shift
	status=0
	"$@" >"$LOGS/ktap-test.log" 2>&1 || status=$?
	cat "$LOGS/ktap-test.log"
	bad=$(grep -c '^not ok ' "$LOGS/ktap-test.log") || :
	good=$(grep '^ok ' "$LOGS/ktap-test.log" | grep -vc ' # SKIP ') || :
	left_out=$(grep -c '^ok .* # SKIP ' "$LOGS/ktap-test.log") || :
	# Ended early, without a failed line to show for it.
	[ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	grep -q '^1\.\.[1-9]' "$LOGS/ktap-test.log" || bad=$((bad + 1))
	count "$good" "$bad" "$left_out"
}

shell_tests() {
	for file in "$top"/runner/tests/*_test.sh; do
		ktap_tests "$(basename "$file")" "$file"
	done
}

# The part of the module that needs no kernel around it.
soft_tests() {
	mkdir -p "$OUT/soft-tests"
	ktap_tests "software TDX module" make -s -j"$JOBS" OUTPUT="$OUT/soft-tests" \
		-C "$top/kernel/arch/x86/virt/vmx/tdx/soft/tests" run
}

# The part of the tests' library that needs no kernel under it.
unit_tests() {
	mkdir -p "$OUT/unit-tests"
	ktap_tests "model of the tests' library" make -s -j"$JOBS" OUTPUT="$OUT/unit-tests" \
		-C "$COLLECTION/unit" run
}

python_tests() {
	heading "parsers, watcher and verdict, on saved logs"
	status=0
	(cd "$top" && python3 -m unittest discover -s runner/tests -t runner -v) >"$LOGS/unittest.log" 2>&1 || status=$?
	good=$(grep -c ' \.\.\. ok$' "$LOGS/unittest.log") || :
	bad=$(grep -cE ' \.\.\. (FAIL|ERROR)$' "$LOGS/unittest.log") || :
	left_out=$(grep -c ' \.\.\. skipped ' "$LOGS/unittest.log") || :
	[ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	[ "$good" -gt 0 ] || bad=$((bad + 1))
	[ "$bad" -eq 0 ] || cat "$LOGS/unittest.log"
	say "$good passed, $bad failed, $left_out skipped"
	count "$good" "$bad" "$left_out"
}

linters() {
	heading "make check"
	status=0
	"$top/runner/check.sh" || status=$?
	count_status "$status"
}

# Cases count one each; a verdict of fail without a failed case counts as one.
judge() {
	heading "make run"
	status=0
	"$top/runner/run.sh" || status=$?
	if [ ! -e "$OUT/results.json" ]; then
		count_status 1
		return
	fi
	# shellcheck disable=SC2046 # three numbers
	set -- $(python3 "$top/runner/verdict.py" --counts "$OUT/results.json")
	count "$1" "$2" "$3"
	[ "$status" -eq 0 ] || [ "$2" -gt 0 ] || count_status 1
}

# A few of both families; all of them are for `make mutants`.
FAST_MUTANTS="walk-level-off-by-one notifier-misses-last-page attr-unmaps-nothing
	gmem-hole-not-unmapped slot-zaps-only-itself
	tdx-add-zeroes gmem-hole-filter tdx-remove-skipped"

# Mutants count one each, a control that fails as one.
fast_mutants() {
	heading "make mutants, some of them"
	status=0
	MUTANTS=$FAST_MUTANTS "$top/runner/mutants.sh" || status=$?
	# shellcheck disable=SC2046 # two numbers
	set -- $(python3 "$top/runner/mutants.py" counts --series "$top/mutants/series" --into "$OUT/mutants.json")
	count "$1" "$2" 0
	[ "$status" -eq 0 ] || [ "$2" -gt 0 ] || count_status 1
}

mkdir -p "$LOGS"
"$top/runner/deps.sh" check
python_tests
shell_tests
soft_tests
unit_tests
linters
judge
fast_mutants
printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
