#!/bin/bash
# Many scans on a Slurm cluster: a job array, each task of which reconstructs one scan as one_scan.sh beside this file does.
# Start it without sbatch, which it calls itself, as it knows how many scans there are:
#
#   pipelines/slurm/many_scans.sh RESULTS SCAN.cxi… [-- --set probe_modes=3 …]
#
# RESULTS is a folder: NAME.cxi becomes RESULTS/NAME.h5. Scans whose result is there already are passed over, so the same
# command again does what is missing; remove a result, such as one that was stopped early, to have it done again. Program
# and pipeline are chosen in one_scan.sh. What to edit here:

# --- What to ask the cluster for, for each scan (one_scan.sh explains) ----------------------------------------------------
#SBATCH --job-name=ptychoflow-scans
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=1
#SBATCH --time=01:00:00
#SBATCH --signal=USR1@120
##SBATCH --partition=NAME
##SBATCH --mem-per-cpu=4G
##SBATCH --ntasks-per-node=4
##SBATCH --gpus-per-node=4
at_once=${PTYCHOFLOW_AT_ONCE:-4}   # tasks of the array that may run at the same time
# --------------------------------------------------------------------------------------------------------------------------
set -euo pipefail

# In a task of the array: the line of the list that has its number is its scan.
if [[ -n ${SLURM_ARRAY_TASK_ID-} ]]; then
  one_scan=$1 list=$2 results=$3
  shift 3
  scan=$(sed -n "${SLURM_ARRAY_TASK_ID}p" "$list")
  name=$(basename "$scan")
  exec bash "$one_scan" "$scan" "$results/${name%.*}.h5" "$@"
fi

# Before: makes the list and hands itself to sbatch.
if (($# < 2)); then
  echo "usage: many_scans.sh RESULTS SCAN.cxi… [-- --set NAME=VALUE …]" >&2
  exit 2
fi
mkdir -p "$1"
results=$(realpath "$1")
shift
scans=()
declare -A source
while (($# > 0)) && [[ $1 != -- ]]; do
  name=$(basename "$1")
  name=${name%.*}
  if [[ ! -r $1 ]]; then
    echo "many_scans.sh: $1 cannot be read" >&2
    exit 3
  elif [[ -n ${source[$name]-} ]]; then
    echo "many_scans.sh: $1 and ${source[$name]} would both become $results/$name.h5" >&2
    exit 2
  elif [[ -e $results/$name.h5 ]]; then
    echo "already there: $results/$name.h5"
  else
    scans+=("$(realpath "$1")")
  fi
  source[$name]=$1
  shift
done
[[ ${1-} != -- ]] || shift
if ((${#scans[@]} == 0)); then
  echo "nothing to do"
  exit 0
fi

# The list stays beside the results: tasks read it when their turn comes, and it says afterwards which number was which.
list=$(mktemp "$results/scans-XXXXXX.txt")
printf '%s\n' "${scans[@]}" >"$list"
here=$(realpath "$0")
# Logs: %A is the array's number, %a the task's.
sbatch --array="1-${#scans[@]}%$at_once" --output="$results/scan-%A-%a.log" "$here" \
  "$(dirname "$here")/one_scan.sh" "$list" "$results" "$@"
