#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Usage: shadow.sh SOURCE TREE
#
# Makes TREE/shadow, the tree that is built: links into SOURCE, with copies in
# place of the files that the suite's patches touch.  So SOURCE is never written
# to, its uncommitted changes are judged, and make sees the real files' times.
#
# A folder is linked as a whole unless it holds, at any depth, something that
# must not be seen through it: a patched file, or what a build in SOURCE left
# behind, which make would take for its own.  A kernel tree of 96,000 files
# then needs some hundred links and no time.
#
# Leaves in TREE:
#   changed     the source files that are not as they were at the last build;
#               whoever builds empties it
#   rewound     those of them that are older than that build, so that make
#               would take what it made of their successors for theirs
#   patches     the patches that were applied, one name a line
#   notes       one sentence for each that was left out
#   difference  one sentence: how far the shadow is from SOURCE

set -eu
LC_ALL=C
export LC_ALL
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"

source=$(cd "$1" && pwd)
tree=$2
shadow=$tree/shadow

# The one folder that the suite adds to a kernel, and the files in which a patch
# names it.
added=arch/x86/virt/vmx/tdx/soft
names_added='arch/x86/Kconfig arch/x86/virt/vmx/tdx/Makefile'

# git knows which files are sources; a tree without git is a release, in which
# everything is a source as long as nobody has built in it.
has_git() {
	[ -n "$(git -C "$source" ls-files Makefile 2>/dev/null)" ]
}

refuse_unusable() {
	[ -f "$source/Kbuild" ] && [ -d "$source/arch/x86/kvm" ] ||
		die "KDIR=$source is no Linux source tree"
	has_git || [ ! -e "$source/include/config/auto.conf" ] ||
		die "KDIR=$source was built in place and no git tells its sources from the objects; run make mrproper there, or give a clean copy"
}

# One line a file: name, time of the last change, size.  The suite's own copy
# of the package never changes and is not looked through.
list_files() {
	cd "$source"
	if [ -z "$KDIR" ]; then
		stat --printf '.\t%.9Y\t%s\n' .
	elif has_git; then
		git -c core.quotePath=false ls-files --cached --others --exclude-standard |
			tr '\n' '\0' | xargs -0 stat --printf '%n\t%.9Y\t%s\n' 2>/dev/null || :
	else
		find . \( -type f -o -type l \) -printf '%P\t%T@\t%s\n'
	fi | sort
}

list_added() {
	cd "$top/kernel"
	find "$added" -maxdepth 1 -type f -printf '%p\t%T@\t%s\n' | sort
}

note_changes() {
	touch "$tree/files"
	(list_files && list_added) | sort >"$tree/files.new"
	touch "$tree/changed"
	comm -3 "$tree/files" "$tree/files.new" | sed 's/^\t//' | cut -f 1 |
		sort -u - "$tree/changed" >"$tree/changed.new"
	mv "$tree/changed.new" "$tree/changed"
	mv "$tree/files.new" "$tree/files"
}

# What must not be seen through a link.
build_products() {
	echo .git
	! has_git || git -C "$source" -c core.quotePath=false \
		ls-files --others --ignored --exclude-standard --directory | sed 's,/$,,'
}

# The folders above each name, down from the root.
ancestors() {
	awk -F/ '{
		path = "."
		print path
		for (i = 1; i < NF; i++) {
			path = path == "." ? $i : path "/" $i
			print path
		}
	}' | sort -u
}

# All that is linked: whatever the real folders hold, less products, patched
# files and the real folders themselves.
wanted_links() { # real-folders not-linked
	while read -r folder; do
		[ ! -d "$source/$folder" ] ||
			find "$source/$folder" -mindepth 1 -maxdepth 1 -printf "$folder/%P\n"
	done <"$1" | sed 's,^\./,,' | sort | comm -23 - "$2"
}

make_links() {
	build_products | sort -u >"$tree/products"
	sort -u "$tree/products" "$tree/patched.names" | ancestors >"$tree/real"
	sort -u "$tree/products" "$tree/patched.names" "$tree/real" >"$tree/not-linked"
	touch "$tree/links"
	wanted_links "$tree/real" "$tree/not-linked" >"$tree/links.new"
	comm -23 "$tree/links" "$tree/links.new" | (cd "$shadow" && tr '\n' '\0' | xargs -0r rm -f)
	(cd "$shadow" && tr '\n' '\0' <"$tree/real" | xargs -0r mkdir -p)
	comm -13 "$tree/links" "$tree/links.new" | while read -r name; do
		rm -rf "${shadow:?}/$name"
		ln -s "$source/$name" "$shadow/$name"
	done
	mv "$tree/links.new" "$tree/links"
}

