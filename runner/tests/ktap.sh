# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# KTAP for the runner's own shell tests.  Sourced, never executed; expects $work
# to be set to a folder of the test's own.

n=0 failed=0

check() { # description command...
	n=$((n + 1))
	check_what=$1
	shift
	if "$@" >"$work/check.log" 2>&1; then
		echo "ok $n $check_what"
	else
		failed=$((failed + 1))
		# The log may end within a line; the result must begin one.
		{ tail -n 50 "$work/check.log" && echo; } | sed 's/^/# /'
		echo "not ok $n $check_what"
	fi
}

skip() { # description reason
	n=$((n + 1))
	echo "ok $n $1 # SKIP $2"
}

finish() {
	echo "1..$n"
	[ "$failed" -eq 0 ]
}
