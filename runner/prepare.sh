# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# From whatever this machine has to a kernel and tests that a host can boot:
# packages, source, shadow, kernel, probe, tests.  Sourced, never executed;
# prepare() leaves $source, $tree and $shadow behind.

TREE_SPACE_MIB=2000
OUT_SPACE_MIB=100

# SPDX-License-Identifier: GPL-2.0
#
# From whatever this machine has to a verdict: packages, kernel source, shadow,
# kernel, probe, tests, hosts, report.  runner/lib.sh lists the environment.
# Exit status 0 means that the kernel under test conforms.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"

TREE_SPACE_MIB=2000
OUT_SPACE_MIB=100

# One folder of objects for each kernel tree, named so that people know it.
tree_folder() { # source
	printf '%s/trees/%s-%s\n' "$CACHE" "$(basename "$1")" "$(printf '%s' "$1" | cksum | cut -d ' ' -f 1)"
}

# SPDX-License-Identifier: GPL-2.0
#
# From whatever this machine has to a verdict: packages, kernel source, shadow,
# kernel, probe, tests, hosts, report.  runner/lib.sh lists the environment.
# Exit status 0 means that the kernel under test conforms.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"

TREE_SPACE_MIB=2000
OUT_SPACE_MIB=100

# One folder of objects for each kernel tree, named so that people know it.
tree_folder() { # source
	printf '%s/trees/%s-%s\n' "$CACHE" "$(basename "$1")" "$(printf '%s' "$1" | cksum | cut -d ' ' -f 1)"
}

# Two runs at once on one tree would build over each other.
lock_tree() {
	exec 9>"$tree/lock"
	flock -n 9 || {
		say "waiting for another run on the same kernel tree"
		flock 9
	}
}

# SPDX-License-Identifier: GPL-2.0
#
# From whatever this machine has to a verdict: packages, kernel source, shadow,
# kernel, probe, tests, hosts, report.  runner/lib.sh lists the environment.
# Exit status 0 means that the kernel under test conforms.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"

TREE_SPACE_MIB=2000
OUT_SPACE_MIB=100

# One folder of objects for each kernel tree, named so that people know it.
tree_folder() { # source
	printf '%s/trees/%s-%s\n' "$CACHE" "$(basename "$1")" "$(printf '%s' "$1" | cksum | cut -d ' ' -f 1)"
}

# Two runs at once on one tree would build over each other.
lock_tree() {
	exec 9>"$tree/lock"
	flock -n 9 || {
		say "waiting for another run on the same kernel tree"
		flock 9
	}
}

