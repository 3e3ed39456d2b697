#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The host native where nothing can be judged, and the bundle.  KTAP.

set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$top/runner/tests/toy.sh"

has_tdp() {
	case $(cat /sys/module/kvm/parameters/tdp_mmu 2>/dev/null) in Y) ;; *) return 1 ;; esac
}

# What a bundle says where it lies, with no more around it than a shell.
bundle_says() { # status words command...
	bundle_status=$1 bundle_words=$2
	shift 2
	came=0
	OUT=$work/there "$@" >"$work/said" 2>&1 || came=$?
	[ "$came" -eq "$bundle_status" ] && grep -q -e "$bundle_words" "$work/said" && return
	echo "wanted status $bundle_status and: $bundle_words; got $came and:"
	cat "$work/said"
	return 1
}

# Commands without some.
few_commands() { # command to leave out...
	rm -rf "$work/few"
	mkdir "$work/few"
	for folder in /usr/sbin /usr/bin /sbin /bin; do
		ln -s "$folder"/* "$work/few" 2>/dev/null
	done
	for command; do rm -f "$work/few/$command"*; done
}

same_results() {
	grep -c '^ok .* # SKIP' "$work/there/native/ktap.log" | grep -qx 2
}

echo "KTAP version 1"
toy_suite
toy_kernel "$work/linux"
HOSTS="native svm" check "the machine itself is judged alone" says 2 'native is judged alone' run.sh
check "a bundle is packed" says 0 '^bundle-tar' bundle.sh
OBJECTS=$work/linux check "a folder without a kernel's objects" says 2 'is no folder in which a kernel was built' bundle.sh
tar -C "$work" -xzf "$work/out/tdp-conformance.tar.gz"
bundle=$work/tdp-conformance
check "it unpacks with what it needs" test -x "$bundle/run" -a -x "$bundle/kvm-facts" -a -e "$bundle/probe/Kbuild"

if has_tdp || [ "$(id -u)" -ne 0 ]; then
	skip "the host native without TDP" "this machine has TDP, or this is not root"
else
	HOSTS=native check "the host native is judged by nothing" says 2 '^Verdict: could not judge' run.sh
	check "and says why" grep -q 'every test was skipped on this machine: .*TDP\|every test was skipped on this machine: .*/dev/kvm' "$work/said"
	check "no certificate comes of it" test ! -e "$work/out/certificate.json"
	check "the bundle says the same" bundle_says 2 '^Verdict: could not judge' "$bundle/run"
	check "each test is a skip with a reason" same_results
	few_commands python3 pypy
	check "without Python it says how to have a verdict" bundle_says 2 'there is no python3 here' \
		env PATH="$work/few" "$bundle/run"
	check "by a command that works" bundle_says 2 'could not judge' python3 "$bundle/judge/verdict.py" --out "$work/there" \
		--meta "$work/there/meta.json" --hosts native --contract "$bundle/contract.md" \
		--known "$bundle/known-failures.md" --tests "$bundle/tests"
	check "a test alone" bundle_says 2 'could not judge' "$bundle/run" good_test
	check "is one test" grep -q '^1\.\.1$' "$work/there/native/ktap.log"
fi
finish
