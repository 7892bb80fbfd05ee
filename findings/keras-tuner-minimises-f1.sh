#!/usr/bin/env bash
# keras-tuner finds the direction of a named objective from the metric's name. F1, R2,
# cosine similarity and binary IoU come out as "min": the search returns the worst model.
#
# Why it matters: objective="val_f1_score" is the natural thing to write, it runs to its
# end, and the best trial is the one with the lowest score. For "val_accuracy" and
# "val_auc" the same form is right, and unknown names are refused.
#
# Versions: keras-tuner 1.4.8, keras 3.15.1 on jax 0.10.2.
# Expected: "max" for every score, or a refusal that asks for kt.Objective(..., "max").
# Seen: "min" for val_f1_score, val_r2_score, val_cosine_similarity, val_binary_io_u; of
#   trials with F1 of 0.2 and 0.9, the one with 0.2 is the best.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras-tuner==1.4.8 six==1.17.0 \
  keras==3.15.1 jax==0.10.2
export KERAS_BACKEND=jax
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import keras_tuner as kt

directions, best = {}, {}
for name in ("accuracy", "auc", "f1_score", "r2_score", "cosine_similarity", "binary_io_u"):
    space = kt.HyperParameters()
    space.Choice("width", [1, 2, 3, 4])
    oracle = kt.oracles.RandomSearchOracle(
        objective=f"val_{name}", max_trials=2, hyperparameters=space, seed=0
    )
    oracle._set_project_dir(".", name)
    for score in (0.2, 0.9):
        trial = oracle.create_trial("tuner0")
        oracle.update_trial(trial.trial_id, {f"val_{name}": score})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    directions[name] = oracle.objective.direction
    best[name] = oracle.get_best_trials(1)[0].score
for name in best:
    print(f"val_{name:18} {directions[name]} best of 0.2 and 0.9: {best[name]}")
assert best["accuracy"] == best["auc"] == 0.9
wrong = ("f1_score", "r2_score", "cosine_similarity", "binary_io_u")
assert all(directions[name] == "min" and best[name] == 0.2 for name in wrong)
print("seen: the tuner minimises F1, R2, cosine similarity and IoU")
PYTHON
