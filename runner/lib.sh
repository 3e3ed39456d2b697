# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What every part of the runner shares: where things are, how it speaks, how a
# step is timed and fails.  Sourced, never executed; expects $top to be set to
# the project's root.
#
# Environment, all optional:
#   KDIR   kernel tree under test; without it Debian's source package is used
#   KERNEL which version of that package: 7.3 unless given
#   HOSTS  hosts to run on, separated by spaces
#   TESTS  tests to run, separated by spaces; without it all of them
#   INSTALLED  an installed collection to run in place of this one
#   OUT    where results go
#   CACHE  where downloads, kernel objects and built tests stay between runs
#   V      1 shows every command and its output
#   KCONFIG  a file with more options for the kernel under test
#   VARIANT  "debug": a kernel that checks itself (kernel/debug.config)
#   JOBS   parallel jobs of a build, and hosts that run at a time
#   SEED, OPS, SOAK  what random sequences begin with, how many operations each
#          case has, and how many minutes of the host's clock instead
#
# Exit statuses, of whatever is here:
#   0    the kernel under test conforms
#   1    it does not
#   2    nobody can say: this machine, or how it was asked, is at fault
#   125  it cannot be said of this kernel: it, or the tests against it, cannot
#        be built (what git bisect takes for "try another commit")

: "${top:?}"
: "${V:=0}" "${JOBS:=$(nproc)}" "${HOSTS:=svm svm-smp tdx tdx-smp}" "${KDIR:=}" "${KERNEL:=}" "${TESTS:=}" "${INSTALLED:=}" "${KCONFIG:=}" "${VARIANT:=}"
: "${OUT:=$top/out}"
: "${CACHE:=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/tdx-conformance}"

