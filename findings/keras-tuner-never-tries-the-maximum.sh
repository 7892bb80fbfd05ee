#!/usr/bin/env bash
# keras-tuner's ranges lose their upper end: Float(0, 0.3, step=0.1) never gives 0.3, and
# GridSearch over a Float without a step never tries the maximum.
#
# Why it matters: a dropout or a label smoothing of 0.3 that the report calls "in the
# range" was never tried, and the best value at the edge of the grid is one short of it.
# Whether an end is reached depends on rounding: Float(0, 0.9, step=0.3) has its 0.9.
#
# Versions: keras-tuner 1.4.8, keras 3.15.1 on jax 0.10.2.
# Expected: max_value is inclusive, as its documentation says.
# Seen: 0.0, 0.1, 0.2 in 2,000 draws; a log grid from 1e-4 to 1e-1 stops at 0.0708.
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

space = kt.HyperParameters()
space.Float("to 0.3", 0.0, 0.3, step=0.1)
space.Float("to 0.9", 0.0, 0.9, step=0.3)
drawn = {
    parameter.name: sorted({round(parameter.random_sample(seed), 6) for seed in range(2000)})
    for parameter in space.space
}
print("Float(0, 0.3, step=0.1):", drawn["to 0.3"])
print("Float(0, 0.9, step=0.3):", drawn["to 0.9"])

grid = kt.HyperParameters()
grid.Float("rate", 1e-4, 1e-1, sampling="log")
oracle = kt.oracles.GridSearchOracle(objective="val_loss", max_trials=99, hyperparameters=grid)
oracle._set_project_dir(".", "grid")
tried = []
while (trial := oracle.create_trial("tuner0")).status == "RUNNING":
    tried.append(trial.hyperparameters.get("rate"))
    oracle.update_trial(trial.trial_id, {"val_loss": 1.0})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)
print("grid of 1e-4 to 1e-1   :", [float(f"{rate:.3g}") for rate in sorted(tried)])
assert drawn["to 0.3"] == [0.0, 0.1, 0.2]
assert drawn["to 0.9"] == [0.0, 0.3, 0.6, 0.9]
assert min(tried) == 1e-4 and max(tried) < 0.071
print("seen: max_value is out of reach")
PYTHON