# Every source is a test that must be there, whether or not the Makefile knows.
all_tests() {
	for file in "$COLLECTION"/x86_64/*_test.c; do
		basename "$file" .c
	done
}

install_headers() {
	make -s -C "$shadow" O="$tree/objects" headers_install INSTALL_HDR_PATH="$tree/headers" </dev/null
	touch "$tree/headers/stamp"
}

# SPDX-License-Identifier: GPL-2.0
#
# From whatever this machine has to a verdict: packages, kernel source, shadow,
# kernel, probe, tests, hosts, report.  runner/lib.sh lists the environment.
# Exit status 0 means that the kernel under test conforms.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"

TREE_SPACE_MIB=2000
OUT_SPACE_MIB=100

# One folder of objects for each kernel tree, named so that people know it.
tree_folder() { # source
	printf '%s/trees/%s-%s\n' "$CACHE" "$(basename "$1")" "$(printf '%s' "$1" | cksum | cut -d ' ' -f 1)"
}

# Two runs at once on one tree would build over each other.
lock_tree() {
	exec 9>"$tree/lock"
	flock -n 9 || {
		say "waiting for another run on the same kernel tree"
		flock 9
	}
}

# Every source is a test that must be there, whether or not the Makefile knows.
all_tests() {
	for file in "$COLLECTION"/x86_64/*_test.c; do
		basename "$file" .c
	done
}

install_headers() {
	make -s -C "$shadow" O="$tree/objects" headers_install INSTALL_HDR_PATH="$tree/headers" </dev/null
	touch "$tree/headers/stamp"
}

install_tests() {
	make -s -j"$JOBS" -C "$COLLECTION" ARCH=x86_64 KDIR="$shadow" OUTPUT="$tree/tests" \
		KHDR_INCLUDES="-isystem $tree/headers/include" \
		INSTALL_PATH="$tree/install" install </dev/null
}

# SPDX-License-Identifier: GPL-2.0
#
# From whatever this machine has to a verdict: packages, kernel source, shadow,
# kernel, probe, tests, hosts, report.  runner/lib.sh lists the environment.
# Exit status 0 means that the kernel under test conforms.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"

TREE_SPACE_MIB=2000
OUT_SPACE_MIB=100

# One folder of objects for each kernel tree, named so that people know it.
tree_folder() { # source
	printf '%s/trees/%s-%s\n' "$CACHE" "$(basename "$1")" "$(printf '%s' "$1" | cksum | cut -d ' ' -f 1)"
}

# Two runs at once on one tree would build over each other.
lock_tree() {
	exec 9>"$tree/lock"
	flock -n 9 || {
		say "waiting for another run on the same kernel tree"
		flock 9
	}
}

# Every source is a test that must be there, whether or not the Makefile knows.
all_tests() {
	for file in "$COLLECTION"/x86_64/*_test.c; do
		basename "$file" .c
	done
}

install_headers() {
	make -s -C "$shadow" O="$tree/objects" headers_install INSTALL_HDR_PATH="$tree/headers" </dev/null
	touch "$tree/headers/stamp"
}

install_tests() {
	make -s -j"$JOBS" -C "$COLLECTION" ARCH=x86_64 KDIR="$shadow" OUTPUT="$tree/tests" \
		KHDR_INCLUDES="-isystem $tree/headers/include" \
		INSTALL_PATH="$tree/install" install </dev/null
}

tests_changed() {
	[ ! -e "$tree/tests-built" ] || [ -s "$tree/changed" ] ||
		[ -n "$(find "$COLLECTION" "$top/kernel/arch/x86/kvm/mmu/kvm_tdp_walk.h" \
			-newer "$tree/tests-built" -print -quit)" ]
}

# SPDX-License-Identifier: GPL-2.0
#
# From whatever this machine has to a verdict: packages, kernel source, shadow,
# kernel, probe, tests, hosts, report.  runner/lib.sh lists the environment.
# Exit status 0 means that the kernel under test conforms.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"

TREE_SPACE_MIB=2000
OUT_SPACE_MIB=100

# One folder of objects for each kernel tree, named so that people know it.
tree_folder() { # source
	printf '%s/trees/%s-%s\n' "$CACHE" "$(basename "$1")" "$(printf '%s' "$1" | cksum | cut -d ' ' -f 1)"
}

# Two runs at once on one tree would build over each other.
lock_tree() {
	exec 9>"$tree/lock"
	flock -n 9 || {
		say "waiting for another run on the same kernel tree"
		flock 9
	}
}

# Every source is a test that must be there, whether or not the Makefile knows.
all_tests() {
	for file in "$COLLECTION"/x86_64/*_test.c; do
		basename "$file" .c
	done
}

install_headers() {
	make -s -C "$shadow" O="$tree/objects" headers_install INSTALL_HDR_PATH="$tree/headers" </dev/null
	touch "$tree/headers/stamp"
}

install_tests() {
	make -s -j"$JOBS" -C "$COLLECTION" ARCH=x86_64 KDIR="$shadow" OUTPUT="$tree/tests" \
		KHDR_INCLUDES="-isystem $tree/headers/include" \
		INSTALL_PATH="$tree/install" install </dev/null
}

tests_changed() {
	[ ! -e "$tree/tests-built" ] || [ -s "$tree/changed" ] ||
		[ -n "$(find "$COLLECTION" "$top/kernel/arch/x86/kvm/mmu/kvm_tdp_walk.h" \
			-newer "$tree/tests-built" -print -quit)" ]
}

prepare_tests() {
	tests_changed || return 0
	rm -f "$tree/tests-built"
	[ -e "$tree/headers/stamp" ] && ! grep -q '/uapi/' "$tree/changed" ||
		step headers "installing the kernel's headers" install_headers
	step tests "building" install_tests
	touch "$tree/tests-built"
}

known_hosts() {
	(cd "$top/runner/machines" && printf '%s\n' *.sh) | sed 's/\.sh$//' | paste -sd ' '
}

refuse_unknown_hosts() {
	for host in $HOSTS; do
		[ -e "$top/runner/machines/$host.sh" ] ||
			die "HOSTS: there is no host $host; there are: $(known_hosts)"
	done
}

# Which tree is judged, and where its objects are.
choose_tree() {
	[ -z "$KDIR" ] || [ -d "$KDIR" ] || die "KDIR=$KDIR is no folder"
	if [ -n "$KDIR" ]; then source=$(cd "$KDIR" && pwd); else source=$CACHE/source; fi
	tree=$(tree_folder "$source")
	shadow=$tree/shadow
	mkdir -p "$tree"
}

prepare() {
	refuse_unknown_hosts
	need_space "$OUT" "$OUT_SPACE_MIB"
	"$top/runner/deps.sh"
	choose_tree
	lock_tree
	[ -n "$KDIR" ] || "$top/runner/source.sh"
	[ -e "$tree/built" ] || need_space "$tree" "$TREE_SPACE_MIB"
	"$top/runner/shadow.sh" "$source" "$tree"
	"$top/runner/kernel.sh" "$tree"
	prepare_tests
}
