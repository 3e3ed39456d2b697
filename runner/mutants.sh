#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Breaks KVM in the ways of mutants/series, one at a time, and sees whether the
# tests notice.  runner/lib.sh lists the environment; HOSTS says which hosts'
# mutants are run, VARIANT which kernel's: those that the ordinary one shows
# without it, with it those that this one alone shows.  More is
#   MUTANTS  the mutants to run, patterns of names separated by spaces
#   SHARD    i/n: only every n-th of them, from the i-th on
#
# What was noticed once is not run again while kernel, patch and test are the
# same.  While a mutant runs the next one is built.  Exit status 0 means that
# every mutant was noticed by a case that the series names for it, and that the
# unmutated kernel passes these cases.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"
supervise "$@"
. "$top/runner/prepare.sh"

: "${MUTANTS:=*}" "${SHARD:=1/1}"
out=$OUT/mutants
MODULES="virt/lib/irqbypass.ko arch/x86/kvm/kvm.ko arch/x86/kvm/kvm-amd.ko arch/x86/kvm/kvm-intel.ko"
# As large as the tree of objects that is copied.
MUTANTS_SPACE_MIB=1500

mutants() { # command option...
	mutants_command=$1
	shift
	python3 "$top/runner/mutants.py" "$mutants_command" --series "$top/mutants/series" \
		--known "$top/docs/known-failures.md" --version "$kernel_version" \
		--hosts "$HOSTS" --variant "$VARIANT" --select "$MUTANTS" --shard "$SHARD" \
		--kernel "$kernel_hash" --installed "$tree/install" --state "$state" "$@"
}

# All that runs on a host but the tests themselves.
hash_kernel() {
	for module in $MODULES; do
		cat "$tree/objects/$module"
	done | cat - "$tree/objects/arch/x86/boot/bzImage" "$tree/objects/.config" \
		"$tree/probe/kvm_tdp_walk.ko" "$top"/runner/guest/* "$top"/runner/machines/* |
		sha256sum | cut -d ' ' -f 1
}

# Replaces the links above a file by folders of links.
open_folder() { # path
	open_at=
	for open_word in $(dirname "$1" | tr / ' '); do
		open_at=$open_at/$open_word
		[ -L "$shadow$open_at" ] || continue
		open_target=$(readlink "$shadow$open_at")
		rm "$shadow$open_at"
		mkdir "$shadow$open_at"
		ln -s "$open_target"/* "$shadow$open_at/"
	done
}

# A tree of its own for mutants, as built as the one that it is made from:
# what make compares is a file's age, and its command with the paths in it.
seed() {
	rm -rf "$mutated"
	mkdir -p "$mutated"
	cp -a "$tree/objects" "$tree/shadow" "$mutated/"
	find "$mutated/objects" -name '.*.cmd' -print0 |
		xargs -0 sed -i "s,$tree/,$mutated/,g"
	sed -i "s,$tree/,$mutated/,g" "$mutated/objects/Makefile"
	ln -sfn "$mutated/shadow" "$mutated/objects/source"
	sed -n 's,^+++ b/,,p' "$top"/mutants/*.patch | sort -u | while read -r path; do
		open_folder "$path"
	done
	# shellcheck disable=SC2086 # the words of the list are the arguments
	build_modules $MODULES
	for module in $MODULES; do
		cmp "$mutated/objects/$module" "$tree/objects/$module"
	done
}

build_modules() { # module...
	make -C "$shadow" O="$mutated/objects" -j"$JOBS" -s "$@" </dev/null
}

# The file in which make noted how it built something.
noted() { # object
	printf '%s/.%s.cmd\n' "$(dirname "$1")" "$(basename "$1")"
}

# Runs the commands that built these, as make noted them: to have make look for
# what has not changed takes longer than the compiler.
rebuild() { # object...
	for rebuild_object; do
		printf 'include %s\n' "$(noted "$rebuild_object")"
	done >"$mutated/rebuild.mk"
	printf '.PHONY: all\nall:\n' >>"$mutated/rebuild.mk"
	for rebuild_object; do
		sed -n 's/^\(savedcmd_[^ ]*\) := .*/\t$(\1)/p' "$mutated/objects/$(noted "$rebuild_object")"
	done >>"$mutated/rebuild.mk"
	make -C "$mutated/objects" -f "$mutated/rebuild.mk" -s all </dev/null
}

