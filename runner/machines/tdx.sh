# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Host tdx: Bochs emulates an Intel CPU with VMX and EPT, and key ids for TDX.

MACHINE_FAMILY=tdx
MACHINE_TESTS=
# Random sequences beside a vCPU at work want a second CPU and a fast one.  How
# the probe takes its arguments has nothing to do with the machine, and takes half a
# minute here.
MACHINE_WITHOUT="tdp_walk_random_concurrent_test probe_*"
MACHINE_CPUS=1
# 3G end where devices begin; above 4G the first one is a 1G page in one piece,
# and the kernel's own data lie in the second.  Bochs takes from the host what is
# touched, 2 GiB at most.
MACHINE_MIB=6144
machine_host_mib=2048
# Bochs starts the machine anew where QEMU ends: reboot=t makes a panic end in
# a triple fault, at which Bochs stops.  It fails at 5-level paging.
# To arm MONITOR Bochs looks through its whole TLB, each time a CPU has nothing to
# do: HLT does not.
# An emulated second is ips instructions.  CPUID says 2.2 GHz, and would make of
# each second eleven.
MACHINE_CMDLINE="TDP_SLOW=8 tsc_early_khz=200000 hugepagesz=1G hugepages=1 hugepagesz=2M hugepages=64 no5lvl mitigations=off idle=nomwait kvm_intel.tdx=1 reboot=t"

machine_emulator=Bochs
machine_cpu=sapphire_rapids
# The software TDX module hashes a block of what it measures in two hundred of
# these instructions, in eight thousand without.
machine_features_on="sha512"
# Bochs' LA57 panics.  With SMAP it remembers no translation of a page that the
# kernel shares with a process: copying to and from one walks the page tables
# for each byte, a fifth of all time.
machine_features_off="la57,smap"

machine_version() {
	"$CACHE/bochs/bochs" --help 2>&1 | sed -n 's/.*Bochs x86 Emulator \([0-9][0-9.]*\).*/\1/p' | head -n 1
}

# As the firmware would say: 32 key ids for TDX after 16 for MKTME, in the upper 6
# of 52 bits of a physical address.  And that string instructions are fast: they
# are, an instruction of Bochs copies a page.
write_msrs() {
	echo '0x087 0 00000020 00000010 00000000 00000000 00000000 00000000'
	echo '0x982 0 00000006 00000003 00000000 00000000 00000000 00000000'
	echo '0x1a0 0 00000000 00000001 00000000 00000000 00000000 00000000'
}

# Each EPT violation and each MSR that Bochs has not got is an error to it: 7 MB in a
# run, which hide what its devices say.  What it cannot emulate is a panic.
silent_cpus() {
	seq -s '' -f ', cpu%g=ignore' 0 $((MACHINE_CPUS - 1))
}

# Bochs compares the name of each block of memory with all others before it starts:
# blocks of 8192 KiB halve the time to the first test.
BLOCK_KIB=8192

# Its BIOS needs a second for 10 MB of a CD.  What Bochs puts into memory before it
# starts costs no time, a block at most from each file.  Far above the kernel, far
# below where devices begin.
INITRAMFS_AT=0x20000000

split_initramfs() { # folder initramfs
	rm -f "$1"/piece.*
	split -b "${BLOCK_KIB}K" "$2" "$1/piece."
}

initramfs_pieces() { # folder
	piece_nr=0
	for piece in "$1"/piece.*; do
		printf 'optramimage%d: file="%s", address=0x%x\n' $((piece_nr + 1)) "$piece" \
			$((INITRAMFS_AT + piece_nr * BLOCK_KIB * 1024))
		piece_nr=$((piece_nr + 1))
	done
}

write_bochsrc() { # folder serial ktap
	cat <<-BOCHSRC
	cpu: model=$machine_cpu, count=$MACHINE_CPUS, quantum=200, ips=200000000, reset_on_triple_fault=0, ignore_bad_msrs=1, msrs="$1/msrs.def", add_features="$machine_features_on", exclude_features="$machine_features_off"
	memory: guest=$MACHINE_MIB, host=$machine_host_mib, block_size=$BLOCK_KIB
	$(initramfs_pieces "$1")
	romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot
	vgaromimage: file=/usr/share/vgabios/vgabios.bin
	display_library: nogui
	ata0-master: type=cdrom, path="$1/boot.iso", status=inserted
	boot: cdrom
	com1: enabled=1, mode=file, dev="$2"
	com2: enabled=1, mode=file, dev="$3"
	clock: sync=none
	log: -
	debug: action=ignore
	info: action=ignore
	error: action=report$(silent_cpus)
	panic: action=fatal
	BOCHSRC
}

write_isolinux() { # cmdline
	cat <<-ISOLINUX
	default linux
	prompt 0
	label linux
	kernel /linux
	append $1
	ISOLINUX
}

# Bochs loads no kernel by itself: a CD with isolinux does.
write_iso() { # folder kernel
	genisoimage -quiet -o "$1/boot.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat \
		-no-emul-boot -boot-load-size 4 -boot-info-table -graft-points \
		"isolinux/isolinux.bin=$1/isolinux.bin" \
		isolinux/ldlinux.c32=/usr/lib/syslinux/modules/bios/ldlinux.c32 \
		"isolinux/isolinux.cfg=$1/isolinux.cfg" "linux=$2"
}

# Starts the machine; the first serial port is the kernel's, the second the
# tests'.  Bochs ends with a panic of its own when the guest powers off.
machine_start() { # kernel initramfs cmdline serial ktap
	machine_work=$(dirname "$2")
	write_msrs >"$machine_work/msrs.def"
	split_initramfs "$machine_work" "$2"
	write_bochsrc "$machine_work" "$4" "$5" >"$machine_work/bochsrc"
	write_isolinux "initrdmem=$INITRAMFS_AT,$(stat -c %s "$2") $3" >"$machine_work/isolinux.cfg"
	# genisoimage writes the boot information into the file that it is given.
	cp /usr/lib/ISOLINUX/isolinux.bin "$machine_work/isolinux.bin"
	write_iso "$machine_work" "$1"
	exec_bound "$CACHE/bochs/bochs" -q -f "$machine_work/bochsrc"
}
