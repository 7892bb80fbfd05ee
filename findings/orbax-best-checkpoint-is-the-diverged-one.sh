#!/usr/bin/env bash
# Orbax's CheckpointManager(best_fn=..., max_to_keep=1) sorts the checkpoints by their metrics.
# Where one of these is NaN, which is neither less nor more than a number, the order is
# arbitrary: the diverged model can come out as the best, and the best one is deleted.
#
# Why it matters: keeping the best is what protects a training that diverges at its end. Here
# the last thing such a training does is to delete the good model. A single NaN in between (a
# batch without labels, an overflow in float16) is enough to lose a better one later on.
#
# Versions: orbax-checkpoint 0.12.8, jax 0.10.2, numpy 2.3.5.
# Expected: the step that numpy's nanargmin gives, or nanargmax for best_mode="max".
# Seen: losses 0.9, 0.3, 0.5, NaN, NaN leave the last step; 0.9, 0.3, NaN, 0.4, 0.35, 0.5 leave
#   that with 0.35, and accuracies of 0.2, 0.8, 0.7, NaN the one without an accuracy.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile orbax-checkpoint==0.12.8 jax==0.10.2 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import tempfile

import numpy as np
import orbax.checkpoint as ocp

nan = float("nan")


def kept(metrics, mode):
    """The steps that are left after saving one checkpoint for each metric, and the best."""
    options = ocp.CheckpointManagerOptions(
        max_to_keep=1, best_fn=lambda found: found["metric"], best_mode=mode
    )
    with ocp.CheckpointManager(tempfile.mkdtemp(), options=options) as manager:
        for step, metric in enumerate(metrics):
            state = {"weights": np.full(3, float(step))}
            arguments = ocp.args.StandardSave(state)
            manager.save(step, args=arguments, metrics={"metric": metric})
        manager.wait_until_finished()
        return list(manager.all_steps()), manager.best_step()


cases = [
    ("min", [0.9, 0.3, 0.5, 0.6, 0.7], 1),
    ("min", [0.9, 0.3, 0.5, nan, nan], 4),
    ("min", [0.9, 0.3, nan, 0.4, 0.35, 0.5], 4),
    ("max", [0.2, 0.8, 0.7, 0.6], 1),
    ("max", [0.2, 0.8, 0.7, nan], 3),
]
for mode, metrics, seen in cases:
    best = int((np.nanargmin if mode == "min" else np.nanargmax)(metrics))
    steps, said = kept(metrics, mode)
    print(f"{mode} of {metrics}: step {best} is best, kept {steps}, best_step() {said}")
    assert best == 1 and steps == [seen] and said == seen
print("seen: a NaN is taken for the best, and the best is deleted")
PYTHON
