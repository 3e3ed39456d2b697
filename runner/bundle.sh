#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Usage: bundle.sh [assemble]
#
# Everything that a machine without compiler and network needs to be judged:
# $OUT/bundle, and packed as $OUT/tdp-conformance.tar.gz.  Unpack it there and
# call its script `run` as root.  With "assemble" nothing is packed.
#
#   OBJECTS  where the kernel that runs there was built: the probe is built for
#            it and packed.  Without it the machine needs a compiler, its
#            kernel's headers and KVM's private ones; run names the packages.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"
supervise "$@"
. "$top/runner/prepare.sh"

: "${OBJECTS:=}"
bundle=$OUT/bundle
probe_source=$top/kernel/arch/x86/kvm/mmu

# Symbols stay for a backtrace.
pack_tests() {
	mkdir -p "$bundle/kvm" "$bundle/tests"
	for test in "$tree/install"/*_test; do
		strip --strip-debug -o "$bundle/kvm/$(basename "$test")" "$test"
	done
	cp "$tree/install/settings" "$bundle/kvm"
	# For the names of rules.
	cp "$COLLECTION"/x86_64/*_test.c "$bundle/tests"
	cp "$top/docs/contract.md" "$top/docs/known-failures.md" "$bundle"
}

pack_runner() {
	mkdir -p "$bundle/judge" "$bundle/probe"
	cp "$top/runner/native/run" "$top/runner/native/lava" "$top/runner/guest/run-tests" "$bundle"
	cp "$top"/runner/*.py "$top"/runner/page.* "$bundle/judge"
	cp "$probe_source"/Kbuild "$probe_source"/*.[ch] "$bundle/probe"
	gcc -static -O2 -Wall -Werror -isystem "$tree/headers/include" \
		-o "$bundle/kvm-facts" "$top/runner/native/kvm-facts.c"
	git -C "$top" rev-parse --verify -q HEAD >"$bundle/suite" 2>/dev/null || echo none >"$bundle/suite"
}

# What uname says of the kernel whose objects are there: release, version.
built_kernel() {
	cat "$OBJECTS/include/config/kernel.release"
	sed -n 's/^#define UTS_VERSION "\(.*\)"$/\1/p' "$OBJECTS/include/generated/utsversion.h"
}

# In a copy: the source may be read only, and older kernels build beside it.
pack_probe() {
	rm -rf "$tree/prebuilt"
	cp -r "$bundle/probe" "$tree/prebuilt"
	make -s -C "$OBJECTS" M="$tree/prebuilt" ${KDIR:+KVM_HEADERS="$source/arch/x86/kvm"} modules </dev/null
	mkdir -p "$bundle/prebuilt"
	cp "$tree/prebuilt/kvm_tdp_walk.ko" "$bundle/prebuilt"
	built_kernel | paste -sd ' ' >"$bundle/prebuilt/for"
}

assemble() {
	rm -rf "$bundle"
	mkdir -p "$bundle"
	pack_tests
	pack_runner
}

pack() {
	tar -C "$OUT" --transform 's,^bundle,tdp-conformance,' --owner=0 --group=0 -czf "$OUT/tdp-conformance.tar.gz.new" bundle
	mv "$OUT/tdp-conformance.tar.gz.new" "$OUT/tdp-conformance.tar.gz"
}

case $OBJECTS in '' | /*) ;; *) OBJECTS=$PWD/$OBJECTS ;; esac
[ -z "$OBJECTS" ] || [ -e "$OBJECTS/include/config/kernel.release" ] ||
	die "OBJECTS=$OBJECTS is no folder in which a kernel was built"
[ "${1:-}" = assemble ] || lock_out
prepare_native
step bundle "packing the tests, the probe and the runner" assemble
[ -z "$OBJECTS" ] || step bundle-probe "building kvm_tdp_walk for $(built_kernel | paste -sd ' ')" pack_probe
[ "${1:-}" != assemble ] || exit 0
step bundle-tar "$OUT/tdp-conformance.tar.gz" pack
