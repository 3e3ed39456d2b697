#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Usage: host.sh HOST TREE INSTALLED TEST...
#
# Boots one host with the tests and watches it to its end.  Leaves in
# $OUT/HOST: serial.log (the kernel's), ktap.log (the tests'), timed.log,
# watch.json and host.json.  What they mean is for the verdict to say.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"

host=$1 tree=$2 installed=$3
shift 3
out=$OUT/$host
work=$tree/$host
. "$top/runner/machines/$host.sh"

# Warnings reach the serial line as they happen; what is less stays in memory.
cmdline="console=ttyS0,115200 loglevel=5 panic=-1 nokaslr $MACHINE_CMDLINE $VARIANT_CMDLINE ${CMDLINE:-}"
# Nothing here finds out what is known of an emulated clock, and nobody waits
# for a grace period longer than it takes.
cmdline="$cmdline tsc=reliable no_timer_check lpj=1000000 swiotlb=noforce rcupdate.rcu_expedited=1"
cmdline="$cmdline rcutree.jiffies_till_first_fqs=0 rcutree.jiffies_till_next_fqs=0"

# What a kernel does not know of its command line it puts into the environment
# of init, and so of the tests: include/x86_64/tdp_random.h, guest/run-tests.
cmdline="$cmdline${SEED:+ TDP_SEED=$SEED}${OPS:+ TDP_OPS=$OPS}${SOAK:+ SOAK=$SOAK}"
# shellcheck disable=SC2086 # the words of the list, with one space between them
one_cpu=$(echo ${MACHINE_ONE_CPU:-} | tr ' ' ,)
cmdline="$cmdline${one_cpu:+ ONE_CPU=$one_cpu}"

# An emulated minute may be several; silence is noticed all the same.
[ -z "${SOAK:-}" ] || WATCH_OPTIONS="${WATCH_OPTIONS:-} --limit $((900 + SOAK * 1800))"

write_facts() {
	printf '{"emulator": %s, "version": %s, "cpu": %s, "cpus": %d, "memory_mib": %d, "cmdline": %s}\n' \
		"$(json_string "$machine_emulator")" "$(json_string "$(machine_version)")" \
		"$(json_string "$machine_cpu")" "$MACHINE_CPUS" "$MACHINE_MIB" \
		"$(json_string "$cmdline")" >"$out/host.json"
}

# Neither may outlive this script, however it ends.  Both are in the background
# because a shell hears of a signal only while it waits.
emulator=
watcher=
stop_all() {
	for pid in $watcher $emulator; do
		kill "$pid" 2>/dev/null || :
	done
	# shellcheck disable=SC2086 # no process or two
	[ -z "$watcher$emulator" ] || wait $watcher $emulator || :
}
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

rm -rf "$out"
mkdir -p "$out" "$work"
write_facts
"$top/runner/initramfs.sh" "$tree" "$installed" "$work/initramfs.cpio" "$@" ||
	die "the initramfs of the host $host could not be made"
: >"$out/serial.log"
: >"$out/ktap.log"
machine_start "$tree/objects/arch/x86/boot/bzImage" "$work/initramfs.cpio" "$cmdline" \
	"$out/serial.log" "$out/ktap.log" </dev/null >"$out/emulator.log" 2>&1 &
emulator=$!
python3 "$top/runner/watch.py" --silence $((60 * TIME_FACTOR)) --limit $((900 * TIME_FACTOR)) --host "$host" --pid "$emulator" \
	--serial "$out/serial.log" --ktap "$out/ktap.log" --timed "$out/timed.log" ${WATCH_OPTIONS:-} &
watcher=$!
wait "$watcher" || :
watcher=
wait "$emulator" || echo "$?" >"$out/emulator.status"
emulator=
