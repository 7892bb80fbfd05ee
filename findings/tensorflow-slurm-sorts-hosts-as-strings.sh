#!/usr/bin/env bash
# TensorFlow's SlurmClusterResolver sorts host names as strings: on node[9-10] node10 comes
# first, and the task on node9 is told that it is the one on node10.
#
# Why it matters: every worker binds another's address, and the cluster never starts; on a
# cluster of 8 nodes it depends on which numbers the job was given.
#
# Versions: tensorflow-cpu 2.21.0. SLURM numbers tasks in the order of its node list.
# Expected: task 0 at node9, task 1 at node10, as SLURM_JOB_NODELIST says.
# Seen: task 0 is given node10:8888. node[1-2] and node[09-10] come out right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile tensorflow-cpu==2.21.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import os

import tensorflow as tf


def cluster(nodes, tasks, rank):
    os.environ.update(
        SLURM_STEP_NODELIST=nodes,
        SLURM_STEP_TASKS_PER_NODE=tasks,
        SLURM_PROCID=str(rank),
        SLURM_STEP_NUM_TASKS="2",
    )
    resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(auto_set_gpu=False)
    return resolver.cluster_spec().as_dict()["worker"]


seen = {}
for nodes in ("node[1-2]", "node[09-10]", "node[9-10]"):
    seen[nodes] = cluster(nodes, "1(x2)", 0)
    print(f"{nodes:12}", seen[nodes])
# node[1-2]    ['node1:8888', 'node2:8888']
# node[09-10]  ['node09:8888', 'node10:8888']
# node[9-10]   ['node10:8888', 'node9:8888']
assert seen["node[1-2]"] == ["node1:8888", "node2:8888"]
assert seen["node[09-10]"] == ["node09:8888", "node10:8888"]
assert seen["node[9-10]"] == ["node10:8888", "node9:8888"]
print("seen: node10 sorts before node9")
PYTHON
