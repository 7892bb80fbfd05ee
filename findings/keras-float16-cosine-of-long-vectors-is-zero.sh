#!/usr/bin/env bash
# In float16 keras.ops.normalize, UnitNormalization and the cosine loss square before they
# sum: components above 256 overflow, the norm is infinite, the direction becomes zero. A
# zero vector becomes NaN, because their epsilon of 1e-12 is 0 in float16.
#
# Why it matters: cosine attention and cosine heads normalise raw features. Under
# mixed_float16 those features are float16, and reach such sizes after a few convolutions;
# a dead ReLU gives the zero vector. Keras's LayerNormalization computes in float32.
#
# Versions: keras 3.15.1 on jax 0.10.2 (tensorflow 2.21.0 gave the same).
# Expected: cosine of a vector with itself is 1; a zero vector stays zero, as in float32.
# Seen: 0 for components of 300, NaN for a zero vector; LayerNormalization is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np


def cosine(value, dtype):
    vector = np.full((1, 4), value, dtype)
    unit = np.asarray(keras.ops.normalize(vector), "float32")
    layer = np.asarray(keras.layers.UnitNormalization(dtype=dtype)(vector), "float32")
    loss = np.asarray(keras.losses.cosine_similarity(vector, vector), "float32")
    return float((unit * unit).sum()), float((layer * layer).sum()), -float(loss[0])


table = {(v, d): cosine(v, d) for v in (3, 300, 0) for d in ("float32", "float16")}
for (value, dtype), results in table.items():
    print(f"{dtype}, components {value}: normalize, layer, loss", [round(r, 3) for r in results])
mixed = np.array([[-300, 300, 300, 300]], "float16")
normal = np.asarray(keras.layers.LayerNormalization(dtype="mixed_float16")(mixed), "float32")
print("LayerNormalization of the long vector", normal.round(3))
assert all(abs(r - 1) < 0.01 for r in table[3, "float16"] + table[300, "float32"])
assert all(r == 0 for r in table[300, "float16"]), "direction lost"
assert all(np.isnan(r) for r in table[0, "float16"]) and table[0, "float32"] == (0, 0, 0)
assert np.allclose(normal, [[-1.732, 0.577, 0.577, 0.577]], atol=0.01)
print("seen: long vectors lose their direction in float16, zero vectors become NaN")
PYTHON
