#!/usr/bin/env bash
# With gradient_accumulation_steps=4 a Keras optimizer feeds its learning rate schedule
# batches where its users count updates: the schedule runs four times too fast. With
# use_ema the average of the weights moves at every batch, too, instead of every update.
#
# Why it matters: a run that accumulates to keep its effective batch size decays its
# learning rate four times too early. `optimizer.iterations`, which people plot against,
# counts updates, so the logs look right.
#
# Versions: keras 3.15.1 on jax 0.10.2 (the code is the same on every backend).
# Expected: a boundary after 2 updates lowers the rate after 2 updates (8 batches).
# Seen: the rate is lowered at batch 3, when no update has been made yet, and the first
#   update is already made with the lower rate. The average moves at batches 9 to 11,
#   which leave the weights alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

weight = keras.Variable(np.ones(1, "float32"))
schedule = keras.optimizers.schedules.PiecewiseConstantDecay([2], [1.0, 0.1])
optimizer = keras.optimizers.SGD(
    schedule, gradient_accumulation_steps=4, use_ema=True, ema_momentum=0.5
)
optimizer.build([weight])
rates, updates, weights, averages = [], [], [], []
for _ in range(12):
    optimizer.apply([keras.ops.ones(1)], [weight])
    rates.append(round(float(optimizer.learning_rate), 3))
    updates.append(int(optimizer.iterations))
    weights.append(round(float(weight[0]), 3))
    averages.append(round(float(optimizer._model_variables_moving_average[0][0]), 3))
print("batch            ", list(range(1, 13)))
print("updates made     ", updates)
print("learning rate    ", rates)
print("weight           ", weights)
print("moving average   ", averages)
# updates made      [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3]
# learning rate     [1.0, 1.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
# weight            [1.0, 1.0, 1.0, 0.9, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8, 0.7]
# moving average    [1.0, 1.0, 1.0, 0.9, 0.9, 0.9, 0.9, 0.85, 0.825, 0.812, 0.806, 0.753]
assert updates == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3]
assert rates[2] == 0.1, "lowered before the first update"
assert weights[:8] == [1.0, 1.0, 1.0, 0.9, 0.9, 0.9, 0.9, 0.8]
assert weights[8:11] == [0.8] * 3 and averages[8] > averages[9] > averages[10]
print("seen: schedule and average advance with batches, not with updates")
PYTHON
