#!/usr/bin/env bash
# keras.losses.CategoricalCrossentropy(axis=1, label_smoothing=0.1) spreads the smoothing over
# as many classes as the last axis is long, and not over those of axis 1. The same with
# CategoricalFocalCrossentropy.
#
# Why it matters: axis is for segmentation with channels first. There the last axis is the
# width: a class's share of 0.1 / classes becomes 0.1 / width, targets no longer add up to 1,
# and one and the same setting smooths small images strongly and large ones not at all.
#
# Versions: keras 3.15.1 on jax 0.10.2, numpy 2.3.5.
# Expected: the loss of the same pixels with channels last, minus the sum of smoothed targets
#   times log probabilities.
# Seen: right with channels last and for a width that is the number of classes, 10. Images 2
#   pixels wide have a loss of 3.39 in place of 2.35, 200 pixels wide 2.41 in place of 2.66.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2 numpy==2.3.5
cd "$folder"
KERAS_BACKEND=jax JAX_PLATFORMS=cpu venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from keras.losses import CategoricalCrossentropy, CategoricalFocalCrossentropy

CLASSES, SMOOTHING = 10, 0.1
rng = np.random.default_rng(0)


def losses(width):
    """Cross entropy by channels last, by channels first and by hand; focal both ways."""
    labels = np.eye(CLASSES)[rng.integers(0, CLASSES, (2, 8, width))].astype(np.float32)
    answers = rng.dirichlet(np.ones(CLASSES), (2, 8, width)).astype(np.float32)
    answers = (answers + 0.01) / (answers + 0.01).sum(-1, keepdims=True)
    smooth = labels * (1 - SMOOTHING) + SMOOTHING / CLASSES
    by_hand = -(smooth * np.log(answers)).sum(-1).mean()
    first = [np.moveaxis(each, -1, 1) for each in (labels, answers)]
    return (
        float(CategoricalCrossentropy(label_smoothing=SMOOTHING)(labels, answers)),
        float(CategoricalCrossentropy(label_smoothing=SMOOTHING, axis=1)(*first)),
        by_hand,
        float(CategoricalFocalCrossentropy(label_smoothing=SMOOTHING)(labels, answers)),
        float(CategoricalFocalCrossentropy(label_smoothing=SMOOTHING, axis=1)(*first)),
    )


for width in (2, 10, 200):
    last, first, by_hand, focal_last, focal_first = losses(width)
    print(f"width {width}: channels last {last:.3f}, first {first:.3f}", end=", ")
    print(f"by hand {by_hand:.3f}; focal {focal_last:.3f} and {focal_first:.3f}")
    assert abs(last - by_hand) < 1e-4
    if width == CLASSES:
        assert abs(first - by_hand) < 1e-4 and abs(focal_first - focal_last) < 1e-4
    elif width < CLASSES:
        assert first > by_hand + 0.5 and focal_first > focal_last * 1.2
    else:
        assert first < by_hand - 0.1 and focal_first < focal_last * 0.99
print("seen: the smoothing is divided by the width")
PYTHON
