# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What is asked of a series of patches.  Sourced, never executed.

# The harness' macros open blocks and end in handlers: checkpatch reads them as
# calls and cannot know.  Elf64_Phdr is a name of libc's.
IDIOMS=MACRO_WITH_FLOW_CONTROL,MACRO_ARG_REUSE,COMPLEX_MACRO,MULTISTATEMENT_MACRO_USE_DO_WHILE,CAMELCASE

# checkpatch --strict of the kernel that the series is for.  It asks with each
# new file whether MAINTAINERS needs updating; series_maintained() knows.
series_clean() { # source folder
	clean_status=0
	for clean_patch in "$2"/*.patch; do
		perl "$1/scripts/checkpatch.pl" --no-tree --strict --terse --show-types --showfile \
			--no-summary --ignore "$IDIOMS,FILE_PATH_CHANGES" - <"$clean_patch" || clean_status=1
	done
	return "$clean_status"
}

# True if each file that a patch adds is one that MAINTAINERS names after it.
series_maintained() { # folder
	sed -n 's/^+F:\t//p' "$1"/*.patch >"$OUT/maintained"
	sed -n '/^new file/,/^+++/s,^+++ b/,,p' "$1"/*.patch | while read -r maintained_path; do
		while read -r maintained_pattern; do
			# shellcheck disable=SC2254 # the words are patterns
			case $maintained_path in
			$maintained_pattern | "${maintained_pattern%/}"/*) continue 2 ;;
			esac
		done <"$OUT/maintained"
		echo "$maintained_path has no maintainer"
	done >"$OUT/unmaintained"
	cat "$OUT/unmaintained"
	[ ! -s "$OUT/unmaintained" ]
}
