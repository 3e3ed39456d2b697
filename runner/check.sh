#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The linters, and whether rules and cases are the same list.  Each prints what
# it found and all of them run; exit status 1 if any found something.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"
cd "$top"

files() { # pattern...
	git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}

# Every file says its licence in its first three lines, but for those that are
# no source: prose, the licence itself, saved logs, patches.
spdx() {
	files ':!*.md' ':!LICENSE' ':!*.gitignore' ':!runner/tests/logs' ':!runner/series' ':!*.patch' ':!*.config' ':!*/config' ':!*/settings' |
		while read -r file; do
			head -n 3 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0' || echo "$file: no SPDX line"
		done >"$LOGS/spdx"
	cat "$LOGS/spdx"
	[ ! -s "$LOGS/spdx" ]
}

# The harness' macros open blocks and end in handlers; checkpatch reads them as
# calls and cannot know.  FILE_PATH_CHANGES asks for the kernel's MAINTAINERS,
# CamelCase is the kernel's own, and the unit tests of the software TDX module
# define the types and macros that they are asked to use.
checkpatch() {
	bad=0
	ignore=SPDX_LICENSE_TAG,FILE_PATH_CHANGES,MACRO_WITH_FLOW_CONTROL,MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE,MACRO_ARG_UNUSED,COMPLEX_MACRO,MULTISTATEMENT_MACRO_USE_DO_WHILE,CONST_STRUCT,TRAILING_SEMICOLON,CAMELCASE,PREFER_KERNEL_TYPES,PREFER_DEFINED_ATTRIBUTE_MACRO
	# shellcheck disable=SC2046 # the words of the list are the arguments
	perl "$CACHE/source/scripts/checkpatch.pl" --no-tree --strict --quiet --terse --no-summary \
		--ignore "$ignore" -f $(files '*.c' '*.h') || bad=1
	# From standard input: a patch that git tracks would be read as source.
	for patch in kernel/patches/*/*.patch; do
		perl "$CACHE/source/scripts/checkpatch.pl" --no-tree --strict --quiet --terse --no-summary \
			--ignore FILE_PATH_CHANGES - <"$patch" || bad=1
	done
	[ "$bad" -eq 0 ]
}

shell() {
	# shellcheck disable=SC2046 # the words of the list are the arguments
	shellcheck -S warning -x -P SCRIPTDIR -e SC1090,SC1091,SC2034,SC2154 $(files 'runner/*.sh' 'tools/*.sh' runner/guest runner/native/run runner/native/lava runner/tests/guest docs/ci/slurm.sh .ci)
}

# Lines as long as a command is, and GitHub's "on:", which is true in YAML.
yaml() {
	# shellcheck disable=SC2046 # the words of the list are the arguments
	yamllint -s -d '{extends: default, rules: {line-length: disable, document-start: disable, truthy: disable}}' $(files '*.yml')
}

# What the harness' macros define is unknown to it, hence the suppressions.
cppcheck_c() {
	# shellcheck disable=SC2046 # the words of the list are the arguments
	cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr \
		--suppress=unknownMacro --suppress=arithOperationsOnVoidPointer --suppress=missingInclude --suppress=syntaxError \
		$(files '*.c')
}

python() {
	# shellcheck disable=SC2046 # the words of the list are the arguments
	python3 -W error -c '
import ast, sys
for name in sys.argv[1:]:
    with open(name) as file:
        ast.parse(file.read(), name)
' $(files '*.py')
}

rules() {
	python3 runner/rules.py --contract docs/contract.md --tests "$COLLECTION/x86_64"
}

# Copies of the files that patches touch, with the suite's own patches applied.
patched_files() { # folder
	for patch in kernel/patches/7.3/*.patch; do
		for path in $(sed -n 's,^+++ b/,,p' "$patch" mutants/*.patch | sort -u); do
			[ -e "$1/$path" ] || [ ! -e "$CACHE/source/$path" ] ||
				install -D -m 644 "$CACHE/source/$path" "$1/$path"
		done
		patch -d "$1" -p1 -F0 -s <"$patch"
	done
}

# Each on its own, without fuzz.
mutants_apply() { # folder
	for patch in mutants/*.patch; do
		patch -d "$1" -p1 -F0 -s --dry-run <"$patch" >/dev/null || echo "$patch does not apply"
	done
}

mutants() {
	python3 runner/series.py
	mutants_work=$(mktemp -d)
	patched_files "$mutants_work"
	mutants_apply "$mutants_work" >"$LOGS/mutants-apply"
	rm -rf "$mutants_work"
	cat "$LOGS/mutants-apply"
	[ ! -s "$LOGS/mutants-apply" ]
}

status=0
lint() { # name function
	mkdir -p "$LOGS"
	if "$2" >"$LOGS/check-$1.log" 2>&1; then
		say "$(printf '%-12s ok' "$1")"
	else
		say "$(printf '%-12s FAILED' "$1")"
		sed 's/^/    /' "$LOGS/check-$1.log"
		status=1
	fi
}

"$top/runner/deps.sh" check
KDIR='' KERNEL='' "$top/runner/source.sh"
lint spdx spdx
lint checkpatch checkpatch
lint shellcheck shell
lint yamllint yaml
lint cppcheck cppcheck_c
lint python python
lint rules rules
lint mutants mutants
exit "$status"
