#!/usr/bin/env bash
# keras.layers.Solarization multiplies the upper end of `threshold_factor` by 255, not the
# lower one: (0.5, 0.5) draws thresholds from 0.5 to 127.5 levels, not 127.5.
#
# Why it matters: a fixed threshold can't be had, a narrow range is a wide one, and images
# come out as negatives from end to end. Equal ends are how a test pins an augmentation.
#
# Versions: keras 3.15.1 on jax 0.10.2 (the code is the same on every backend).
# Expected: pixels below 127.5 stay as they are.
# Seen: all of 200 images of 0 to 127 levels are changed, in half of their pixels.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

images = np.tile(np.arange(128, dtype="float32").reshape(1, 8, 16, 1), (200, 1, 1, 3))
layer = keras.layers.Solarization(threshold_factor=(0.5, 0.5), seed=1)
changed = np.asarray(layer(images, training=True)) != images
print("images changed", int(changed.any((1, 2, 3)).sum()), "of", len(images))
print("pixels changed", round(float(changed.mean()), 2))
assert changed.mean() > 0.4
print("seen: thresholds of 0.5 begin near 0")
PYTHON