module_of() { # source
	case $1 in
	arch/x86/kvm/vmx/*) echo arch/x86/kvm/kvm-intel ;;
	*) echo arch/x86/kvm/kvm ;;
	esac
}

# What includes a header is known to make alone.
build_touched() {
	if grep -q '\.h$' "$mutated/touched"; then
		# shellcheck disable=SC2086 # the words of the list are the arguments
		build_modules $MODULES
		return
	fi
	while read -r path; do
		module_of "$path"
	done <"$mutated/touched" | sort -u >"$mutated/modules"
	# shellcheck disable=SC2046 # the words of the lists are the arguments
	rebuild $(sed 's/c$/o/' "$mutated/touched") $(sed 's/$/.o/' "$mutated/modules") $(sed 's/$/.ko/' "$mutated/modules")
}

# Copies files as they are in the normal tree, ages included.
copy_built() { # find-option...
	(cd "$tree/objects" && find arch/x86/kvm virt/kvm "$@" -print0 |
		xargs -0 cp -p --parents -t "$mutated/objects")
}

# Puts the files of the last mutant back, and what was built of them, so that
# they need not be built again.
restore() {
	while read -r path; do
		rm -f "$shadow/$path"
		cp -aL "$tree/shadow/$path" "$shadow/$path"
		case $path in
		*.c) cp -p "$tree/objects/${path%.c}.o" "$mutated/objects/${path%.c}.o" ;;
		*) copy_built -name '*.o' ;;
		esac
	done <"$mutated/touched"
	copy_built \( -name 'kvm*.o' -o -name '*.ko' \)
	: >"$mutated/touched"
}

# The first source of each module says which mutant it is.
mark() { # watermark
	grep '\.c$' "$mutated/touched" >"$mutated/marked" || echo arch/x86/kvm/mmu/mmu.c >"$mutated/marked"
	sed -n '/vmx/{p;q;}' "$mutated/marked" >"$mutated/first"
	sed -n '/vmx/!{p;q;}' "$mutated/marked" >>"$mutated/first"
	while read -r path; do
		grep -qxF "$path" "$mutated/touched" || {
			open_folder "$path"
			rm -f "$shadow/$path"
			cp -L "$tree/shadow/$path" "$shadow/$path"
			echo "$path" >>"$mutated/touched"
		}
		printf '\n#include <linux/module.h>\nMODULE_VERSION("%s");\n' "$1" >>"$shadow/$path"
	done <"$mutated/first"
}

mutate() { # name watermark
	patch=$top/mutants/$1.patch
	sed -n 's,^+++ b/,,p' "$patch" >"$mutated/touched"
	while read -r path; do
		open_folder "$path"
		rm -f "$shadow/$path"
		cp -L "$tree/shadow/$path" "$shadow/$path"
	done <"$mutated/touched"
	patch -d "$shadow" -p1 -F0 -s --no-backup-if-mismatch <"$patch"
	mark "$2"
}

# Everything that host.sh boots, in a place of its own: the next mutant is
# built meanwhile.
stage() { # folder objects
	rm -rf "$1"
	mkdir -p "$1/objects/arch/x86/kvm" "$1/objects/arch/x86/boot" "$1/objects/virt" "$1/objects/usr"
	for module in $MODULES; do
		mkdir -p "$1/objects/$(dirname "$module")"
		cp "$2/$module" "$1/objects/$module"
	done
	# No symbolic link: what makes a CD leaves those out.
	ln "$tree/objects/arch/x86/boot/bzImage" "$1/objects/arch/x86/boot/bzImage"
	ln -s "$tree/objects/usr/gen_init_cpio" "$1/objects/usr/gen_init_cpio"
	mkdir "$1/probe"
	cp "$tree/probe/kvm_tdp_walk.ko" "$1/probe/"
}

build_mutant() { # name watermark
	restore
	mutate "$1" "$2"
	build_touched
}

# All tests of a host, the named one first.
tests_of() { # host first
	echo "$2"
	for test in $(all_tests); do
		[ "$test" = "$2" ] || lacks "$1" "$test" || echo "$test"
	done
}

# shellcheck disable=SC2046 # the words of the list are the arguments
boot() { # name host folder watch-option test...
	boot_name=$1 boot_host=$2 boot_folder=$3 boot_watch=$4
	shift 4
	OUT=$out/$boot_name WATCH_OPTIONS="--plain $boot_watch" \
		"$top/runner/host.sh" "$boot_host" "$boot_folder" "$tree/install" "$@" 2>"$out/$boot_name/watch.log"
}

# The named cases, and all tests of the host only if those noticed nothing.
run_mutant() { # name host test build-ms
	status=0
	folder=$mutated/stage/$1
	mkdir -p "$out/$1"
	mutants cases --name "$1" --into "$folder/cases"
	boot "$1" "$2" "$folder" --first-failure "$3"
	mutants judge --name "$1" --out "$out/$1" --build-ms "$4" --more || status=$?
	if [ "$status" = 2 ]; then
		rm -rf "$folder/cases"
		mutants rest --into "$folder/cases"
		# shellcheck disable=SC2046 # the words of the list are the arguments
		boot "$1" "$2" "$folder" --first-failure $(tests_of "$2" "$3")
		mutants judge --name "$1" --out "$out/$1" --build-ms "$4" || :
	fi
	rm -rf "$folder"
}

# One boot a host, with the cases that are to notice the mutants that follow.
run_control() { # host
	folder=$mutated/stage/control-$1
	stage "$folder" "$tree/objects"
	mkdir -p "$out/control"
	awk -v host="$1" '$2 == host { print $1 }' "$out/todo" | while read -r name; do
		mutants cases --name "$name" --into "$folder/one" || return 1
		mkdir -p "$folder/cases"
		for file in "$folder"/one/*; do
			cat "$file" >>"$folder/cases/$(basename "$file")"
		done
		rm -rf "$folder/one"
	done || return 1
	for file in "$folder"/cases/*; do
		sort -u -o "$file" "$file"
	done
	# shellcheck disable=SC2046 # the words of the list are the arguments
	boot control "$1" "$folder" --silence=$((120 * TIME_FACTOR)) $(cd "$folder/cases" && echo *)
	control=0
	mutants control --name "$1" --out "$out/control" --into "$folder/cases" || control=1
	rm -rf "$folder"
	return "$control"
}

wait_for_run() {
	[ -z "$running" ] || wait "$running" || :
	running=
}

stop_run() {
	[ -z "$running" ] || kill "$running" 2>/dev/null || :
}

run_all() {
	while read -r name host test watermark; do
		begin=$(now_ms)
		# Not as a condition: there a shell goes on after a command that failed.
		set +e
		(set -e && build_mutant "$name" "$watermark") >"$LOGS/mutant.log" 2>&1
		built=$?
		set -e
		if [ "$built" = 0 ]; then
			stage "$mutated/stage/$name" "$mutated/objects"
			wait_for_run
			run_mutant "$name" "$host" "$test" $(($(now_ms) - begin)) </dev/null &
			running=$!
		else
			wait_for_run
			mkdir -p "$out/$name"
			cp "$LOGS/mutant.log" "$out/$name/build.log"
			mutants broken --name "$name" --why "it cannot be built: $(grep -m 1 -E 'error|FAILED|failed' "$LOGS/mutant.log")" || :
		fi
	done <"$out/todo"
	wait_for_run
}

running=
trap stop_run EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

start=$(now_ms)
prepare
mutated=$tree/mutants
state=$mutated.state
kernel_version=$(make -s -C "$shadow" kernelversion)
shadow=$mutated/shadow
kernel_hash=$(hash_kernel)
mkdir -p "$out" "$state" "$LOGS"
rm -f "$OUT/mutants.json" "$state"/control.*
mutants plan >"$out/todo"
say "$(wc -l <"$out/todo") mutants to run, the others are proven"
if [ -s "$out/todo" ]; then
	if [ ! -e "$mutated/seeded" ] || [ "$(cat "$mutated/seeded")" != "$kernel_hash" ]; then
		need_space "$tree" "$MUTANTS_SPACE_MIB"
		step seed "a tree for mutants" seed
		: >"$mutated/touched"
		echo "$kernel_hash" >"$mutated/seeded"
	fi
	status=0
	for host in $(cut -d ' ' -f 2 "$out/todo" | sort -u); do
		run_control "$host" || status=1
	done
	[ "$status" = 0 ] || die "the unmutated kernel does not pass: nothing is proven by mutants"
	run_all
fi
status=0
mutants report --into "$OUT/mutants.json" || status=1
say "$(seconds $(($(now_ms) - start))) in all"
exit "$status"
