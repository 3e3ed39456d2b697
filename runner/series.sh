#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Writes $OUT/series: patches that add the collection, the probe and the walk
# helper to the kernel tree that a run would judge, for `git am *.patch` there,
# and a cover letter.  Works on copies of the files that it changes: the tree
# itself is only read.
#
# runner/series/ has a file for each patch: what it adds, and its message.  A
# file of the collection belongs to the first patch whose patterns match it.

set -eu
LC_ALL=C
export LC_ALL
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"

texts=$top/runner/series
work=$OUT/series.work
series=$OUT/series
probe_from=kernel/arch/x86/kvm/mmu
probe_to=arch/x86/kvm/tdp_walk
contract=Documentation/virt/kvm/x86/tdp-contract.rst
kvm=tools/testing/selftests/kvm

refuse_unusable() {
	[ -d "$source" ] || die "KDIR=$source is no folder"
	[ -f "$source/MAINTAINERS" ] && [ -d "$source/arch/x86/kvm" ] ||
		die "KDIR=$source is no Linux source tree"
	[ -f "$source/$kvm/include/kvm_util.h" ] ||
		die "KDIR=$source has no KVM selftests to add tests to"
	[ ! -e "$source/$probe_to" ] || die "KDIR=$source has the series already"
}

# What this tree calls what has had several names.
learn_names() {
	if [ -d "$source/$kvm/x86" ]; then arch=x86; else arch=x86_64; fi
	makefile=$kvm/Makefile.kvm
	[ -f "$source/$makefile" ] || makefile=$kvm/Makefile
	suffix=$(sed -n 's/^TEST_GEN_PROGS += \$(TEST_GEN_PROGS_\(\$(.*)\))$/\1/p' "$source/$makefile")
	[ -n "$suffix" ] && grep -q "^LIBKVM_$arch += " "$source/$makefile" &&
		grep -q '^cscope: ' "$source/$makefile" ||
		die "$source/$makefile does not list its tests and its library as that of any kernel that is known"
	ours=$(sed -n 's/^ARCH_DIR := //p' "$COLLECTION/Makefile")
}

# Who signs off: whoever git takes the user for, or else the suite's author.
learn_author() {
	GIT_AUTHOR_DATE=$(git -C "$top" log -1 --format=%ad 2>/dev/null) || GIT_AUTHOR_DATE=
	GIT_AUTHOR_NAME=$(git config user.name) || GIT_AUTHOR_NAME=$(git -C "$top" log -1 --format=%an)
	GIT_AUTHOR_EMAIL=$(git config user.email) || GIT_AUTHOR_EMAIL=$(git -C "$top" log -1 --format=%ae)
	GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME
	GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
	export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_AUTHOR_DATE GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
	author="$GIT_AUTHOR_NAME <$GIT_AUTHOR_EMAIL>"
}

# A repository of the files that the series changes, as they are now.
copy_base() {
	rm -rf "$work"
	mkdir -p "$work"
	{
		echo MAINTAINERS
		echo arch/x86/kvm/Kconfig
		echo arch/x86/kvm/Makefile
		echo "$(dirname "$contract")/index.rst"
		printf '%s\n' "$makefile" "$kvm/config" "$kvm/.gitignore"
		helper_patches | while read -r patch; do
			sed -n 's,^+++ b/,,p' "$patch"
		done
	} | sort -u | while read -r path; do
		[ -f "$source/$path" ] || continue
		mkdir -p "$work/$(dirname "$path")"
		cp "$source/$path" "$work/$path"
	done
	git -C "$work" init -q -b series
	git -C "$work" add -f .
	git -C "$work" commit -q -m base
	git -C "$work" tag base
}

