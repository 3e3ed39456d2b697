#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Judges a kernel: prepares it, boots the hosts with the tests, gives a verdict.
# runner/lib.sh lists the environment and the exit statuses.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"
supervise "$@"
. "$top/runner/prepare.sh"

refuse_unbuildable() {
	for test in $TESTS; do
		buildable "$test" || die "TESTS: $test cannot be built for this tree: $(sed -n "s/^\(tdx\|$test\): //p" "$tree/lacking")"
	done
}

package_or_commit() {
	if [ -z "$KDIR" ]; then
		printf '"package": %s' "$(json_string "$KERNEL_PACKAGE $(cat "$SOURCE.version")")"
	else
		commit=$(git -C "$source" rev-parse --verify -q HEAD 2>/dev/null) || commit=none
		[ -z "$(git -C "$source" status --porcelain -uno 2>/dev/null | head -n 1)" ] || commit=$commit-dirty
		printf '"commit": %s' "$(json_string "$commit")"
	fi
}

# The host of a family that runs a test: the one that asks for it, or else the
# first.  Each family, that is each kind of machine, runs every test but those
# that it says it has nothing for.
host_for() { # family test
	host_first=
	for host_try in $HOSTS; do
		[ "$(machine_value "$host_try" MACHINE_FAMILY)" = "$1" ] || continue
		! lacks "$host_try" "$2" || continue
		: "${host_first:=$host_try}"
		if asks_for "$host_try" "$2"; then
			echo "$host_try"
			return
		fi
	done
	echo "$host_first"
}

# One file a host, named as the host, with the names of its tests.
assign_tests() {
	mkdir -p "$OUT/tests"
	rm -f "$OUT"/tests/*
	for host in $HOSTS; do
		: >"$OUT/tests/$host"
		machine_value "$host" MACHINE_FAMILY
	done | sort -u | while read -r family; do
		for test in $selected; do
			host=$(host_for "$family" "$test")
			[ -z "$host" ] || echo "$test" >>"$OUT/tests/$host"
		done
	done
	[ -n "$(cat "$OUT"/tests/*)" ] || die "none of these hosts has anything for these tests"
}

# shellcheck disable=SC2046,SC2086 # the words of the lists are the elements
write_meta() {
	hosts_json=
	for host in $HOSTS; do
		hosts_json="$hosts_json${hosts_json:+, }$(json_string "$host"): $(json_array $(cat "$OUT/tests/$host"))"
	done
	cat >"$OUT/meta.json" <<-META
	{
	  "date": "$(date -u +%Y-%m-%dT%H:%M:%SZ)",
	  "kernel": {
	    "version": $(json_string "$(make -s -C "$shadow" kernelversion)"),
	    "tree": $(json_string "$source"),
	    $(package_or_commit),
	    "config_sha256": $(json_string "$(sha256sum <"$tree/objects/.config" | cut -d ' ' -f 1)"),
	    "patches": $(json_array $(cat "$tree/patches")),
	    "difference": $(json_string "$(cat "$tree/difference")")
	  },
	  "suite": {
	    "commit": $(json_string "$(git -C "$top" rev-parse --verify -q HEAD 2>/dev/null || echo none)")
	  },
	  "notes": [$(cat "$tree/notes" "$tree/config-notes" | sed 's/[\\"]/\\&/g; s/.*/"&"/' | paste -sd ,)],
	  "tests": {$hosts_json}
	}
	META
}

# A host ends with this process, however it ends, but a moment later: what this one
# has locked is not for it to keep.  Of those that share a turn one runs at a time.
start_host() { # host turn
	# shellcheck disable=SC2046 # the words of the list are the arguments
	exec_bound flock --no-fork "$tree/turn.$2" "$top/runner/host.sh" "$1" "$tree" "${INSTALLED:-$tree/install}" $(cat "$OUT/tests/$1") 7>&- 9>&-
}

# As many at once as there are CPUs: more emulators than that take the caches from
# each other, an eighth of all time.  The last first, as they take longest, and turns
# there and back, so that what follows the longest is the shortest.  With several,
# their progress is in plain lines.
boot_hosts() {
	case $HOSTS in *' '*) WATCH_OPTIONS=--plain && export WATCH_OPTIONS ;; esac
	nr=0
	for host in $(echo "$HOSTS" | tr ' ' '\n' | tac); do
		turn=$((nr % (2 * JOBS)))
		[ "$turn" -lt "$JOBS" ] || turn=$((2 * JOBS - 1 - turn))
		start_host "$host" "$turn" &
		host_pids="$host_pids $!"
		nr=$((nr + 1))
	done
	boot_failed=
	for pid in $host_pids; do
		wait "$pid" || boot_failed=yes
	done
	host_pids=
	refuse_full_disk
	[ -z "$boot_failed" ] || die "a host was not run to its end; nothing is judged"
}

# A host takes its emulator along.
stop_hosts() {
	[ -n "$host_pids" ] || return 0
	# shellcheck disable=SC2086 # the words of the list are the arguments
	kill $host_pids 2>/dev/null || :
	# shellcheck disable=SC2086 # the words of the list are the arguments
	wait $host_pids || :
}

host_pids=
trap stop_hosts EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

start=$(now_ms)
lock_out
rm -f "$OUT/results.json" "$OUT/results.tap" "$OUT/results.junit.xml" "$OUT/report.html" "$OUT/certificate.json"
case " $HOSTS " in
" native ")
	"$top/runner/bundle.sh" assemble
	# shellcheck disable=SC2086 # the words of the list are the arguments
	exec "$OUT/bundle/run" $TESTS
	;;
*" native "*) die "HOSTS: native is judged alone, as its kernel is the one that runs here" ;;
esac
prepare
refuse_unbuildable
selected=${TESTS:-$(all_tests)}
assign_tests
# A host without a test is not asked for.
HOSTS=$(for host in $HOSTS; do [ ! -s "$OUT/tests/$host" ] || echo "$host"; done | paste -sd ' ')
write_meta
boot_hosts
status=0
python3 "$top/runner/verdict.py" --out "$OUT" --meta "$OUT/meta.json" \
	--hosts "$(echo "$HOSTS" | tr ' ' ,)" --contract "$top/docs/contract.md" --known "$top/docs/known-failures.md" \
	--tests "$COLLECTION/x86_64" || status=$?
say "$(seconds $(($(now_ms) - start))) in all"
exit "$status"
