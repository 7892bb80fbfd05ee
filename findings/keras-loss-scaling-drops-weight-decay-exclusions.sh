#!/usr/bin/env bash
# exclude_from_weight_decay of Keras's LossScaleOptimizer does nothing: the exclusion is kept
# by the wrapper, and the weights are decayed by the optimizer inside, which isn't told.
#
# Why it matters: biases and the scales of normalizations are left out of weight decay in most
# recipes for images. Under mixed_float16 `model.optimizer` is the wrapper, which compile() puts
# around any optimizer by itself: the same line that works in float32 is accepted and ignored.
# clipnorm and weight_decay, given to the wrapper, are refused with an explanation.
#
# Versions: keras 3.15.1 on jax 0.10.2 (the code is the same on every backend).
# Expected: with a gradient of 0, an excluded weight stays at 1.
# Seen: excluded through the wrapper, it is decayed to 0.9 in a step like any other.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2
export KERAS_BACKEND=jax
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import keras
import numpy as np


def scale_after_a_step(policy, exclude):
    keras.mixed_precision.set_global_policy(policy)
    layers = [keras.Input((2,)), keras.layers.LayerNormalization()]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD(1.0, weight_decay=0.1), "mse")
    if exclude:
        model.optimizer.exclude_from_weight_decay(var_names=["gamma"])
    x = np.zeros((4, 2), "float32")  # normalized to 0, so that gamma has no gradient
    model.fit(x, x, verbose=0)
    return type(model.optimizer).__name__, float(model.get_weights()[0][0])


seen = {}
for policy in ("float32", "mixed_bfloat16", "mixed_float16"):
    for exclude in (False, True):
        optimizer, seen[policy, exclude] = scale_after_a_step(policy, exclude)
        words = "excluded" if exclude else "decayed"
        print(f"{policy:14} {optimizer:18} gamma, {words}: {seen[policy, exclude]:.3f}")
for policy in ("float32", "mixed_bfloat16"):
    assert abs(seen[policy, False] - 0.9) < 1e-3 and seen[policy, True] == 1
assert abs(seen["mixed_float16", True] - 0.9) < 1e-3
print("seen: in mixed_float16 nothing is excluded from weight decay")
PYTHON