# The suite's patches for KVM proper: not the one that is about the software TDX
# module, which is no part of a kernel.
helper_patches() {
	for patch in "$(patch_folder "$source")"/*.patch; do
		grep -q '^+.*[/ ]soft/' "$patch" || echo "$patch"
	done
}

add_helpers() {
	helper_patches | while read -r patch; do
		if git -C "$work" apply --check --reverse "$patch" 2>/dev/null; then
			echo "$(basename "$patch") is in this tree already"
		elif git -C "$work" apply --check "$patch" 2>/dev/null; then
			git -C "$work" am -q "$patch"
		else
			echo "$(basename "$patch") does not apply to this tree and is left out"
		fi
	done >"$OUT/series.notes"
}

# Adds "VARIABLE += VALUE" in its place in the alphabet, or, if it is the first,
# in a paragraph of its own behind the last line that begins with ANCHOR.
add_to_list() { # file variable value anchor
	awk -v line="$2 += $3" -v list="$2 += " -v anchor="$4" '
	{ lines[NR] = $0 }
	index($0, anchor) == 1 { behind = NR }
	index($0, list) == 1 { if (!first) first = NR; if ($0 < line) after = NR }
	END {
		if (first && !after) after = first - 1
		for (i = 1; i <= NR; i++) {
			print lines[i]
			if (i == after || (!first && i == behind))
				print (first ? "" : "\n") line
		}
	}' "$1" >"$1.new"
	grep -qxF "$2 += $3" "$1.new" || die "$1 has no place for $2"
	mv "$1.new" "$1"
}

# Puts a file's text in front of the line that begins with ANCHOR.
add_before() { # file text anchor
	awk -v text="$2" -v anchor="$3" '
	index($0, anchor) == 1 && !done {
		while ((getline line < text) > 0) print line
		done = 1
	}
	{ print }' "$1" >"$1.new"
	mv "$1.new" "$1"
}

maintainers_entry() {
	printf 'KVM TDP CONFORMANCE TESTS\nM:\t%s\nL:\tkvm@vger.kernel.org\nS:\tMaintained\n\n' "$author"
}

# Behind the last entry with the same first letter that comes before it.
add_maintainers_entry() {
	maintainers_entry >"$work.entry"
	next=$(awk -v title="$(head -n 1 "$work.entry")" '
	/^$/ { blank = 1; next }
	blank && /^K/ && $0 > title { print; exit }
	{ blank = 0 }' "$work/MAINTAINERS")
	add_before "$work/MAINTAINERS" "$work.entry" "$next"
	rm -f "$work.entry"
}

# The files of one patch are maintained as its first letters say: tdp_*.
add_maintained() { # path
	case $1 in
	*/tdx/*) pattern=$(dirname "$1")/ ;;
	*) pattern="$(dirname "$1")/$(basename "$1" | sed 's/_.*//')_*" ;;
	esac
	[ -d "$work/$1" ] && pattern=$1/
	[ "$1" != "$contract" ] || pattern=$1
	awk -v title='KVM TDP CONFORMANCE TESTS' -v line="F:	$pattern" '
	$0 == title { inside = 1 }
	inside && $0 == line { inside = 0 }
	inside && (/^$/ || (/^F:/ && $0 > line)) { print line; inside = 0 }
	{ print }' "$work/MAINTAINERS" >"$work/MAINTAINERS.new"
	mv "$work/MAINTAINERS.new" "$work/MAINTAINERS"
}

