#!/usr/bin/env bash
# keras.layers.RandomSaturation with its default value_range of (0, 255) multiplies the
# saturation without limit: HSV saturation ends at 1, the layer clips it at 255. Colours
# come out far below zero.
#
# Why it matters: images in 0..255 are what this layer is documented for. Any factor above
# 0.5 (more saturated) gives negative pixels; a cast to uint8 or a JPEG afterwards wraps
# or clips them, and a network sees inputs hundreds of levels outside its range.
#
# Versions: keras 3.15.1 on jax 0.10.2 (the code is the same on every backend).
# Expected: pixels stay within value_range, as they do for value_range=(0, 1).
# Seen: down to -1.9e3 at factor 0.9 for 0..255; 0 to 1 for images in 0..1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

images = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3)).astype("float32")
lowest = {}
for factor in (0.5, 0.55, 0.7, 0.9):
    layer = keras.layers.RandomSaturation((factor, factor), value_range=(0, 255))
    lowest[factor] = round(float(np.min(layer(images, training=True))), 1)
    layer = keras.layers.RandomSaturation((factor, factor), value_range=(0, 1))
    unit = np.asarray(layer(images / 255, training=True))
    print(f"factor {factor}: 0..255 down to {lowest[factor]}, 0..1 down to {unit.min():.4f}")
# factor 0.5: 0..255 down to 0.0, 0..1 down to 0.0000
# factor 0.55: 0..255 down to -51.2, 0..1 down to 0.0000
# factor 0.7: 0..255 down to -322.3, 0..1 down to 0.0000
# factor 0.9: 0..255 down to -1949.0, 0..1 down to 0.0000
assert abs(lowest[0.5]) < 0.1
assert lowest[0.55] < -40 and lowest[0.9] < -1900
assert unit.min() >= -1e-5 and unit.max() <= 1 + 1e-5
print("seen: more saturation of a 0..255 image makes negative pixels")
PYTHON
