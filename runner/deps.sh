#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Makes sure that the machine has what a run needs.  As root installs what is
# missing; as anybody else prints the one command to give and stops.  Looks for
# files, not for packages, so that another distribution's machine serves too.
# Usage: deps.sh [check] [FAMILY...], for the linters and for kinds of machines.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"

# A file, or a command's name, and the Debian package that brings it.
NEEDED='
gcc			gcc
make			make
ld			binutils
/usr/include/stdio.h	libc6-dev
/usr/lib/x86_64-linux-gnu/libc.a	libc6-dev
flex			flex
bison			bison
bc			bc
perl			perl
patch			patch
xz			xz-utils
tar			tar
rsync			rsync
/usr/include/libelf.h	libelf-dev
/usr/include/openssl/ssl.h	libssl-dev
/bin/busybox		busybox-static
python3			python3
git			git
'
# Only a host of the family svm asks for this.
QEMU='
qemu-system-x86_64	qemu-system-x86
'
# Only a host of the family tdx asks for these.
BOCHS='
g++			g++
genisoimage		genisoimage
/usr/lib/ISOLINUX/isolinux.bin	isolinux
/usr/lib/syslinux/modules/bios/ldlinux.c32	syslinux-common
/usr/share/bochs/BIOS-bochs-latest	bochsbios
/usr/share/vgabios/vgabios.bin	vgabios
'
# Only `make check` and `make test` ask for these.
LINTERS='
shellcheck		shellcheck
xmllint			libxml2-utils
cppcheck		cppcheck
sparse			sparse
yamllint		yamllint
'

present() { # file or command
	case $1 in
	/*) [ -e "$1" ] ;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac
}

missing_packages() { # list
	echo "$1" | while read -r item package; do
		[ -z "$item" ] || present "$item" || echo "$package"
	done | sort -u | tr '\n' ' '
}

# In a session of its own: what kills the run must not leave half a package.
install() { # package...
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q update
	setsid -w apt-get -q -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "$@"
}

list=$NEEDED
for what; do
	case $what in
	check) list=$list$LINTERS ;;
	svm) list=$list$QEMU ;;
	tdx) list=$list$BOCHS ;;
	esac
done

missing=$(missing_packages "$list")
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null 2>&1 ||
	die "missing: what Debian has in the packages ${missing}(this machine has no apt-get)"
[ "$(id -u)" -eq 0 ] ||
	die "packages are missing; as root: apt-get install -y --no-install-recommends $missing"
# shellcheck disable=SC2086 # the words of the list are the arguments
step packages "installing $missing" install $missing
missing=$(missing_packages "$list")
[ -z "$missing" ] || die "installed, but still not there: $missing"
