#!/usr/bin/env bash
# keras.losses.Tversky says that alpha controls false positives and beta false negatives.
# It does the opposite: the code calls the labels "inputs" and the predictions "targets",
# so its "false positives" are the labelled pixels that weren't predicted.
#
# Why it matters: the loss has no other purpose than to set the two apart. Who raises beta
# to find more of a small object (alpha=0.3, beta=0.7 is what Salehi et al. 2017 advise)
# trains a model that finds less.
#
# Versions: keras 3.15.1 on jax 0.10.2 (the code is the same on every backend).
# Expected: alpha=1, beta=0 costs something where too much is predicted; alpha=0.3,
#   beta=0.7 prefers a mask that is too large to one that misses as much.
# Seen: alpha=1, beta=0 is 0 for too large a mask and 0.5 for too small a one; with 0.3
#   and 0.7 pixels that belong to the object every other time are best called background,
#   with 0.7 and 0.3 best called object.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

mask = np.array([[1, 1, 0, 0, 0, 0]], "float32")
large = np.array([[1, 1, 1, 1, 0, 0]], "float32")
small = np.array([[1, 0, 0, 0, 0, 0]], "float32")


def tversky(alpha, beta, predicted, labels=mask):
    loss = keras.losses.Tversky(alpha=alpha, beta=beta)
    return float(loss(labels, predicted))


for alpha, beta in (1.0, 0.0), (0.0, 1.0):
    two_too_many, one_missed = tversky(alpha, beta, large), tversky(alpha, beta, small)
    print(f"alpha={alpha} beta={beta}: two too many {two_too_many:.2f}, one missed {one_missed:.2f}")
    expected = (0.0, 0.5) if alpha else (0.5, 0.0)
    assert np.allclose((two_too_many, one_missed), expected, atol=1e-5)

# Forty pixels of the object are plain, twenty more look alike and half of them belong
# to it. What should a model say about those?
labels = np.array([[1] * 40 + [1, 0] * 10], "float32")
said = np.linspace(0, 1, 101)
best = {}
for alpha, beta in (0.3, 0.7), (0.7, 0.3):
    losses = [
        tversky(alpha, beta, np.array([[1] * 40 + [value] * 20], "float32"), labels)
        for value in said
    ]
    best[alpha, beta] = round(float(said[int(np.argmin(losses))]), 2)
    print(f"alpha={alpha} beta={beta}: least loss if the unsure pixels get", best[alpha, beta])
assert best[0.3, 0.7] < 0.1 and best[0.7, 0.3] > 0.9
print("seen: alpha weighs the misses, beta the false alarms")
PYTHON
