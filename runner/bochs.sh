#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Builds the emulator of the host tdx: Bochs, from Debian's source package with
# our patches.  The program is at $CACHE/bochs/bochs; it is built again only if
# the version, a patch or an option has changed.  Usage: bochs.sh [get], to only
# download what would be built.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"
. "$top/runner/apt.sh"

SUITE=trixie
VERSION=3.0+dfsg
BOCHS=$CACHE/bochs
APT=$BOCHS/apt
PATCHES=$top/runner/bochs
SPACE_MIB=500

# What is not asked for is neither built nor looked at on each access: memory
# types, AMX, CET, protection keys and user interrupts cost a fifth of the speed,
# AVX-512 a sixth of the time to build.  A debugger build, or one of plugins, is
# several times slower.
OPTIONS='--enable-smp --enable-cpu-level=6 --enable-x86-64 --enable-vmx=2
	--enable-avx --enable-fpu --enable-pci --enable-large-ramfile
	--enable-all-optimizations --disable-debugger --disable-plugins --disable-docbook
	--with-nogui'
FLAGS='-O2 -w -fno-pie'

# Models of CPUs are a tenth of what there is to compile: the host's, and Bochs'
# default, will do.
MODELS="$(. "$top/runner/machines/tdx.sh" && echo "$machine_cpu") corei7_haswell_4770"

wanted() {
	echo "$VERSION" "$OPTIONS" "$FLAGS" "$MODELS"
	cat "$PATCHES"/*.patch
}

# The tarball alone: apt compares it with the hash of the signed index, and a
# mirror need not have the package's other files.
download() {
	uri=$(mirror)
	[ -n "$uri" ] || die "apt knows no Debian mirror; run apt-get update"
	use_suite deb-src "$uri" "$SUITE" ||
		die "this machine's Debian mirror could not be read (suite $SUITE): see that there is a network, or leave the hosts tdx and tdx-smp out with HOSTS="
	rm -f "$BOCHS"/*.tar.*
	(cd "$BOCHS" && private_apt apt-get source --download-only --tar-only bochs)
	[ -e "$BOCHS/bochs_$VERSION.orig.tar.xz" ] || die "the suite $SUITE has no Bochs $VERSION"
}

# More than half of the time to build goes into two headers that each file includes:
# they are compiled once.  Of what is in a folder named as a header the compiler takes
# what fits the macros that a file has defined before; a file that defines them later
# needs the second header as it is.
precompile_headers() {
	mkdir bochs.h.gch
	cat >common.h <<-HEADER
	#ifdef NEED_CPU_REG_SHORTCUTS
	#error "the other one fits"
	#endif
	#include "bochs.h"
	HEADER
	cat >cpu.h <<-HEADER
	#include "bochs.h"
	#include "cpu/cpu.h"
	HEADER
	flags=$(sed -n 's/^CXXFLAGS = //p' cpu/Makefile)
	# shellcheck disable=SC2086 # the words of the list are the arguments
	g++ $flags -I. -Iinstrument/stubs -x c++-header common.h -o bochs.h.gch/common
	# shellcheck disable=SC2086 # the words of the list are the arguments
	g++ $flags -I. -Iinstrument/stubs -DNEED_CPU_REG_SHORTCUTS=1 -x c++-header cpu.h -o bochs.h.gch/cpu
	rm common.h cpu.h
}

keep_models() {
	# shellcheck disable=SC2086 # the words of the list are the arguments
	printf 'bx_define_cpudb(%s)\n' $MODELS >cpudb.h
}

build() {
	rm -rf "$BOCHS/source"
	mkdir "$BOCHS/source"
	tar -C "$BOCHS/source" --strip-components=1 -xf "$BOCHS/bochs_$VERSION.orig.tar.xz"
	cd "$BOCHS/source"
	for patch in "$PATCHES"/*.patch; do
		patch -p1 --forward --fuzz=0 <"$patch"
	done
	# shellcheck disable=SC2086 # the words of the list are the arguments
	CFLAGS=$FLAGS CXXFLAGS=$FLAGS LDFLAGS=-no-pie ./configure $OPTIONS
	keep_models
	precompile_headers
	# shellcheck disable=SC2086 # the words of the list are the arguments
	make -j"$JOBS" CPUDB_OBJS="$(printf 'intel/%s.o ' $MODELS)" bochs
	strip -o "$BOCHS/bochs.new" bochs
	mv "$BOCHS/bochs.new" "$BOCHS/bochs"
	rm -rf "$BOCHS/source"
}

mkdir -p "$BOCHS"
# Two runs at once would build over each other.
exec 8>"$BOCHS/lock"
flock 8
if wanted | cmp -s - "$BOCHS/built" && [ -x "$BOCHS/bochs" ]; then
	exit 0
fi
need_space "$BOCHS" "$SPACE_MIB"
rm -f "$BOCHS/built"
[ -e "$BOCHS/bochs_$VERSION.orig.tar.xz" ] ||
	step bochs-get "Bochs $VERSION, from this machine's Debian mirror" download
[ "${1:-}" != get ] || exit 0
step bochs "building the emulator, Bochs $VERSION" build
wanted >"$BOCHS/built"
