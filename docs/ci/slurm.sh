#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A Slurm array, each task a share:
#   sbatch --array=1-4 docs/ci/slurm.sh mutants
#   sbatch --array=1-2 docs/ci/slurm.sh kernels ~/linux ~/linux-next
#
# Submit it in the suite's folder, which all nodes must see.  Results of task N
# are in out/share-N.  Tasks on one node share a cache in CACHE=, and take turns
# on one tree; a node's own disk is best: CACHE=/var/tmp/tdx-conformance.
#
#SBATCH --job-name=tdx-conformance
#SBATCH --cpus-per-task=2
#SBATCH --mem=12G
#SBATCH --time=05:00:00
#SBATCH --output=slurm-%A-%a.log

set -eu
share=$SLURM_ARRAY_TASK_ID
of=$SLURM_ARRAY_TASK_COUNT
what=$1
shift

case $what in
mutants)
	exec make mutants SHARD="$share/$of" OUT="out/share-$share"
	;;
kernels)
	# The tree of this task.
	shift "$((share - 1))"
	exec make run KDIR="$1" OUT="out/share-$share"
	;;
*)
	echo "error: $what is neither mutants nor kernels" >&2
	exit 2
	;;
esac
