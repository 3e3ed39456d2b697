#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A bundle on a machine without compiler, network or Python: the emulated host
# svm plays one, with busybox and no more.  What it leaves is judged here.  A
# lane of its own; not in make test.  Usage: bundle_lane.sh [TEST...]

set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
HOSTS=svm
. "$top/runner/lib.sh"
supervise "$@"
. "$top/runner/prepare.sh"
. "$top/runner/machines/svm.sh"

[ $# -gt 0 ] || set -- tdp_absent_test tdp_huge_test tdx_lifecycle_test
LIMIT_S=300
work=$OUT/lane

# What is in the bundle, for gen_init_cpio.
list_bundle() {
	tar -C "$work" -xzf "$OUT/pack/tdp-conformance.tar.gz"
	(cd "$work" && find tdp-conformance -type d -printf 'dir /%p 0755 0 0\n' \
		-o -type f -printf "file /%p $work/%p 0%m 0 0\n")
}

cmdline() {
	echo "console=ttyS0 loglevel=5 panic=-1 nokaslr $MACHINE_CMDLINE tsc=reliable no_timer_check lpj=1000000"
}

boot() {
	: >"$work/serial.log"
	: >"$work/answer"
	(machine_start "$tree/objects/arch/x86/boot/bzImage" "$work/initramfs.cpio" "$(cmdline)" \
		"$work/serial.log" "$work/answer") &
	emulator=$!
	timeout "$LIMIT_S" tail --pid "$emulator" -f /dev/null
	kill "$emulator" 2>/dev/null || :
	wait "$emulator" || :
}

# What the machine sent is an archive of its out/.
unpack_answer() {
	base64 -d "$work/answer" | tar -C "$work" -xzf -
	sed 's/^/  there: /' "$work/out/said"
}

judge() {
	python3 "$work/tdp-conformance/judge/verdict.py" --out "$work/out" --meta "$work/out/meta.json" --hosts native \
		--contract "$work/tdp-conformance/contract.md" --known "$work/tdp-conformance/known-failures.md" \
		--tests "$work/tdp-conformance/tests"
}

lock_out
prepare
rm -rf "$work"
mkdir -p "$work"
OUT=$OUT/pack OBJECTS=$tree/objects "$top/runner/bundle.sh"
INITRAMFS_INIT=$top/runner/tests/guest/bundle-init
list_bundle >"$work/list"
INITRAMFS_MORE=$work/list
export INITRAMFS_INIT INITRAMFS_MORE
"$top/runner/initramfs.sh" "$tree" "$tree/install" "$work/initramfs.cpio" "$@"
step boot "running the bundle on a machine with busybox alone" boot
unpack_answer
status=0
judge || status=$?
grep -q 'there is no python3 here' "$work/out/said" || die "the machine did not say how to have the verdict"
[ ! -e "$work/out/certificate.json" ] || die "an emulated machine got a certificate"
exit "$status"
