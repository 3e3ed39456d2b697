#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Whatever goes wrong around a run is said in one sentence, ends in the status
# that is meant for it, leaves nothing behind, and the next run recovers.  KTAP.

set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$top/runner/tests/toy.sh"
source_file=$work/linux/arch/x86/kvm/mmu/tdp_mmu.c

passes() {
	says 0 '^Verdict: pass' run.sh
}

# Waits for a condition, long enough for a machine that is busy otherwise.
until_true() { # command...
	tries=600
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || { echo "in vain: $*"; return 1; }
		sleep 0.1
	done
}

# No more, or a zombie that nobody has waited for yet.
gone() { # pid
	! kill -0 "$1" 2>/dev/null || grep -q '^[0-9]* ([^)]*) Z' "/proc/$1/stat"
}

# Nothing of a run is left: neither the emulator nor whatever else works in $work.
nothing_left() {
	until_true none_works || {
		pgrep -af "$work/suite"
		return 1
	}
}

none_works() {
	! pgrep -f "$work/(suite|linux|bin)/" >/dev/null
}

# A run that is killed: once a file is there, with a signal to its first process.
killed() { # signal file status
	rm -f "$work/emulator.pid" "$work/out/log/kernel.log"
	env --default-signal=INT PATH="$work/bin:$PATH" HOSTS=svm KDIR="$work/linux" CACHE="$work/cache" \
		OUT="$work/out" TESTS= V=0 "$suite/runner/run.sh" >"$work/said" 2>&1 &
	killed_pid=$!
	until_true test -e "$2" || return 1
	kill "-$1" "$killed_pid"
	came=0
	wait "$killed_pid" || came=$?
	[ "$came" -eq "$3" ] || { echo "wanted status $3, got $came"; cat "$work/said"; return 1; }
	nothing_left
}

# All at once, as when memory runs out: only the kernel is left to clean up.
all_killed() {
	rm -f "$work/emulator.pid"
	TOY_EMULATOR=hangs toy run.sh &
	until_true test -e "$work/emulator.pid" || return 1
	# shellcheck disable=SC2046 # one argument a process
	kill -KILL $(pgrep -f "$work/suite/runner/")
	wait
	until_true gone "$(cat "$work/emulator.pid")"
}

# A machine that has all but some commands.
without() { # command...
	rm -rf "$work/few"
	mkdir "$work/few"
	for folder in /usr/sbin /usr/bin /sbin /bin; do
		ln -s "$folder"/* "$work/few" 2>/dev/null
	done
	for command; do rm -f "$work/few/$command"; done
	printf '#!/bin/sh\necho 1000\n' >"$work/few.id"
	chmod +x "$work/few.id"
	ln -sf "$work/few.id" "$work/few/id"
}

says_without() { # command words
	without "$1"
	[ "$1" = qemu-system-x86_64 ] || cp --remove-destination "$work/bin/qemu-system-x86_64" "$work/few/" # never through the link
	came=0
	env PATH="$work/few" HOSTS=svm KDIR="$work/linux" CACHE="$work/cache" OUT="$work/out" TESTS= V=0 \
		"$suite/runner/run.sh" >"$work/said" 2>&1 || came=$?
	[ "$came" -eq 2 ] && grep -q "$2" "$work/said" && return
	echo "status $came"
	cat "$work/said"
	return 1
}

# An apt that has no network, and says that it was called.
offline_apt() {
	cat >"$work/bin/apt-get" <<-'APT'
	#!/bin/sh
	echo "$*" >>"$(dirname "$0")/apt.log"
	case $* in
	indextargets*) echo "http://mirror.invalid/debian main Debian" ;;
	*) echo "E: Failed to fetch: Temporary failure resolving 'mirror.invalid'" >&2; exit 100 ;;
	esac
	APT
	chmod +x "$work/bin/apt-get"
}

# Another folder for results or objects, on a disk with 8 MiB.
small_disk() {
	mkdir -p "$work/small"
	mount -t tmpfs -o size=8m tmpfs "$work/small" 2>/dev/null
}

status_of_second() {
	TOY_EMULATOR=hangs toy run.sh &
	until_true test -e "$work/emulator.pid" || return 1
	first=$!
	cp "$work/out/svm/serial.log" "$work/serial.before"
	OUT=$work/out says 2 'another run writes its results to .*/out; ' run.sh || return 1
	cmp "$work/out/svm/serial.log" "$work/serial.before"
}

