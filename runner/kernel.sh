#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Usage: kernel.sh TREE
#
# Configures and builds the kernel in TREE/shadow and the probe for it, objects
# in TREE/objects and TREE/probe.  What make would find out in some seconds is
# asked first: nothing changed means no build, a change inside KVM alone means
# no kernel image.

set -eu
LC_ALL=C
export LC_ALL
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"

DIE_STATUS=125
tree=$1
shadow=$tree/shadow
objects=$tree/objects
probe=$tree/probe
probe_source=$top/kernel/arch/x86/kvm/mmu

# A tree to which the series was applied has the probe in it, and is judged by
# that one.
has_probe() {
	[ -d "$shadow/arch/x86/kvm/tdp_walk" ]
}

# Most of a small file's time goes into macros of headers, an eighth of it into where
# in them each word came from, which only a compiler's message would say.
kmake() { # target...
	make -C "$shadow" O="$objects" -j"$JOBS" ${V:+V=$((V > 1))} -s \
		KCFLAGS="-ftrack-macro-expansion=0${KCFLAGS:+ $KCFLAGS}" "$@" </dev/null
}

wanted_config() {
	host_config
	! has_probe || echo CONFIG_KVM_TDP_WALK=m
	[ -z "$VARIANT" ] || cat "$top/kernel/$VARIANT.config"
	[ -z "${KCONFIG:-}" ] || cat "$KCONFIG"
}

# An option that this tree does not have, or that something it depends on
# forbids, is no error: an older kernel lacks some.  The verdict names it.
note_missing_options() {
	grep -E '^CONFIG_' "$tree/wanted.config" | grep -vxFf "$top/kernel/optional.config" | sort -u |
		comm -23 - "$objects/.config.sorted" | while read -r option; do
		# Said already, of all that is about TDs.
		case $option in *TDX*) ! grep -qs '^tdx: ' "$tree/lacking" || continue ;; esac
		echo "this kernel cannot be configured with $option"
	done >"$tree/config-notes"
}

# Without these there is nothing to judge, whatever else a tree lacks.
require_kvm() {
	for option in MODULES KVM; do
		grep -qE "^CONFIG_$option=[ym]$" "$objects/.config" ||
			die "this kernel cannot be configured with CONFIG_$option: there is nothing to judge"
	done
}

# An external module is not built anew for another configuration: objects of
# both got mixed, and the kernel refused to load them.
configure() {
	mkdir -p "$objects"
	rm -rf "$tree/built" "$tree/probe-built" "$probe"
	kmake KCONFIG_ALLCONFIG="$tree/wanted.config" allnoconfig
	sort -u "$objects/.config" >"$objects/.config.sorted"
	note_missing_options
	rm -f "$objects/.config.sorted"
	require_kvm
	cp "$tree/wanted.config" "$tree/configured"
}

needs_configure() {
	[ ! -e "$objects/.config" ] ||
		! cmp -s "$tree/wanted.config" "$tree/configured" ||
		grep -q Kconfig "$tree/changed"
}

build_image() {
	kmake bzImage modules
}

build_modules() {
	kmake modules
}

only_kvm_changed() {
	! grep -qvE '^(arch/x86/kvm|virt/kvm)/[^ ]*\.[ch]$' "$tree/changed"
}

# make compares ages: what it made of a file's successor has to go first.
forget_rewound() {
	[ -s "$tree/rewound" ] || return 0
	rm -f "$tree/built"
	! grep -qE '^(arch/x86/kvm|virt/kvm)/' "$tree/rewound" ||
		rm -rf "$objects/arch/x86/kvm" "$objects/virt/kvm"
	! grep -q '^arch/x86/virt/vmx/tdx/soft/' "$tree/rewound" ||
		rm -rf "$objects/arch/x86/virt/vmx/tdx/soft"
	! grep -qvE '^(arch/x86/kvm|virt/kvm|arch/x86/virt/vmx/tdx/soft)/' "$tree/rewound" ||
		rm -rf "$objects" "$tree/configured"
	: >"$tree/rewound"
}

# The objects are marked as built only after a build that succeeded, so one
# that was interrupted starts over with all that it may have missed.
build_kernel() {
	if [ ! -e "$tree/built" ]; then
		step kernel "building $(version)" build_image
	elif [ -s "$tree/changed" ]; then
		rm -f "$tree/built"
		if only_kvm_changed; then
			step kernel "building KVM ($(wc -l <"$tree/changed") files changed)" build_modules
		else
			step kernel "building $(version) ($(wc -l <"$tree/changed") files changed)" build_image
		fi
	else
		return 0
	fi
	rm -f "$tree/probe-built"
	touch "$tree/built"
	: >"$tree/changed"
}

version() {
	sed -n 's/^VERSION = //p; s/^PATCHLEVEL = /./p; s/^SUBLEVEL = /./p' "$shadow/Makefile" |
		tr -d '\n'
}

# Links instead of MO=, which kernels before 6.13 do not know: they would write
# beside the sources.
build_probe() {
	mkdir -p "$probe"
	find "$probe" -type l -delete
	find "$probe_source" -type f -exec ln -st "$probe" {} +
	kmake M="$probe" modules
}

# Newer than the last build: any source of the probe.
probe_changed() {
	[ ! -e "$tree/probe-built" ] ||
		[ -n "$(find "$probe_source" -type f -newer "$tree/probe-built")" ]
}

wanted_config | update "$tree/wanted.config"
forget_rewound
! needs_configure || step config "configuring $(version)" configure
build_kernel
if has_probe; then
	rm -rf "$probe" "$tree/probe-built"
	mkdir "$probe"
elif probe_changed; then
	rm -f "$tree/probe-built"
	# As old as the start: what changes during the build is newer.
	touch "$tree/probe-started"
	step probe "building kvm_tdp_walk" build_probe
	mv "$tree/probe-started" "$tree/probe-built"
fi
