#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Removes what is kept between runs, for all clones: downloads, unpacked
# sources, kernel objects.  Touches nothing that the runner did not make.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"

rm -rf "${CACHE:?}/apt" "$CACHE/source" "$CACHE/source.new" "$CACHE/source.version" "$CACHE/source.tar.xz" "$CACHE"/source-[0-9]* "$CACHE/series" "$CACHE/trees" "$CACHE/bochs"
rm -f "$CACHE"/linux-source-*.deb
[ ! -d "$CACHE" ] || rmdir --ignore-fail-on-non-empty "$CACHE"