# Relative to where the user is, not to where a step works.
case $OUT in /*) ;; *) OUT=$PWD/$OUT ;; esac
case $CACHE in /*) ;; *) CACHE=$PWD/$CACHE ;; esac
case $KDIR in '' | /*) ;; *) KDIR=$PWD/$KDIR ;; esac
case $INSTALLED in '' | /*) ;; *) INSTALLED=$PWD/$INSTALLED ;; esac
case $KCONFIG in '' | /*) ;; *) KCONFIG=$PWD/$KCONFIG ;; esac
export V JOBS KCONFIG VARIANT HOSTS KDIR KERNEL TESTS INSTALLED OUT CACHE

# git notes in a tree what it has found out, even if it is only asked.
export GIT_OPTIONAL_LOCKS=0

# The makes that are started here are none of the make that may have started us.
unset MAKEFLAGS MAKELEVEL MFLAGS

# What a variant needs of every time limit: of a case, a test, a host, silence.
case $VARIANT in debug) TIME_FACTOR=5 ;; *) TIME_FACTOR=1 ;; esac

# While a kernel finds out what its CPU is, it does not know that it has five levels
# of page tables, and KASAN takes what an interrupt does just then for wild.
case $VARIANT in debug) VARIANT_CMDLINE=no5lvl ;; *) VARIANT_CMDLINE= ;; esac

COLLECTION=$top/tools/testing/selftests/kvm
LOGS=$OUT/log

say() { # text...
	printf '%s\n' "$*"
}

# The exit status of die: who builds what is not ours sets it to 125.
DIE_STATUS=2

die() { # text...
	printf 'error: %s\n' "$*" >&2
	exit "$DIE_STATUS"
}

# Debian's kernel, and where its source lies.
DEFAULT_KERNEL=7.3
case $KERNEL in
'' | "$DEFAULT_KERNEL") SOURCE=$CACHE/source ;;
*[!0-9.]*) die "KERNEL=$KERNEL is no version of a kernel, as 6.12 is" ;;
*) SOURCE=$CACHE/source-$KERNEL ;;
esac
KERNEL_PACKAGE=linux-source-${KERNEL:-$DEFAULT_KERNEL}
[ -z "$KDIR" ] || [ -z "$KERNEL" ] ||
	die "KDIR= and KERNEL= both say what to judge: give one of them"

now_ms() {
	date +%s%3N
}

# Prints a duration in milliseconds as seconds with one decimal.
seconds() { # milliseconds
	printf '%d.%d s' $(($1 / 1000)) $(($1 % 1000 / 100))
}

# The whole script again, in a process group that ends with this process or with
# a signal to it, and with all that it has started: call it before all else.
supervise() { # argument...
	[ -n "${SUPERVISED:-}" ] || SUPERVISED=yes exec "$top/runner/supervise.sh" "$0" "$@"
	unset SUPERVISED
}

# Becomes a program that the kernel ends with the shell that started this one,
# however that ends.
exec_bound() { # program argument...
	exec setpriv --pdeathsig TERM "$@"
}

# The line of a log that most likely says why.
cause() { # log
	sed -n 's/^error: //p' "$1" | grep -m 1 . ||
		grep -m 1 'No space left on device' "$1" ||
		grep -m 1 -E '(^|[^a-z])(error|fatal error|Error|ERROR|E): ' "$1" ||
		grep -m 1 -E 'not found|[Cc]annot|Killed|\*\*\*' "$1" ||
		tail -n 1 "$1"
}

# Whatever failed on a full disk failed of that.
refuse_full_disk() {
	for space_of in "$OUT" "$CACHE"; do
		space_free=$(df -Pm "$space_of" 2>/dev/null | awk 'NR == 2 { print $4 }')
		[ "${space_free:-1}" -ge 1 ] || DIE_STATUS=2 die "the disk of $space_of is full; free some space or set CACHE= and OUT= to another disk"
	done
}

# Runs a command as a named step: says what it does, keeps its output in a log,
# says how long it took.  A failure shows the end of the log, its cause, where
# the whole of it is, and ends the run.
step() { # name "what it does" command...
	step_name=$1 step_what=$2
	shift 2
	step_log=$LOGS/$step_name.log
	mkdir -p "$LOGS" && : >"$step_log" || die "$step_log cannot be written"
	step_start=$(now_ms)
	# Never left of "||": there a shell goes on after a command that failed,
	# whatever set -e says, and half a step would pass for a whole one.
	if [ "$V" = 1 ]; then
		say "$(printf '%-10s %s' "$step_name" "$step_what")"
		{
			set +e
			(set -ex && "$@") 2>&1
			echo $? >"$step_log.status"
		} | tee "$step_log"
		step_status=$(cat "$step_log.status")
		rm -f "$step_log.status"
		printf '%-10s' "$step_name"
	else
		printf '%-10s %s ... ' "$step_name" "$step_what"
		set +e
		(set -e && "$@") >"$step_log" 2>&1
		step_status=$?
		set -e
	fi
	step_took=$(seconds $(($(now_ms) - step_start)))
	if [ "$step_status" -ne 0 ]; then
		say "FAILED after $step_took"
		[ "$V" = 1 ] || tail -n 20 "$step_log" | sed 's/^/    /'
		refuse_full_disk
		die "$step_what failed: $(cause "$step_log"); the whole output is in $step_log"
	fi
	say "$step_took"
}

# Puts standard input into a file, but leaves the file alone, and with it its
# modification time and all that make builds from it, if nothing changed.
update() { # file
	cat >"$1.new"
	if cmp -s "$1.new" "$1"; then
		rm -f "$1.new"
	else
		mv -f "$1.new" "$1"
	fi
}

# Refuses to go on with less free space than a step is known to need.
need_space() { # directory mebibytes
	mkdir -p "$1" && [ -w "$1" ] || die "$1 cannot be written to; set CACHE= and OUT= to other folders"
	space_free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
	[ "$space_free" -ge "$2" ] ||
		die "$1 has $space_free MiB free and $2 MiB are needed; free some or set CACHE= and OUT= to another disk"
}

# The series of patches for a kernel: that of its own version, or else the newest.
patch_folder() { # source
	patch_version=$(sed -n 's/^VERSION = //p; s/^PATCHLEVEL = /./p' "$1/Makefile" | tr -d '\n')
	if [ -d "$top/kernel/patches/$patch_version" ]; then
		echo "$top/kernel/patches/$patch_version"
	else
		printf '%s\n' "$top"/kernel/patches/* | sort -V | tail -n 1
	fi
}

json_string() { # text
	printf '"%s"' "$(printf '%s' "$1" | tr -d '\000-\037' | sed 's/[\\"]/\\&/g')"
}

# Words as a JSON array of strings.
json_array() { # word...
	json_sep=
	printf '['
	for json_word; do
		printf '%s' "$json_sep"
		json_string "$json_word"
		json_sep=', '
	done
	printf ']'
}

# What a host's kernel is configured with, whatever the tree and the variant.
host_config() {
	cat "$top/kernel/optional.config" "$top/kernel/host.config"
	# The collection says =y where it means "there"; a module is there too.
	grep -vxE 'CONFIG_KVM(_INTEL|_AMD)?=y' "$COLLECTION/config"
}
