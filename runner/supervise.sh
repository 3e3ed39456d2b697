#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Usage: supervise.sh COMMAND ARGUMENT...
#
# Runs a command in a session of its own and passes its exit status on.  An
# interrupt, a TERM or a hang-up ends it with all that it started: a shell by
# itself would wait for what runs in its foreground, and that may be the build of
# a kernel.  If this process is killed, the kernel ends the command.

set -u

leader=

running() {
	kill -0 "-$leader" 2>/dev/null
}

# First TERM, which everything here answers by cleaning up, then KILL.
end_all() { # status
	trap '' INT TERM HUP
	kill -TERM "-$leader" 2>/dev/null
	tries=100
	while [ "$tries" -gt 0 ] && running; do
		# A leader that has ended stays a member until it is waited for.
		! grep -q '^[0-9]* ([^)]*) Z' "/proc/$leader/stat" 2>/dev/null || wait "$leader"
		sleep 0.1
		tries=$((tries - 1))
	done
	kill -KILL "-$leader" 2>/dev/null
	exit "$1"
}

# How nice this session is: the kernel shares CPUs out to sessions, and a new one
# would be as nice as any other.
niceness() {
	sed -n 's/.* nice //p' /proc/self/autogroup 2>/dev/null
}

# A background command reads from /dev/null and does not hear an interrupt: both
# are as wanted.
# shellcheck disable=SC2016 # for the shell that becomes the command
setpriv --pdeathsig TERM setsid sh -c \
	'[ -z "$0" ] || echo "$0" 2>/dev/null >/proc/self/autogroup; exec "$@"' "$(niceness)" "$@" &
leader=$!
trap 'end_all 130' INT
trap 'end_all 143' TERM HUP
wait "$leader"
status=$?
# What the command left behind must not outlive it.
! running || kill -TERM "-$leader" 2>/dev/null
exit "$status"
