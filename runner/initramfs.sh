#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Usage: initramfs.sh TREE INSTALLED FILE TEST...
#
# Packs FILE, the initramfs of an emulated host: busybox, the modules of the
# kernel in TREE, the collection installed in INSTALLED, and the list of tests
# to run; of a test that TREE/cases has a list for, only the cases on it.  The
# kernel's own gen_init_cpio makes it, so no privilege is needed;
# uncompressed, because an emulated CPU unpacks slowly.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"

tree=$1 installed=$2 file=$3
shift 3
work=$(dirname "$file")

for folder in bin sbin dev proc sys tmp modules kselftest kselftest/kvm kselftest/kvm/cases; do
	echo "dir /$folder 0755 0 0"
done >"$work/initramfs.list"

add() { # name location mode
	echo "file $1 $2 $3 0 0" >>"$work/initramfs.list"
}

# What a test is linked with, if it is not static.
add_libraries() { # file...
	ldd "$@" 2>/dev/null | grep -oE '(^[[:space:]]*| )/[^ :]+ \(' | tr -d ' \t(' | sort -u >"$work/libraries"
	sed 's,/[^/]*$,,; s,^/,,' "$work/libraries" | awk -F/ '{
		path = ""
		for (i = 1; i <= NF; i++)
			print path = path "/" $i
	}' | sort -u | while read -r folder; do
		echo "dir $folder 0755 0 0"
	done >>"$work/initramfs.list"
	while read -r library; do
		add "$library" "$(readlink -f "$library")" 0755
	done <"$work/libraries"
}

# Symbols stay for a backtrace; debug information is most of a binary's size.
strip_debug() { # from to
	[ -e "$2" ] && [ -z "$(find "$1" -newer "$2")" ] && return
	strip --strip-debug -o "$2.new" "$1"
	mv "$2.new" "$2"
}

add_busybox() {
	add /bin/busybox "$(command -v busybox)" 0755
	busybox --list | while read -r applet; do
		[ "$applet" = busybox ] || echo "slink /bin/$applet busybox 0777 0 0"
	done >>"$work/initramfs.list"
	echo "nod /dev/console 0600 0 0 c 5 1" >>"$work/initramfs.list"
}

add_modules() {
	find "$tree/objects/virt" "$tree/objects/arch/x86/kvm" "$tree/probe" -name '*.ko' |
		while read -r module; do
			add "/modules/$(basename "$module")" "$module" 0644
		done
}

scaled_settings() {
	timeout=$(sed -n 's/^timeout=//p' "$installed/settings")
	printf 'timeout=%d\ntime_factor=%d\n' $((timeout * TIME_FACTOR)) "$TIME_FACTOR"
}

add_tests() { # test...
	for test; do
		[ -e "$installed/$test" ] || continue
		strip_debug "$installed/$test" "$work/stripped/$test"
		add "/kselftest/kvm/$test" "$work/stripped/$test" 0755
		[ ! -e "$tree/cases/$test" ] || add "/kselftest/kvm/cases/$test" "$tree/cases/$test" 0644
	done
	(cd "$work/stripped" && add_libraries "$@")
	echo "$*" >"$work/selected"
	add /kselftest/selected "$work/selected" 0644
	scaled_settings >"$work/settings"
	add /kselftest/kvm/settings "$work/settings" 0644
}

mkdir -p "$work/stripped"
add_busybox
add /init "${INITRAMFS_INIT:-$top/runner/guest/init}" 0755
[ -z "${INITRAMFS_MORE:-}" ] || cat "$INITRAMFS_MORE" >>"$work/initramfs.list"
add /bin/run-tests "$top/runner/guest/run-tests" 0755
add_modules
add_tests "$@"
"$tree/objects/usr/gen_init_cpio" "$work/initramfs.list" >"$file.new"
mv "$file.new" "$file"