echo "KTAP version 1"
toy_suite
toy_kernel "$work/linux"
mkdir "$work/empty" "$work/nokvm"
touch "$work/nokvm/Kbuild"
offline_apt

check "a run passes when nothing is wrong" passes
check "and needs no network for that" test ! -e "$work/bin/apt.log"
KDIR=$work/nothere check "a KDIR that is not there" says 2 '^error: .*nothere is no folder$' run.sh
KDIR=$work/empty check "a KDIR that is no kernel tree" says 2 '^error: .*/empty is no Linux source tree$' run.sh
KDIR=$work/nokvm check "a kernel without KVM" says 2 'has no KVM for x86' run.sh
check "none of these leaves a folder of objects" test "$(find "$work/cache/trees" -mindepth 1 -maxdepth 1 | wc -l)" = 1
KCONFIG=$work/nothere check "options that are not there" says 2 'KCONFIG=.* cannot be read' run.sh
HOSTS=vax check "a host that is not there" says 2 'there is no host vax; there are: ' run.sh

cp -r "$work/linux" "$work/modules"
echo MODULES >"$work/modules/Kbuild"
KDIR=$work/modules check "a kernel that cannot have KVM" says 125 'cannot be configured with CONFIG_KVM' run.sh
echo '#error planted' >"$source_file"
check "a kernel that does not build" says 125 'failed: .*tdp_mmu.c:1:9: error: #error planted; the whole' run.sh
echo '/* put right */' >"$source_file"
check "and builds again" passes
echo mutant >"$source_file"
check "a kernel that fails is told apart from that" says 1 '^Verdict: fail' run.sh
echo '/* put right */' >"$source_file"

export TOY_EMULATOR=fails
check "an emulator that does not start" says 2 'did not start (exit status 1): qemu-system-x86_64: no such CPU' run.sh
check "that is no verdict about the kernel" grep -q '^Verdict: could not judge' "$work/said"
unset TOY_EMULATOR
check "a missing tool" says_without bison 'as root: apt-get install .* bison'
check "a missing emulator" says_without qemu-system-x86_64 'as root: apt-get install .*qemu-system-x86'
KDIR='' CACHE=$work/fresh check "no network" says 2 'mirror could not be read.*see that there is a network' run.sh
check "leaves nothing that passes for the kernel" test ! -e "$work/fresh/source.version"

TOY_EMULATOR=hangs check "TERM while a host runs leaves no process" killed TERM "$work/emulator.pid" 143
check "the next run recovers" passes
TOY_EMULATOR=hangs check "an interrupt while a host runs" killed INT "$work/emulator.pid" 130
TOY_EMULATOR=hangs check "even KILL leaves no emulator" killed KILL "$work/emulator.pid" 137
check "nor does KILL of all that watches it" all_killed
check "the run after them recovers" passes
echo '/* build anew */' >"$source_file"
TOY_BUILD=slow check "TERM while the kernel is built" killed TERM "$work/out/log/kernel.log" 143
check "the next run builds it" passes
check "and says so" grep -q '^kernel  *building' "$work/said"

rm -f "$work/emulator.pid"
check "a second run in one clone is refused, the first is left alone" status_of_second
kill "$(cat "$work/emulator.pid")"
wait

if ! small_disk; then
	skip "a full disk" "no tmpfs may be mounted here"
else
	OUT=$work/small/out check "too small a disk for results" says 2 'MiB free and .* MiB are needed' run.sh
	CACHE=$work/small/cache check "too small a disk for objects" says 2 'MiB free and .* MiB are needed' run.sh
	sed -i 's/^\(TREE\|OUT\)_SPACE_MIB=.*/\1_SPACE_MIB=1/' "$suite/runner/prepare.sh"
	TOY_BUILD=full CACHE=$work/small/cache check "a disk that fills while the kernel is built" \
		says 2 'the disk of .*/small/cache is full' run.sh
	rm -f "$work"/small/cache/trees/*/objects/zero
	CACHE=$work/small/cache check "with space again the kernel is built" passes
	TOY_EMULATOR=fills OUT=$work/small/out check "a disk that fills while a host runs" \
		says 2 'the disk of .*/small/out is full' run.sh
	rm "$work/small/out/svm/serial.log"
	OUT=$work/small/out check "with space again there is a verdict" passes
	umount "$work/small"
fi
finish
