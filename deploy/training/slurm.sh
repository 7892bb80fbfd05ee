#!/bin/bash
# One worker per machine with all its GPUs; the trainer reads SLURM's environment.
# All flags go to the trainer; the run folder must be on a shared file system.
#
#   sbatch deploy/training/slurm.sh --config=configs/cifar100.py \
#       --config.train.batch_size=4096 --workdir=/shared/runs/cifar100
#
#SBATCH --job-name=ltpa
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=32
#SBATCH --time=04:00:00
#SBATCH --output=%x-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
# Two minutes before the time is over every worker is asked to save and stop.
#SBATCH --signal=TERM@120

set -uo pipefail

srun --kill-on-bad-exit=0 --wait=300 python -m pipelines.train "$@"
code=$?

# From 128 up the same command continues: preempted, out of time, or a worker lost.
if ((code >= 128)); then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
