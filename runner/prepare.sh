# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# From whatever this machine has to a kernel and tests that a host can boot:
# packages, source, shadow, kernel, probe, tests.  Sourced, never executed;
# prepare() leaves $source, $tree and $shadow behind.

TREE_SPACE_MIB=2000
OUT_SPACE_MIB=100

# One folder of objects for each kernel tree and set of options, named so that
# people know it.
tree_folder() { # source
	printf '%s/trees/%s%s%s-%s\n' "$CACHE" "$(basename "$1")" "${VARIANT:+-$VARIANT}" \
		"$([ -z "$KCONFIG" ] || basename "$KCONFIG" | sed 's/\.config$//; s/^/-/')" \
		"$(printf '%s ' "$1" | cksum | cut -d ' ' -f 1)"
}

# Where the gate checks out the base of a change.
base_folder() { # source
	printf '%s/gate/%s-%s\n' "$CACHE" "$(basename "$1")" "$(printf '%s' "$1" | cksum | cut -d ' ' -f 1)"
}

# Two runs at once with one folder of results would each judge what the other
# wrote.  Waiting is no help: the second would replace what the first found.
lock_out() {
	need_space "$OUT" "$OUT_SPACE_MIB"
	exec 7>"$OUT/lock"
	flock -n 7 || die "another run writes its results to $OUT; let it end, or give this one another folder with OUT="
}

# Two runs at once on one tree would build over each other.
lock_tree() {
	mkdir -p "$tree"
	exec 9>"$tree/lock"
	flock -n 9 || {
		say "waiting for another run on the same kernel tree"
		flock 9
	}
}

install_headers() {
	make -s -j"$JOBS" -C "$shadow" O="$tree/objects" headers_install INSTALL_HDR_PATH="$tree/headers" </dev/null
}

# Without debug information, which is most of a binary and a seventh of the time, and
# which neither an initramfs nor a bundle keeps.
install_tests() {
	make -s -j"$JOBS" -C "$COLLECTION" ARCH=x86_64 KDIR="$shadow" OUTPUT="$tree/tests" \
		KHDR_INCLUDES="-isystem $tree/headers/include" \
		CPPFLAGS="-g0${CPPFLAGS:+ $CPPFLAGS}" INSTALL_PATH="$tree/install" install </dev/null
}

# Marks of what is built go as soon as it may be stale, and come back only
# when it was built again: a run that fails in between changes nothing of that.
forget_stale() {
	[ ! -s "$tree/changed" ] || rm -f "$tree/tests-built"
	[ -e "$tree/built" ] && ! grep -qE '^\.$|/uapi/' "$tree/changed" ||
		rm -f "$tree/headers-built" "$tree/tests-built"
	[ ! -e "$tree/tests-built" ] ||
		[ -z "$(find "$COLLECTION" "$top/kernel/arch/x86/kvm/mmu/kvm_tdp_walk.h" \
			-newer "$tree/tests-built" -print -quit)" ] ||
		rm -f "$tree/tests-built"
}

# What the tree has not got, and which tests are left out therefore: a sentence
# each, for the report.
note_lacking() {
	"$COLLECTION/lacks.sh" tests "$source" >"$tree/lacking"
	sed -n 's/^\(.*\)_test: \(.*\)/\1_test is left out: \2/p; s/^tdx: /tests of TDs are left out, and hosts of the family tdx judge other VMs alone: /p' \
		"$tree/lacking" >>"$tree/notes"
}

# True for a test or a benchmark that can be built for the tree.
buildable() { # test
	! grep -qsE "^$1: " "$tree/lacking" || return 1
	case $1 in tdx_*) ! grep -qs '^tdx: ' "$tree/lacking" ;; esac
}

