#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# docs/ci/slurm.sh with a real Slurm: a cluster of this machine alone, for as long
# as it takes, runs an array of two shares of two mutants.  As root; needs
# Debian's slurmctld, slurmd and slurm-client.  A lane of its own; not in make
# test.  Usage: slurm_lane.sh [MUTANT MUTANT]

set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
: "${HOSTS:=svm}"
. "$top/runner/lib.sh"
supervise "$@"

[ $# -gt 0 ] || set -- walk-level-off-by-one notifier-misses-last-page
MUTANTS="$*"
export MUTANTS HOSTS CACHE
LIMIT_S=1500
work=$(mktemp -d)
export SLURM_CONF="$work/slurm.conf"

# No plugin that needs a daemon or a right of its own.  What the node has is what
# the job asks for: this is about the array, not about accounting.
configure() {
	cat >"$SLURM_CONF" <<-CONF
	ClusterName=lane
	SlurmctldHost=$(hostname -s)(127.0.0.1)
	SlurmUser=root
	AuthType=auth/none
	CredType=cred/none
	ProctrackType=proctrack/linuxproc
	TaskPlugin=task/none
	JobAcctGatherType=jobacct_gather/none
	MpiDefault=none
	SelectType=select/cons_tres
	SelectTypeParameters=CR_CPU_Memory
	ReturnToService=2
	SlurmdParameters=config_overrides
	SlurmctldPort=16817
	SlurmdPort=16818
	StateSaveLocation=$work/state
	SlurmdSpoolDir=$work/spool
	SlurmctldPidFile=$work/slurmctld.pid
	SlurmdPidFile=$work/slurmd.pid
	NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=2 RealMemory=12288
	PartitionName=lane Nodes=$(hostname -s) Default=YES State=UP
	CONF
	mkdir "$work/state" "$work/spool"
}

# Both end with this script, however it ends.
start() { # daemon
	exec_bound "$1" -D >"$LOGS/$1.log" 2>&1 &
	daemons="$daemons $!"
}

stop() {
	# shellcheck disable=SC2086 # the words of the list are the arguments
	kill $daemons 2>/dev/null || :
	# shellcheck disable=SC2086 # the words of the list are the arguments
	wait $daemons || :
	rm -rf "$work"
}

idle() {
	sinfo -h -o %t 2>/dev/null | grep -qx idle
}

done_all() {
	[ -z "$(squeue -h 2>/dev/null)" ]
}

wait_until() { # seconds command
	tries=$1
	until "$2"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 1
	done
}

# The job is submitted in the suite's folder, as its comment says.
run_array() {
	cd "$top"
	rm -rf out/share-1 out/share-2
	sbatch --parsable --array=1-2 --output="$LOGS/slurm-%a.log" docs/ci/slurm.sh mutants
	wait_until "$LIMIT_S" done_all
}

# Each share has run one mutant, and no share the other's.
judge() {
	for share in 1 2; do
		python3 "$top/runner/mutants.py" counts --series "$top/mutants/series" --into "$top/out/share-$share/mutants.json"
	done | paste -sd ' '
}

for tool in slurmctld slurmd sbatch; do
	command -v "$tool" >/dev/null 2>&1 || die "$tool is not installed: Debian's packages slurmctld, slurmd and slurm-client"
done
[ "$(id -u)" -eq 0 ] || die "only root may run the jobs of others"
mkdir -p "$LOGS"
daemons=
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
configure
start slurmctld
start slurmd
step slurm "waiting for the node" wait_until 60 idle
step array "an array of two shares: $MUTANTS" run_array
counts=$(judge)
say "noticed, not noticed: $counts"
[ "$counts" = "1 0 1 0" ] || die "each share was to notice one mutant; see $LOGS/slurm-1.log and slurm-2.log"
