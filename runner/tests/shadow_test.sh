#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What shadow.sh promises, on small trees that only look like Linux.  KTAP.

set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$top/runner/tests/ktap.sh"

refuses() { # command...
	! "$@"
}

# A tree with one line in each file; the suite's patches do not apply to it.
make_tree() { # folder
	mkdir -p "$1/arch/x86/kvm/mmu" "$1/include/linux" "$1/mm"
	printf 'VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 0\n' >"$1/Makefile"
	for file in Kbuild arch/x86/kvm/mmu/tdp_mmu.c arch/x86/kvm/mmu/tdp_mmu.h \
		arch/x86/kvm/x86.c include/linux/mm.h mm/memory.c mm/gone.c; do
		echo "$file" >"$1/$file"
	done
}

make_git_tree() { # folder
	make_tree "$1"
	printf '*.o\n/include/config/\n' >"$1/.gitignore"
	git -C "$1" init -q
	git -C "$1" add .
	git -C "$1" -c user.name=t -c user.email=t@t commit -qm tree
}

# As kernel.sh does once it has built.
built() {
	: >"$work/t/changed"
}

shadow() { # source
	KDIR=$1 CACHE=$work/cache OUT=$work/out "$top/runner/shadow.sh" "$1" "$work/t"
}

# Everything about a tree that a write would change.
fingerprint() { # folder
	(cd "$1" && find . -path ./.git -prune -o -printf '%p %T@ %s %m\n' | sort | sha256sum)
}

same() { # expected actual
	[ "$1" = "$2" ] || { echo "wanted: $1"; echo "got: $2"; return 1; }
}

echo "KTAP version 1"
git_tree=$work/git
make_git_tree "$git_tree"
echo changed >"$git_tree/arch/x86/kvm/x86.c"
echo new >"$git_tree/mm/new.c"
rm "$git_tree/mm/gone.c"
mkdir -p "$git_tree/include/config"
touch "$git_tree/include/config/auto.conf" "$git_tree/mm/memory.o"
before=$(fingerprint "$git_tree")
shadow "$git_tree"
s=$work/t/shadow

check "an uncommitted change is seen" same changed "$(cat "$s/arch/x86/kvm/x86.c")"
check "an untracked file is seen" same new "$(cat "$s/mm/new.c")"
check "a deleted file is not" test ! -e "$s/mm/gone.c"
check "an object built in the tree is not" test ! -e "$s/mm/memory.o"
check "nor is its configuration" test ! -e "$s/include/config"
check "nor is .git" test ! -e "$s/.git"
check "a folder without either is one link" test -L "$s/arch"
check "a patch that does not apply is noted" grep -q 'does not apply' "$work/t/notes"
check "and what a run cannot tell without it" same 2 \
	"$(grep -cE "0001-.*own walk alone|0003-.*no emulated host runs TDs" "$work/t/notes")"

built
shadow "$git_tree"
check "with nothing changed nothing is" test ! -s "$work/t/changed"
echo again >"$git_tree/mm/memory.c"
before=$(fingerprint "$git_tree")
shadow "$git_tree"
check "a changed file is named" same mm/memory.c "$(cat "$work/t/changed")"
shadow "$git_tree"
check "and again until it was built" same mm/memory.c "$(cat "$work/t/changed")"
check "the tree is never written to" same "$before" "$(fingerprint "$git_tree")"
rm "$git_tree/mm/memory.o"
rm -r "$git_tree/include/config"
shadow "$git_tree"
check "a tree that was cleaned is linked in folders again" test -L "$s/mm"

# The real patch, on the real files if this machine has them: a copy is patched.
real=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tdx-conformance}/source
if [ -d "$real" ]; then
	rm -rf "$work/t"
	make_tree "$work/real"
	for file in Makefile $(sed -n 's,^+++ b/,,p' "$top"/kernel/patches/7.3/*.patch); do
		mkdir -p "$work/real/$(dirname "$file")"
		cp "$real/$file" "$work/real/$file"
	done
	before=$(fingerprint "$work/real")
	shadow "$work/real"
	check "the walk helper is in the shadow" \
		grep -q '^int kvm_tdp_mmu_gpa_to_pfn' "$s/arch/x86/kvm/mmu/tdp_mmu.c"
	check "and not in the tree" same "$before" "$(fingerprint "$work/real")"
	check "the patch is named" grep -q '^0001-' "$work/t/patches"
	soft=arch/x86/virt/vmx/tdx/soft
	check "the software TDX module is there" test -e "$s/$soft/Kconfig"
	check "how much differs is said" grep -q "lines in .* and $soft/ is added" "$work/t/difference"
	built
	shadow "$work/real"
	check "a patched file is not patched again" test ! -s "$work/t/changed"
	echo "/* more */" >>"$work/real/arch/x86/kvm/mmu/tdp_mmu.c"
	shadow "$work/real"
	check "a change in a patched file arrives" \
		grep -q 'more' "$s/arch/x86/kvm/mmu/tdp_mmu.c"
	touch "$work/t/built"
	built
	shadow "$work/real"
	check "nothing is rewound" test ! -s "$work/t/rewound"
	touch -d '1 hour ago' "$work/real/mm/memory.c"
	shadow "$work/real"
	check "a file that is older than what was built of it is" \
		same mm/memory.c "$(cat "$work/t/rewound")"
	touch "$s/arch/x86/kvm/stray.c"
	check "a file that is neither the kernel's nor a patch's is refused" refuses shadow "$work/real"
	rm "$s/arch/x86/kvm/stray.c"

	# Another series for this kernel: one line too many beside the folder's name.
	mkdir "$work/suite"
	cp -r "$top/runner" "$top/kernel" "$work/suite"
	sed -i 's/^@@ -1,2 +1,3 @@/@@ -1,2 +1,4 @@/; s,^+obj.*soft/,&\n+obj-y += more.o,' \
		"$work"/suite/kernel/patches/7.3/0003-*
	check "so is a patch that does more than name the folder" refuses env KDIR="$work/real" \
		CACHE="$work/cache" OUT="$work/out" \
		"$work/suite/runner/shadow.sh" "$work/real" "$work/t"
	cp "$work/check.log" "$work/refused.log"
	check "and it says so" grep -q 'change more in arch/x86/virt' "$work/refused.log"
fi

mkdir "$work/empty"
check "a folder that is no kernel tree is refused" refuses shadow "$work/empty"
make_tree "$work/built"
mkdir -p "$work/built/include/config"
touch "$work/built/include/config/auto.conf"
check "so is one that was built in place and has no git" refuses shadow "$work/built"

finish