# A mark is as old as the start of its build: what changes during it is newer.
prepare_tests() {
	[ -z "$INSTALLED" ] || return 0
	if [ ! -e "$tree/headers-built" ]; then
		step headers "installing the kernel's headers" install_headers
		touch "$tree/headers-built"
	fi
	if [ ! -e "$tree/tests-built" ]; then
		touch "$tree/tests-started"
		step tests "building" install_tests
		mv "$tree/tests-started" "$tree/tests-built"
	fi
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

# What a machine file says, without its functions.
machine_value() { # host name
	(. "$top/runner/machines/$1.sh" && eval "printf '%s\n' \"\$$2\"")
}

families() {
	for host in $HOSTS; do
		machine_value "$host" MACHINE_FAMILY
	done | sort -u
}

# What is not worth a package or an emulator.  shadow.sh knows more.
refuse_unusable() {
	[ -z "$KDIR" ] || [ -e "$source/Kbuild" ] || die "KDIR=$KDIR is no Linux source tree"
	[ -z "$KDIR" ] || [ -d "$source/arch/x86/kvm/mmu" ] ||
		die "KDIR=$KDIR has no KVM for x86 (arch/x86/kvm/mmu): there is nothing to judge"
	case $VARIANT in '' | debug) ;; *) die "VARIANT=$VARIANT is not known; there is: debug" ;; esac
	[ -z "$KCONFIG" ] || [ -r "$KCONFIG" ] || die "KCONFIG=$KCONFIG cannot be read"
}

# Every source is a test that must be there, whether or not the Makefile knows.
all_tests() {
	for file in "$COLLECTION"/x86_64/*_test.c; do
		all_test=$(basename "$file" .c)
		! buildable "$all_test" || echo "$all_test"
	done
}

# True if one of the patterns that a machine file has under a name fits a test.
machine_names() { # host test name
	# shellcheck disable=SC2254 # the words are patterns
	for machine_pattern in $(machine_value "$1" "$3"); do
		case $2 in $machine_pattern) return 0 ;; esac
	done
	return 1
}

# True if a machine lacks what a test is about.
lacks() { # host test
	machine_names "$1" "$2" MACHINE_WITHOUT
}

# True if a test belongs to this machine before all others of its family.
asks_for() { # host test
	machine_names "$1" "$2" MACHINE_TESTS
}

# Which tree is judged, and where its objects are.
choose_tree() {
	[ -z "$KDIR" ] || [ -d "$KDIR" ] || die "KDIR=$KDIR is no folder"
	if [ -n "$KDIR" ]; then source=$(cd "$KDIR" && pwd); else source=$SOURCE; fi
	tree=$(tree_folder "$source")
	shadow=$tree/shadow
}

# The tests alone, for a kernel that is built and runs already: from the library
# of KDIR or of the default kernel.  They speak KVM's stable ABI and ask at run
# time what there is, so one library serves them all; the kernel that runs may
# be too old to have one for TDs, and few machines have its source.
prepare_native() {
	choose_tree
	refuse_unusable
	tree=$tree-native
	shadow=$tree/shadow
	"$top/runner/deps.sh"
	lock_tree
	[ -n "$KDIR" ] || "$top/runner/source.sh"
	"$top/runner/shadow.sh" "$source" "$tree"
	forget_stale
	DIE_STATUS=125
	prepare_tests
	DIE_STATUS=2
	: >"$tree/changed"
	touch "$tree/built"
}

# The emulator is built beside the kernel, when that leaves a CPU idle, and what is
# left of it after that.  Without a network that is said at once.
start_emulator() {
	"$top/runner/bochs.sh" get
	mkdir -p "$LOGS"
	nice -n 19 "$top/runner/bochs.sh" >"$LOGS/emulator.said" 2>&1 &
	emulator_build=$!
}

await_emulator() {
	# A step that goes on has not said yet how long it took.
	case $(cat "$LOGS/emulator.said") in *'... ') say "waiting until the emulator is built, too" ;; esac
	emulator_status=0
	wait "$emulator_build" || emulator_status=$?
	[ "$emulator_status" -eq 0 ] || { cat "$LOGS/emulator.said" >&2; exit "$emulator_status"; }
	cat "$LOGS/emulator.said"
}

prepare() {
	refuse_unknown_hosts
	choose_tree
	refuse_unusable
	families=$(families)
	# shellcheck disable=SC2086 # the words of the list are the arguments
	"$top/runner/deps.sh" $families
	case $families in *tdx*) start_emulator ;; esac
	lock_tree
	[ -n "$KDIR" ] || "$top/runner/source.sh"
	[ -e "$tree/built" ] || need_space "$tree" "$TREE_SPACE_MIB"
	"$top/runner/shadow.sh" "$source" "$tree"
	note_lacking
	forget_stale
	"$top/runner/kernel.sh" "$tree"
	# They are built against the library of the kernel under test.
	DIE_STATUS=125
	prepare_tests
	DIE_STATUS=2
	case $families in *tdx*) await_emulator ;; esac
}
