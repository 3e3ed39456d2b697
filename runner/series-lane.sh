#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The whole way of a series: written for a kernel, applied to a fresh git tree of
# it patch by patch, each one built, the tests installed as the kernel installs
# them, and run on all hosts, which boot that tree with the probe in it.  Takes
# some ten minutes, and the disk for another source tree.
# runner/tests/series_test.sh has what is quick.

set -eu
LC_ALL=C
export LC_ALL
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"
supervise "$@"
. "$top/runner/prepare.sh"
. "$top/runner/seed.sh"
. "$top/runner/series-lib.sh"

lane=$CACHE/series
linux=$lane/linux
objects=$lane/objects

kmake() { # argument...
	make -s -j"$JOBS" -C "$linux" O="$objects" "$@" </dev/null
}

suite_git() { # argument...
	seed_git "$linux" "$@"
}

fresh_tree() {
	seed_repository "$source" "$linux"
	cp "$lane/wanted" "$lane/made"
}

reset_tree() {
	suite_git am --abort 2>/dev/null || :
	suite_git checkout -q -f --detach base
	suite_git clean -fdqx
}

# KVM alone: a series for it changes nothing else of the kernel.
configure() {
	mkdir -p "$objects"
	{
		host_config
		echo CONFIG_KVM_TDP_WALK=m
	} >"$lane/config"
	kmake KCONFIG_ALLCONFIG="$lane/config" allnoconfig
	kmake modules_prepare
	kmake headers
}

# What a patch may have broken: KVM, if it touches the kernel, or its selftests.
build_patch() { # patch
	suite_git am -q "$1"
	if grep -q '^+++ b/arch/' "$1"; then
		kmake olddefconfig
		kmake arch/x86/kvm/
	fi
	! grep -q '^+++ b/tools/' "$1" || kmake -C tools/testing/selftests TARGETS=kvm FORCE_TARGETS=1
}

install_kselftest() {
	rm -rf "$lane/install"
	kmake kselftest-install TARGETS=kvm INSTALL_PATH="$lane/install"
}

# Without /dev/kvm, with which KVM's other tests, some of them on what KVM can
# do without virtualization of its own, take an hour.
without_kvm() { # command...
	unshare -m sh -eu -c '
		dev=$(mktemp -d)
		mount -t tmpfs dev "$dev"
		cp -a /dev/null /dev/zero /dev/random /dev/urandom "$dev"
		ln -s /proc/self/fd "$dev/fd"
		ln -s fd/1 "$dev/stdout"
		ln -s fd/2 "$dev/stderr"
		mount --bind "$dev" /dev
		exec "$@"' sh "$@"
}

# As anybody would, where there is no KVM: each is run, and says so.  kselftest opens
# its standard output again for each test, to append.
run_kselftest() {
	rm -f "$lane/ktap" "$lane/ktap.installed"
	without_kvm make -s -j"$JOBS" -C "$linux" O="$objects" kselftest TARGETS=kvm </dev/null >>"$lane/ktap" 2>&1
	# Ends as its worst test does, and of the kernel's own one fails without KVM.
	without_kvm "$lane/install/run_kselftest.sh" -c kvm </dev/null >>"$lane/ktap.installed" 2>&1 || :
	for ktap in "$lane/ktap" "$lane/ktap.installed"; do
		all_skipped "$ktap" || { tail -n 40 "$ktap"; return 1; }
	done
}

# Each of ours is there, as a skip, and tells the reason.
all_skipped() { # file
	for test in $(cd "$COLLECTION" && printf '%s\n' x86_64/*_test.c); do
		test=$(basename "$test" .c)
		sed -n "/^# selftests: kvm: $test\$/,/^\(not \)*ok /p" "$1" >"$lane/one"
		grep -q '^# 1\.\.0 # SKIP .' "$lane/one" && grep -q "^ok [0-9]* selftests: kvm: $test # SKIP" "$lane/one" ||
			{ echo "$test was not skipped with a reason: $1"; return 1; }
	done
}

left_clean() {
	suite_git status --porcelain --untracked-files=all --ignored >"$lane/status"
	cat "$lane/status"
	[ ! -s "$lane/status" ]
}

if [ -n "$KDIR" ]; then source=$KDIR; else source=$SOURCE; fi
"$top/runner/series.sh"
mkdir -p "$lane"
# Nothing tells whether a tree of the user's has changed: it is copied anew.
echo "$source $([ -n "$KDIR" ] && date +%s || cat "$SOURCE.version")" >"$lane/wanted"
cmp -s "$lane/wanted" "$lane/made" || step tree "a git tree of $source" fresh_tree
step reset "the tree as it was" reset_tree
step config "configuring KVM" configure
for patch in "$OUT"/series/*.patch; do
	step "$(basename "$patch" | cut -d - -f 1)" "$(basename "$patch")" build_patch "$patch"
done
step install "make kselftest-install" install_kselftest
step kselftest "make kselftest" run_kselftest
step clean "checkpatch --strict" series_clean "$linux" "$OUT/series"
step status "nothing is left in the tree" left_clean
INSTALLED=$lane/install/kvm
if [ -z "$KDIR" ]; then
	prepare
	step seed "taking over the kernel that is built" seed "$linux"
fi
KDIR=$linux KERNEL=
export INSTALLED KDIR KERNEL
exec "$top/runner/run.sh"