# An external module's makefile becomes that of a folder of the kernel.
add_probe() {
	mkdir -p "$work/$probe_to"
	cp "$top/$probe_from"/*.[ch] "$work/$probe_to"
	for name in KVM_X86_TDX_VM GUEST_MEMFD_MAGIC; do
		resolve "$name" "$(in_uapi "$name")" "$work/$probe_to/compat.h"
	done
	{
		echo '# SPDX-License-Identifier: GPL-2.0'
		echo
		sed -e '/^#/d' -e '/./,$!d' -e 's/^obj-m := /obj-$(CONFIG_KVM_TDP_WALK) += /' "$top/$probe_from/Kbuild"
	} >"$work/$probe_to/Makefile"
	add_before "$work/arch/x86/kvm/Kconfig" "$texts/probe.Kconfig" 'config KVM_EXTERNAL_WRITE_TRACKING'
	sed -i 's,^obj-$(CONFIG_KVM_AMD)[[:space:]]*+= kvm-amd.o$,&\nobj-$(CONFIG_KVM_TDP_WALK) += tdp_walk/,' \
		"$work/arch/x86/kvm/Makefile"
	grep -q tdp_walk "$work/arch/x86/kvm/Makefile" || die "$source/arch/x86/kvm/Makefile builds no kvm-amd.o"
	add_maintainers_entry
	add_maintained "$probe_to"
}

add_contract() {
	index=$work/$(dirname "$contract")/index.rst
	[ -f "$index" ] || return 0
	"$top/runner/series/rst.sh" <"$top/docs/contract.md" >"$work/$contract"
	awk -v line='   tdp-contract' '
	/^ +[a-z]/ && $0 > line && !done { print line; done = 1 }
	{ print }' "$index" >"$index.new"
	mv "$index.new" "$index"
	add_maintained "$contract"
}

# What the first patch with a library brings: how it is linked, what the tests
# ask of a kernel.
add_link_rules() {
	sed "s/@SUFFIX@/$suffix/g" "$texts/link.mk" >"$work.link"
	add_before "$work/$makefile" "$work.link" 'cscope: '
	rm -f "$work.link"
	{
		cat "$COLLECTION/config"
		echo CONFIG_DEBUG_KERNEL=y
		echo CONFIG_KVM_TDP_WALK=m
	} | while read -r option; do
		grep -qxF "$option" "$work/$kvm/config" || echo "$option"
	done >>"$work/$kvm/config"
}

# Enters a file in the lists of the KVM selftests' makefile.
list_file() { # path below the collection
	case $1 in
	lib/*) add_to_list "$work/$makefile" "LIBTDP_$arch" "$1" "LIBKVM_$arch += " ;;
	*_test.c) add_to_list "$work/$makefile" "TEST_TDP_$arch" "${1%.c}" "TEST_GEN_PROGS_EXTENDED_$arch += " ;;
	*_bench.c) add_to_list "$work/$makefile" "BENCH_TDP_$arch" "${1%.c}" "TEST_TDP_$arch += " ;;
	esac
}

add_file() { # path below our collection
	to=$(echo "$1" | sed "s,\(^\|/\)$ours/,\1$arch/,")
	mkdir -p "$work/$kvm/$(dirname "$to")"
	cp "$COLLECTION/$1" "$work/$kvm/$to"
	settle "$work/$kvm/$to"
	list_file "$to"
	add_maintained "$kvm/$to"
}

# What TDs ask of a kernel, and which functions the linker has to wrap for them.
add_td_rules() {
	printf '%s\n' CONFIG_INTEL_TDX_HOST=y CONFIG_KVM_INTEL_TDX=y >>"$work/$kvm/config"
	for symbol in $(sed -n 's/^tdp_wrap := //p' "$COLLECTION/libkvm.mk"); do
		add_to_list "$work/$makefile" "LIBTDP_WRAP_$arch" "$symbol" "LIBTDP_$arch += "
	done
}

# The collection's files that are left and match, one a line.
matching() { # pattern...
	for pattern; do
		pattern=$(echo "$pattern" | sed "s,ARCH/,$ours/,")
		while read -r file; do
			# shellcheck disable=SC2254 # the word is a pattern
			case $file in $pattern) echo "$file" ;; esac
		done <"$work.left"
	done | sort -u
}

# What the tree has not got, nothing is added for.
list_collection() {
	"$COLLECTION/lacks.sh" tests "$source" | tee "$work.lacking" |
		sed 's/^/left out, for want of what it is about: /' >>"$OUT/series.notes"
	(cd "$COLLECTION" && find include lib "$ours" -name '*.[chS]') | sort | while read -r path; do
		case $path in
		*/tdx/* | */tdx_*) ! grep -q '^tdx: ' "$work.lacking" || continue ;;
		include/tdp_compat.h) [ -s "$work.lacks" ] || continue ;;
		esac
		grep -q "^$(basename "$path" .c): " "$work.lacking" || echo "$path"
	done
}

# Leaves what is true of this tree of "#ifdef NAME ... #else ... #endif /* NAME */".
resolve() { # name yes|no file...
	name=$1 defined=$2
	shift 2
	for file; do
		awk -v name="$name" -v defined="$defined" '
		/^#ifn?def / && $2 == name {
			inside = 1
			keep = (defined == "yes") == ($1 == "#ifdef")
			next
		}
		inside && /^#else/ && index($0, name) { keep = !keep; next }
		inside && /^#endif/ && index($0, name) { inside = 0; next }
		!inside || keep' "$file" | cat -s >"$file.new"
		mv "$file.new" "$file"
	done
}

in_uapi() { # name
	if grep -rqsw "$1" "$source/include/uapi/linux/magic.h" "$source/arch/x86/include/uapi/asm/kvm.h"; then
		echo yes
	else
		echo no
	fi
}

