# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What a download from Debian needs: the machine's own mirror, apt's check of
# signatures, and a state apart from the system's.  Sourced, never executed;
# expects $APT to name the folder of that state.

# The machine's main Debian mirror, whatever it is.
mirror() {
	apt-get indextargets --format '$(REPO_URI) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
		awk '$2 == "main" && $3 == "Debian" && $1 !~ /security/ { print $1; exit }'
}

# apt with a state of its own in $APT and one suite as its only source.
private_apt() { # command argument...
	apt_command=$1
	shift
	"$apt_command" -q -o "Dir::Etc::SourceList=$APT/sources.list" -o Dir::Etc::SourceParts=- \
		-o "Dir::State=$APT/state" -o "Dir::State::Lists=$APT/lists" \
		-o "Dir::State::status=/var/lib/dpkg/status" -o "Dir::Cache=$APT/cache" \
		-o "APT::Sandbox::User=$(id -un)" -o Acquire::Retries=3 "$@"
}

# Points apt at one suite, for packages (deb) or for their sources (deb-src).
use_suite() { # type mirror suite
	mkdir -p "$APT/lists/partial" "$APT/state" "$APT/cache/archives/partial"
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	echo "$1 [signed-by=$keyring] $2 $3 main" >"$APT/sources.list"
	private_apt apt-get update --error-on=any
}
