#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Runs the collection's benchmarks on each host and prints what they measured.
# Figures of an emulated CPU are for comparing within one run, as ratios.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"
supervise "$@"
. "$top/runner/prepare.sh"

all_benchmarks() {
	for file in "$COLLECTION"/x86_64/*_bench.c; do
		all_bench=$(basename "$file" .c)
		! buildable "$all_bench" || echo "$all_bench"
	done
}

lock_out
prepare
for host in $HOSTS; do
	# shellcheck disable=SC2046 # the words of the list are the arguments
	"$top/runner/host.sh" "$host" "$tree" "$tree/install" $(all_benchmarks)
	sed -n "s/^ *bench: /$host: /p" "$OUT/$host/ktap.log" >"$OUT/$host/bench.txt"
	[ -s "$OUT/$host/bench.txt" ] || die "no benchmark ran on $host; see $OUT/$host/ktap.log and serial.log"
	cat "$OUT/$host/bench.txt"
done