# A file as this tree has it: nothing in it is about another kernel.
settle() { # file
	for name in $(sed -n 's,^#ifdef \(TDP_LACKS_[A-Z_]*\) .*,\1,p' "$COLLECTION/include/tdp_compat.h"); do
		! grep -q "$name" "$1" ||
			resolve "$name" "$(grep -qx "$name" "$work.lacks" && echo yes || echo no)" "$1"
	done
	[ -s "$work.lacks" ] || ! grep -q '^#include "tdp_compat.h"$' "$1" || {
		sed '/^#include "tdp_compat.h"$/d' "$1" | cat -s >"$1.new"
		mv "$1.new" "$1"
	}
	sed -i '/^ \*$/{N;/\n \* Needs: /d}' "$1"
}

# A variable is used only once it has something in it.
add_test_lists() {
	for list in TEST BENCH; do
		use="TEST_GEN_PROGS$([ $list = TEST ] || echo _EXTENDED)_$arch += \$(${list}_TDP_$arch)"
		grep -q "^${list}_TDP_$arch += " "$work/$makefile" || continue
		! grep -qxF "$use" "$work/$makefile" || continue
		last=$(grep "^${list}_TDP_$arch += " "$work/$makefile" | tail -n 1)
		awk -v last="$last" -v use="$use" '{ print } $0 == last { print use }' \
			"$work/$makefile" >"$work/$makefile.new"
		mv "$work/$makefile.new" "$work/$makefile"
	done
}

add_files() { # pattern...
	matching "$@" >"$work.these"
	while read -r file; do
		add_file "$file"
	done <"$work.these"
	add_test_lists
	comm -23 "$work.left" "$work.these" >"$work.left.new"
	mv "$work.left.new" "$work.left"
}

commit() { # text
	sed '1,/^$/d' "$1" >"$work.message"
	git -C "$work" add -f .
	git -C "$work" diff --quiet --cached || git -C "$work" commit -q -s -F "$work.message"
}

add_patch() { # text
	# shellcheck disable=SC2046 # the words are patterns, not yet names
	set -f -- "$1" $(sed -n 's/^Adds: //p' "$1")
	set +f
	text=$1
	shift
	case $1 in
	probe) add_probe ;;
	contract) add_contract ;;
	*) add_files "$@" ;;
	esac
	case $(basename "$text") in
	*-td-library) [ ! -s "$work.these" ] || add_td_rules ;;
	*-library) add_link_rules ;;
	esac
	commit "$text"
}

# git am stops at a message without a patch: the cover letter is not called .patch.
write_patches() {
	rm -rf "$series"
	git -C "$work" format-patch -q --cover-letter --zero-commit --no-signature -o "$series" base
	{
		awk -v subject="$(head -n 1 "$texts/cover")" -v blurb="$texts/cover" '
		sub(/\*\*\* SUBJECT HERE \*\*\*/, "") { $0 = $0 subject }
		/^\*\*\* BLURB HERE \*\*\*$/ {
			getline <blurb
			getline <blurb
			while ((getline line <blurb) > 0) print line
			next
		}
		{ print }' "$series/0000-cover-letter.patch"
		base_commit
	} >"$series/0000-cover-letter.txt"
	rm "$series/0000-cover-letter.patch"
}

base_commit() {
	commit=$(git -C "$source" rev-parse --verify -q HEAD 2>/dev/null) || return 0
	printf 'base-commit: %s\n' "$commit"
}

write_series() {
	copy_base
	add_helpers
	"$COLLECTION/lacks.sh" names "$source" >"$work.lacks"
	list_collection >"$work.left"
	for text in "$texts"/[0-9]*; do
		add_patch "$text"
	done
	[ ! -s "$work.left" ] || die "runner/series/ has no patch for $(paste -sd ' ' "$work.left")"
	write_patches
	rm -rf "$work" "$work".*
}

if [ -n "$KDIR" ]; then source=$KDIR; else source=$SOURCE; fi
[ -n "$KDIR" ] || "$top/runner/source.sh"
refuse_unusable
learn_names
learn_author
mkdir -p "$OUT"
step series "writing the series for $source" write_series
cat "$OUT/series.notes"
rm "$OUT/series.notes"
say "$(find "$series" -name '*.patch' | wc -l) patches in $series; git am them in order, the cover letter is 0000-cover-letter.txt"
