#!/usr/bin/env bash
# keras.ops.sparsemax, also activation="sparsemax", sums the cumulative sums of the support
# where its threshold takes the last of them, the sum of the support's scores.
#
# Why it matters: sparsemax (Martins and Astudillo, 2016) is the softmax for sparse attention
# and sparse posteriors: a projection onto the simplex. Here weights add up to anything from
# nothing to more than one: a map of four positions is all zero, without any gradient. It's
# right for one score far above the others, which is what one tries first.
#
# Versions: keras 3.15.1 on jax 0.10.2 and on numpy 2.3.5, scipy 1.17.1.
# Expected: weights that add up to 1, the nearest such to the scores, as scipy's root finding
#   has it: 0.075, 0.475, 0.275, 0.175 for the scores 0.1, 0.5, 0.3, 0.2.
# Seen: 0, 0, 0, 0 for these; 0.07, 0.27, 0.17 for 0, 0.2, 0.1. Of random scores of ten
#   positions most weights don't add up to 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2 numpy==2.3.5 \
    scipy==1.17.1
cat >"$folder/weights.py" <<'PYTHON'
import keras
import numpy as np
from keras import ops
from scipy.optimize import brentq


def projection(scores):
    """Scores less the threshold with which what is above zero adds up to one."""
    threshold = brentq(
        lambda t: np.maximum(scores - t, 0).sum() - 1, scores.min() - 1, scores.max()
    )
    return np.maximum(scores - threshold, 0)


def sparsemax(scores):
    """What Keras says, in numpy."""
    return ops.convert_to_numpy(ops.sparsemax(ops.convert_to_tensor(scores)))


def shown(values):
    """Numbers in a line."""
    return " ".join(f"{value:.3f}" for value in values)


print(keras.backend.backend())
four = np.array([0.1, 0.5, 0.3, 0.2], np.float32)
print("  weights", shown(sparsemax(four)), "expected", shown(projection(four)))
assert np.allclose(projection(four), [0.075, 0.475, 0.275, 0.175])
assert np.array_equal(sparsemax(four), np.zeros(4))
assert np.array_equal(keras.layers.Activation("sparsemax")(four[None]), np.zeros((1, 4)))
three = np.array([0, 0.2, 0.1], np.float32)
print("  weights", shown(sparsemax(three)), "expected", shown(projection(three)))
assert np.allclose(sparsemax(three), [1 / 15, 4 / 15, 1 / 6])
one = np.array([10, 0, 0], np.float32)
assert np.array_equal(sparsemax(one), projection(one))

random = np.random.default_rng(0).normal(size=(1000, 10)).astype(np.float32)
sums = sparsemax(random).sum(-1)
share = np.mean(np.abs(sums - 1) > 0.01)
print(f"  random scores: sums from {sums.min():.2f} to {sums.max():.2f}", end=", ")
print(f"{share:.0%} are not 1")
assert share > 0.5
assert np.allclose([projection(row).sum() for row in random], 1, atol=1e-4)
PYTHON
cd "$folder"
for backend in jax numpy; do
    KERAS_BACKEND=$backend JAX_PLATFORMS=cpu venv/bin/python weights.py 2>log || { cat log; exit 1; }
done
echo "seen: sparsemax's weights don't add up to one"
