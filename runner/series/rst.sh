#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Usage: rst.sh <docs/contract.md
#
# Turns the contract into the kernel's reStructuredText: a definition for each
# row of a table, lines of no more than 80 columns.  What stands above the first
# heading is about this project; a kernel has contract.rst instead.

set -eu
LC_ALL=C
export LC_ALL

cat "$(dirname "$0")/contract.rst"
sed -n '/^## /,$p' | awk '
function heading(text, line) {
	line = text
	gsub(/./, "-", line)
	return text "\n" line
}
function wrapped(text, indent, words, n, i, line) {
	gsub(/`/, "``", text)
	n = split(text, words, " ")
	line = indent words[1]
	for (i = 2; i <= n; i++) {
		if (length(line) + 1 + length(words[i]) > 79) {
			print line
			line = indent words[i]
		} else {
			line = line " " words[i]
		}
	}
	print line
}
function end_paragraph() {
	if (paragraph != "") {
		wrapped(paragraph, "")
		print ""
	}
	paragraph = ""
}
/^#/ {
	end_paragraph()
	sub(/^#+ /, "")
	print heading($0) "\n"
	next
}
/^\| rule \|/ || /^\|-/ { next }
/^\|/ {
	end_paragraph()
	gsub(/^\| | \|$/, "")
	split($0, cells, / \| /)
	gsub(/`/, "", cells[1])
	print "``" cells[1] "``"
	wrapped(cells[2] " [" cells[3] "]", "    ")
	print ""
	next
}
/^$/ { end_paragraph(); next }
{ paragraph = paragraph (paragraph == "" ? "" : " ") $0 }
END { end_paragraph() }
' | cat -s | sed '${/^$/d}'
