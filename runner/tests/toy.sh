# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# The runner itself with everything around it made small: a kernel tree whose
# makefile answers at once, a collection of two tests, an emulator that plays a
# saved log.  Sourced by tests of the runner; expects $top and $work to be set.
#
#   TOY_BUILD=full|slow    the kernel's build fills the disk, or takes a minute
#   TOY_EMULATOR=fails|hangs|fills   how the emulator goes wrong
#
# A line of tdp_mmu.c decides about the kernel: "#error" does not build, "mutant"
# fails a case, "slow" takes longer for it.

# What make test was asked for is about the kernel that it judges.
unset KDIR KERNEL HOSTS TESTS INSTALLED OUT CACHE JOBS KCONFIG CMDLINE VARIANT BASE OBJECTS

. "$top/runner/tests/ktap.sh"

suite=$work/suite
toy_logs=$top/runner/tests/logs

toy_suite() {
	mkdir -p "$suite/docs" "$suite/tools/testing/selftests/kvm/x86_64"
	cp -r "$top/runner" "$top/kernel" "$suite"
	printf '| rule | it says |\n|---|---|\n| `walk.level` | A level. |\n' >"$suite/docs/contract.md"
	grep -v '^| .*_test' "$top/docs/known-failures.md" >"$suite/docs/known-failures.md"
	echo CONFIG_MODULES=y >"$suite/kernel/host.config"
	rm "$suite"/kernel/patches/*/*
	cp "$top/tools/testing/selftests/kvm/lacks.sh" "$suite/tools/testing/selftests/kvm"
	toy_collection "$suite/tools/testing/selftests/kvm"
	toy_emulator
}

toy_collection() { # folder
	for toy_test in good hello; do
		printf '/* Rules: walk.level */\nTEST_F(page, mapped)\n{\n}\n' >"$1/x86_64/${toy_test}_test.c"
	done
	echo timeout=9 >"$1/settings"
	echo CONFIG_KVM=y >"$1/config"
	cat >"$1/Makefile" <<-'MAKE'
	.RECIPEPREFIX := >
	install:
	>mkdir -p $(INSTALL_PATH)
	>for t in good hello; do cp /bin/true $(INSTALL_PATH)/$${t}_test; done
	>cp settings $(INSTALL_PATH)
	MAKE
}

toy_kernel() { # folder
	mkdir -p "$1/arch/x86/kvm/mmu" "$1/scripts" "$1/include/uapi"
	echo '/* nothing wrong */' >"$1/arch/x86/kvm/mmu/tdp_mmu.c"
	echo 'MODULES KVM' >"$1/Kbuild"
	# Its initramfs is the module that decides.
	printf '#!/bin/sh\nexec cat $(sed -n "s,^file /modules/kvm.ko ,,p" "$1" | cut -d " " -f 1)\n' >"$1/scripts/gen"
	chmod +x "$1/scripts/gen"
	cat >"$1/Makefile" <<-'MAKE'
	.RECIPEPREFIX := >
	VERSION = 7
	PATCHLEVEL = 3
	SUBLEVEL = 0
	tdp_mmu := arch/x86/kvm/mmu/tdp_mmu.c
	kernelversion:
	>@echo 7.3.0
	allnoconfig:
	>@mkdir -p $(O)
	>@for o in $$(cat Kbuild); do echo CONFIG_$$o=y; done >$(O)/.config
	headers_install:
	>@mkdir -p $(INSTALL_HDR_PATH)/include
	bzImage: modules
	>@mkdir -p $(O)/arch/x86/boot $(O)/usr
	>@cp scripts/gen $(O)/usr/gen_init_cpio
	>@echo image >$(O)/arch/x86/boot/bzImage
	ifdef M
	modules:
	>@echo probe >$(MO)/kvm_tdp_walk.ko
	else
	modules:
	>@! grep -n '#error' $(tdp_mmu) | sed 's,^,$(tdp_mmu):,; s,#,9: error: #,' | grep . >&2
	>@[ "$(TOY_BUILD)" != full ] || cat /dev/zero >$(O)/zero
	>@[ "$(TOY_BUILD)" != slow ] || sleep 60
	>@mkdir -p $(O)/virt $(O)/arch/x86/kvm
	>@cp $(tdp_mmu) $(O)/arch/x86/kvm/kvm.ko
	endif
	MAKE
}

toy_emulator() {
	mkdir -p "$work/bin"
	cat >"$work/bin/qemu-system-x86_64" <<-EMULATOR
	#!/bin/sh
	logs=$toy_logs
	work=$work
	EMULATOR
	cat >>"$work/bin/qemu-system-x86_64" <<-'EMULATOR'
	[ "$1" != --version ] || { echo "QEMU emulator version 7.2"; exit; }
	for word; do
		case ${previous:-} in
		-initrd) initramfs=$word ;;
		-serial) files="${files:-} ${word#file:}" ;;
		esac
		previous=$word
	done
	# shellcheck disable=SC2086 # two files
	set -- $files
	case ${TOY_EMULATOR:-} in
	fails) echo "qemu-system-x86_64: no such CPU" >&2; exit 1 ;;
	hangs) echo boots >"$1"; echo $$ >"$work/emulator.pid"; exec sleep 300 ;;
	fills) cat /dev/zero >"$1"; exit 0 ;;
	esac
	log=default
	! grep -q mutant "$initramfs" || log=not-ok
	! grep -q slow "$initramfs" || sleep 1
	cat "$logs/default/serial.log" >"$1"
	[ ! -e "$logs/$log/serial.log" ] || cat "$logs/$log/serial.log" >"$1"
	cat "$logs/$log/ktap.log" >"$2"
	EMULATOR
	chmod +x "$work/bin/qemu-system-x86_64"
}

# Runs a script of the toy suite; what it says is in $work/said.
toy() { # script argument...
	toy_script=$suite/runner/$1
	shift
	env PATH="$work/bin:$PATH" HOSTS="${HOSTS:-svm}" KDIR="${KDIR-$work/linux}" CACHE="${CACHE:-$work/cache}" \
		OUT="${OUT:-$work/out}" TESTS= V=0 "$toy_script" "$@" >"$work/said" 2>&1
}

# The exit status of a command and words of what it said.
says() { # status words script argument...
	says_status=$1 says_words=$2
	shift 2
	came=0
	toy "$@" || came=$?
	[ "$came" -eq "$says_status" ] && grep -q -e "$says_words" "$work/said" && return
	echo "wanted status $says_status and the words: $says_words; got status $came and:"
	cat "$work/said"
	return 1
}
