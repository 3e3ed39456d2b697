# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Real kernels for the lanes that need several: trees that have the default
# kernel's files, and take over what was built of it.  Sourced, never executed,
# after prepare.sh.

seed_git() { # repository argument...
	seed_repo=$1
	shift
	git -C "$seed_repo" -c user.name=lane -c user.email=lane@localhost -c gc.auto=0 "$@"
}

# A copy of a tree under git, with the times of its files, so that what was
# built of them is still good.
seed_repository() { # source repository
	rm -rf "$2"
	mkdir -p "$2"
	cp -a "$1/." "$2"
	if [ -d "$2/.git" ]; then
		seed_git "$2" add -A
	else
		# Debian's package has git ignore the kernel.
		seed_git "$2" init -q
		seed_git "$2" -c core.compression=0 add -f .
	fi
	seed_git "$2" commit -q --allow-empty -m base
	seed_git "$2" tag -f base
}

# The default kernel was built once, by prepare(), from the same files in another
# place: takes that, as old as it is, with the paths in it.
seed() { # source
	seeded=$(tree_folder "$1")
	rm -rf "$seeded"
	mkdir -p "$seeded"
	KDIR=$1 "$top/runner/shadow.sh" "$1" "$seeded"
	while read -r path; do
		touch -r "$shadow/$path" "$seeded/shadow/$path"
	done <"$seeded/patched.names"
	for part in objects configured config-notes headers headers-built; do
		[ ! -e "$tree/$part" ] || cp -a "$tree/$part" "$seeded"
	done
	find "$seeded/objects" -name '.*.cmd' -print0 | xargs -0 sed -i "s,$tree/,$seeded/,g"
	sed -i "s,$tree/,$seeded/,g" "$seeded/objects/Makefile"
	ln -sfn "$seeded/shadow" "$seeded/objects/source"
	# All objects rest on objtool, which knows the place that it was built in.
	make -s -C "$seeded/shadow" O="$seeded/objects" -j"$JOBS" prepare </dev/null
	find "$seeded/objects/tools" -type f -exec touch -r "$tree/objects/tools/objtool/objtool" {} +
	touch "$seeded/built"
	: >"$seeded/changed"
}
