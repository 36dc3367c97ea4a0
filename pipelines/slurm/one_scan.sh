#!/bin/bash
# One scan on a Slurm cluster. From the folder of ptychoflow, as the pipeline's path below starts there:
#
#   sbatch pipelines/slurm/one_scan.sh SCAN.cxi RESULT.h5 [--set probe_modes=3 …]
#
# Scan, result and log must lie on a file system that all nodes share.
# What to edit is in the two blocks below; sbatch's own options override the first, for one job:
#   sbatch --ntasks=16 --time=4:00:00 pipelines/slurm/one_scan.sh …

# --- What to ask the cluster for -----------------------------------------------------------------------------------------
#SBATCH --job-name=ptychoflow
#SBATCH --ntasks=4                  # ranks: one a core here, one a card on GPU nodes
#SBATCH --cpus-per-task=1
#SBATCH --time=01:00:00             # when it is up the job is ended, but see --signal
#SBATCH --signal=USR1@120           # two minutes before that: finish the iteration, write the result reached so far
#SBATCH --output=ptychoflow-%j.log  # %j: the job's number
# Remove one # of what you need ("sinfo" lists the partitions):
##SBATCH --partition=NAME
##SBATCH --mem-per-cpu=4G           # "ptychoflow check" says what a scan needs
##SBATCH --ntasks-per-node=4        # GPU nodes: as many ranks a node …
##SBATCH --gpus-per-node=4          # … as cards, all of which each rank must see; they take them in turn

# --- Where things are ----------------------------------------------------------------------------------------------------
# Variables of the same names in the environment of sbatch come before these.
program=${PTYCHOFLOW:-ptychoflow}                             # a full path, if it is not in your PATH on the nodes
pipeline=${PTYCHOFLOW_PIPELINE:-pipelines/reconstruct.yaml}   # must have the variables input and output
mpi=${PTYCHOFLOW_MPI:-pmix}                                   # how ranks find each other: "srun --mpi=list" lists the ways
# module load openmpi                                         # if your cluster keeps its software in modules

set -euo pipefail
if (($# < 2)); then
  echo "usage: sbatch one_scan.sh SCAN.cxi RESULT.h5 [--set NAME=VALUE …]" >&2
  exit 2
fi
scan=$1 result=$2
shift 2
mkdir -p "$(dirname "$result")"

echo "$(date): $scan on ${SLURM_NTASKS:?start this by sbatch} rank(s) of ${SLURM_JOB_NODELIST-}"
# The log must say "on N rank(s)" with N as asked for. If it says 1, several times over, or MPI says that it was not built for
# this, --mpi is not the way that your MPI knows. --kill-on-bad-exit: a rank that is gone ends the others.
code=0
srun --mpi="$mpi" --kill-on-bad-exit=1 --ntasks="$SLURM_NTASKS" --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" \
  "$program" run "$pipeline" --threads "${SLURM_CPUS_PER_TASK:-1}" --report "${result%.h5}.json" \
  --set input="$scan" --set output="$result" "$@" || code=$?
case $code in
  0) echo "$(date): done: $result" ;;
  130) echo "$(date): stopped early, by the time limit or by a signal; what was reached is in $result" ;;
  *) echo "$(date): failed with exit code $code" ;;
esac
exit $code
