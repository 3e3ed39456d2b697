#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Judges a kernel: prepares it, boots the hosts with the tests, gives a verdict.
# runner/lib.sh lists the environment.  Exit status 0 means that the kernel
# under test conforms.

set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/runner/lib.sh"
. "$top/runner/prepare.sh"

# Every source is a test that must be there, whether or not the Makefile knows.
all_tests() {
	for file in "$COLLECTION"/x86_64/*_test.c; do
		basename "$file" .c
	done
}

package_or_commit() {
	if [ -z "$KDIR" ]; then
		printf '"package": %s' "$(json_string "$KERNEL_PACKAGE $(cat "$CACHE/source.version")")"
	else
		commit=$(git -C "$source" rev-parse --verify -q HEAD 2>/dev/null) || commit=none
		[ -z "$(git -C "$source" status --porcelain -uno 2>/dev/null | head -n 1)" ] || commit=$commit-dirty
		printf '"commit": %s' "$(json_string "$commit")"
	fi
}

# shellcheck disable=SC2046,SC2086 # the words of the lists are the elements
write_meta() {
	hosts_json=
	for host in $HOSTS; do
		hosts_json="$hosts_json${hosts_json:+, }$(json_string "$host"): $(json_array $selected)"
	done
	cat >"$OUT/meta.json" <<-META
	{
	  "kernel": {
	    "version": $(json_string "$(make -s -C "$shadow" kernelversion)"),
	    "tree": $(json_string "$source"),
	    $(package_or_commit),
	    "config_sha256": $(json_string "$(sha256sum <"$tree/objects/.config" | cut -d ' ' -f 1)"),
	    "patches": $(json_array $(cat "$tree/patches"))
	  },
	  "suite": {
	    "commit": $(json_string "$(git -C "$top" rev-parse --verify -q HEAD 2>/dev/null || echo none)")
	  },
	  "notes": [$(cat "$tree/notes" "$tree/config-notes" | sed 's/[\\"]/\\&/g; s/.*/"&"/' | paste -sd ,)],
	  "tests": {$hosts_json}
	}
	META
}

start=$(now_ms)
rm -f "$OUT/results.json" "$OUT/results.tap"
prepare
selected=${TESTS:-$(all_tests)}
write_meta
for host in $HOSTS; do
	# shellcheck disable=SC2086 # the words of the list are the arguments
	"$top/runner/host.sh" "$host" "$tree" "$tree/install" $selected
done
status=0
python3 "$top/runner/verdict.py" --out "$OUT" --meta "$OUT/meta.json" \
	--hosts "$(echo "$HOSTS" | tr ' ' ,)" --contract "$top/docs/contract.md" \
	--tests "$COLLECTION/x86_64" || status=$?
say "$(seconds $(($(now_ms) - start))) in all"
exit "$status"
