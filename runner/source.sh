#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Gets the kernel under test: the source package of Debian's kernel $KERNEL.
# The mirror is the machine's own, apt checks the signatures, and nothing of
# the system's own apt state is touched.  Prints nothing but what it does; the
# tree is at $SOURCE, with the package's version in $SOURCE.version.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"
. "$top/runner/apt.sh"

# Suites that may have the package, the one with the default kernel first.
SUITES='trixie-backports trixie forky sid bookworm-backports'
APT=$CACHE/apt
SPACE_MIB=3000

# A field of the package's entry in the suite's signed index.
index_field() { # name
	private_apt apt-cache show "$KERNEL_PACKAGE" 2>/dev/null |
		sed -n "s/^$1: //p" | head -n 1
}

# Fails unless some suite has the package; leaves apt pointed at that suite.
find_package() {
	uri=$(mirror)
	[ -n "$uri" ] || die "apt knows no Debian mirror; run apt-get update, or give a tree with KDIR="
	missing=
	for suite in $SUITES; do
		use_suite deb "$uri" "$suite" || { missing="$missing $suite" && continue; }
		version=$(index_field Version)
		[ -z "$version" ] || return 0
	done
	[ -z "$missing" ] || die "this machine's Debian mirror could not be read (suites$missing): see that there is a network, or give a tree with KDIR="
	die "none of the suites $SUITES has $KERNEL_PACKAGE; give a tree with KDIR="
}

# apt takes up a download that was cut short.  It trusts a whole one that lies
# there already, so the hash is compared with the signed index here.
download() {
	find_package
	hash=$(index_field SHA256)
	# An older version's download is of no use.
	find "$CACHE" -maxdepth 1 -name "${KERNEL_PACKAGE}_*.deb" \
		! -name "${KERNEL_PACKAGE}_${version}_*.deb" -delete
	for try in first second; do
		(cd "$CACHE" && private_apt apt-get download "$KERNEL_PACKAGE")
		deb=$(ls "$CACHE/$KERNEL_PACKAGE"_*.deb)
		if echo "$hash  $deb" | sha256sum --check --status; then
			echo "$version" >"$SOURCE.version.new"
			return 0
		fi
		echo "$deb does not have the hash of the signed index; $try try"
		rm -f "$deb"
	done
	return 1
}

# Unpacks into a folder of another name first: a tree called "source" is whole.
unpack() {
	rm -rf "$SOURCE.new" "$SOURCE"
	mkdir -p "$SOURCE.new"
	deb=$(ls "$CACHE/$KERNEL_PACKAGE"_*.deb)
	dpkg-deb --fsys-tarfile "$deb" |
		tar -xOf - "./usr/src/$KERNEL_PACKAGE.tar.xz" >"$SOURCE.tar.xz"
	tar -C "$SOURCE.new" --strip-components=1 -I 'xz -T0' -xf "$SOURCE.tar.xz"
	rm -f "$SOURCE.tar.xz" "$deb"
	mv "$SOURCE.new" "$SOURCE"
	mv "$SOURCE.version.new" "$SOURCE.version"
}

[ ! -e "$SOURCE.version" ] || [ ! -d "$SOURCE" ] || exit 0
need_space "$CACHE" "$SPACE_MIB"
rm -f "$SOURCE.version"
step download "$KERNEL_PACKAGE, from this machine's Debian mirror" download
step unpack "$KERNEL_PACKAGE" unpack
