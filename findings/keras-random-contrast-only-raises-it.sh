#!/usr/bin/env bash
# keras.layers.RandomContrast(0.5) only ever raises the contrast: its factor is drawn from
# 1.0 to 1.5, not from 0.5 to 1.5. RandomColorJitter(contrast_factor=0.5) does the same.
#
# Why it matters: a single number is how it is nearly always written. Half of the
# augmentation is missing, no image of the training set is ever paler than it was, and the
# mean contrast moves up by a quarter: fog, overexposure and flat light, against which the
# layer is put in, stay unseen, while the clipped ends of the range grow.
#
# Versions: keras 3.15.1 on jax 0.10.2 (the code is the same on every backend).
# Expected: "When represented as a single float, lower = upper. The contrast factor will
#   be randomly picked between [1.0 - lower, 1.0 + upper]": 0.5 to 1.5.
# Seen: 1.00 to 1.50 of 2,000 images; 0.50 to 1.50 with factor=(0.5, 0.5).
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

images = np.empty((2000, 2, 2, 3), "float32")
images[:, :, 0], images[:, :, 1] = 100, 150  # a difference of 50, far from the clipping


def contrasts(layer):
    """The least and the largest factor by which the difference has changed."""
    seen = keras.ops.convert_to_numpy(layer(images, training=True))
    factors = (seen[:, 0, 1, 0] - seen[:, 0, 0, 0]) / 50
    return round(float(factors.min()), 2), round(float(factors.max()), 2)


layers = keras.layers
found = {
    "RandomContrast(0.5)": contrasts(layers.RandomContrast(0.5, seed=1)),
    "RandomColorJitter(contrast_factor=0.5)": contrasts(
        layers.RandomColorJitter(contrast_factor=0.5, seed=1)
    ),
    "RandomContrast((0.5, 0.5))": contrasts(layers.RandomContrast((0.5, 0.5), seed=1)),
}
for name, (least, largest) in found.items():
    print(f"{name:38} {least} to {largest}")
assert found.pop("RandomContrast((0.5, 0.5))") == (0.5, 1.5)
assert all(ends == (1.0, 1.5) for ends in found.values())
print("seen: one number only raises the contrast")
PYTHON