# Applies one patch in TREE/patched, to copies of the files it touches.  One
# that does not apply is left out with a note: the probe works without.
apply_patch() { # patch
	for path in $(sed -n 's,^+++ b/,,p' "$1"); do
		[ ! -e "$tree/patched/$path" ] || continue
		mkdir -p "$tree/patched/$(dirname "$path")"
		[ ! -e "$source/$path" ] || cp "$source/$path" "$tree/patched/$path"
	done
	if patch -d "$tree/patched" -p1 -F0 -s --dry-run <"$1" >/dev/null; then
		patch -d "$tree/patched" -p1 -F0 -s --no-backup-if-mismatch <"$1"
		basename "$1" >>"$tree/patches"
	elif patch -d "$tree/patched" -p1 -F0 -s -R --dry-run <"$1" >/dev/null 2>&1; then
		echo "$(basename "$1") is in this tree already" >>"$tree/notes"
	else
		echo "$(basename "$1") does not apply to this tree and was left out$(loss_of "$1")" >>"$tree/notes"
	fi
}

# What a run cannot tell without a patch.
loss_of() { # patch
	if grep -q '^+.*[/ ]soft/' "$1"; then
		echo ": no emulated host runs TDs"
	elif grep -q '^+EXPORT_SYMBOL_GPL(kvm_tdp_mmu_gpa_to_pfn)' "$1"; then
		echo ": mappings are judged by the probe's own walk alone"
	fi
}

apply_patches() {
	rm -rf "$tree/patched"
	mkdir -p "$tree/patched"
	: >"$tree/patches"
	: >"$tree/notes"
	for patch in "$(patch_folder "$source")"/*.patch; do
		[ ! -e "$patch" ] || apply_patch "$patch"
	done
	(cd "$tree/patched" && find . -type f -printf '%P\n' | sort) | while read -r path; do
		cmp -s "$tree/patched/$path" "$source/$path" || echo "$path"
	done >"$tree/patched.names"
}

# Copies a patched file only where it differs, so that make sees no change.
place_patched() {
	while read -r path; do
		! cmp -s "$tree/patched/$path" "$shadow/$path" || continue
		cp "$tree/patched/$path" "$shadow/$path"
		grep -qxF "$path" "$tree/changed" || echo "$path" >>"$tree/changed"
	done <"$tree/patched.names"
}

# A file that is patched no longer is the source's again, of whatever age.
note_unpatched() { # names-before
	comm -23 "$1" "$tree/patched.names" >"$tree/unpatched"
	sort -u "$tree/changed" "$tree/unpatched" >"$tree/changed.new"
	mv "$tree/changed.new" "$tree/changed"
}

note_rewound() {
	while read -r path; do
		case $path in "$added"/*) file=$top/kernel/$path ;; *) file=$source/$path ;; esac
		[ ! -e "$tree/built" ] || [ ! -e "$file" ] || [ -n "$(find "$file" -newer "$tree/built")" ] ||
			grep -qxF "$path" "$tree/patched.names" || echo "$path"
	done <"$tree/changed" >"$tree/rewound"
}

# Only where the patched tree would build it.  File by file: a relative #include
# starts where the compiler found the file, not where a folder's link points.
place_added() {
	rm -rf "${shadow:?}/$added"
	grep -qs 'soft/' "$tree/patched/arch/x86/virt/vmx/tdx/Makefile" || return 0
	mkdir "$shadow/$added"
	list_added | cut -f 1 | while read -r path; do
		ln -s "$top/kernel/$path" "$shadow/$path"
	done
}

# The lines by which a patched file differs from the source's, with their signs.
changed_lines() { # path
	diff -U 0 "$source/$1" "$tree/patched/$1" | sed -n '4,${/^[-+]/p;}'
}

# What names the added folder does nothing but that.
refuse_more_than_names() {
	for path in $names_added; do
		grep -qxF "$path" "$tree/patched.names" || continue
		! changed_lines "$path" | grep -qvE '^\+(.*[/ ]soft/.*)?$' ||
			die "the suite's patches change more in $path than to name $added"
	done
}

# Whatever in the shadow is not the source's: files, and links to elsewhere.
foreign() {
	cd "$shadow"
	find . -type f -printf '%P\n'
	find . -type l -printf '%P\t%l\n' | awk -F '\t' -v source="$source" '$2 != source "/" $1 { print $1 }'
}

# The kernel under test is the user's but for what is written here.
measure_difference() {
	refuse_more_than_names
	{
		cat "$tree/patched.names"
		[ ! -e "$shadow/$added" ] || list_added | cut -f 1
	} | sort >"$tree/foreign.allowed"
	foreign | sort | comm -13 "$tree/foreign.allowed" - >"$tree/foreign"
	[ ! -s "$tree/foreign" ] ||
		die "the shadow has what is neither the kernel's nor a patch's: $(head -n 3 "$tree/foreign" | paste -sd ' ')"
	lines=$(while read -r path; do changed_lines "$path"; done <"$tree/patched.names" | wc -l)
	printf '%d lines in %d files differ by patches%s\n' "$lines" "$(wc -l <"$tree/patched.names")" \
		"$([ ! -e "$shadow/$added" ] || echo ", and $added/ is added ($(cat "$shadow/$added"/*.[chS] | wc -l) lines)")"
}

refuse_unusable
mkdir -p "$shadow"
note_changes
[ -e "$tree/patched.names" ] || : >"$tree/patched.names"
sort "$tree/patched.names" >"$tree/patched.before"
apply_patches
note_unpatched "$tree/patched.before"
make_links
place_patched
note_rewound
place_added
measure_difference >"$tree/difference"
