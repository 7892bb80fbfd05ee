#!/usr/bin/env bash
# numpy's mean and sum of an ml_dtypes bfloat16 array add number by number in bfloat16: at
# 256 a further 1 is rounded off. numpy takes means of its own float16 in float32.
#
# Why it matters: bfloat16 outputs of JAX, Keras and TensorFlow models become such arrays
# with np.asarray. The accuracy of a perfect answer to 10,000 images is then 0.026, a white
# image's mean brightness 0.25, and a larger validation set makes it worse without a warning.
#
# Versions: ml_dtypes 0.6.0, numpy 2.3.5.
# Expected: 1 for the mean of ones, as from float16, and 0.5 for as many ones as zeros.
# Seen: of 600 ones 0.426, of 10,000 ones, random 0s and 1s or numbers from 0 to 1 the same
#   0.0256. With dtype=np.float32 all are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile ml_dtypes==0.6.0 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import math

import ml_dtypes
import numpy as np


def means(values):
    """The mean in bfloat16, float16 and, of the rounded numbers, by exact summation."""
    rounded = values.astype(ml_dtypes.bfloat16)
    exact = math.fsum(rounded.astype(float)) / len(values)
    return float(rounded.mean()), float(values.astype(np.float16).mean()), exact


rng = np.random.default_rng(0)
cases = {
    "600 ones": np.ones(600),
    "10,000 ones": np.ones(10_000),
    "10,000 random 0s and 1s": rng.integers(0, 2, 10_000).astype(float),
    "10,000 numbers from 0 to 1": rng.random(10_000),
}
seen = {}
for name, values in cases.items():
    seen[name], half, exact = means(values)
    print(f"{name}: mean {seen[name]:.4f}, exact {exact:.4f}, float16 {half:.4f}")
    assert abs(half - exact) < 1e-3
    by_float32 = values.astype(ml_dtypes.bfloat16).mean(dtype=np.float32)
    assert abs(float(by_float32) - exact) < 1e-3
assert abs(seen["600 ones"] - 256 / 600) < 1e-2
assert max(seen[name] for name in cases if name != "600 ones") < 0.06
assert float(np.ones(10_000, ml_dtypes.bfloat16).sum()) == 256

white = np.ones((32, 32), ml_dtypes.bfloat16)
print("a white image of 32 x 32:", float(white.mean()))
assert float(white.mean()) == 0.25
print("seen: sums stop at 256")
PYTHON
