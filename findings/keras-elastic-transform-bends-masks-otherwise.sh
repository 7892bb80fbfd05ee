#!/usr/bin/env bash
# keras.layers.RandomElasticTransform bends a segmentation mask by another drawing of its
# noise than the image that the mask belongs to.
#
# Why it matters: every pair that it touches is a wrong label at the object's edge, and
# nothing says so. The other geometric layers move both alike.
#
# Versions: keras 3.15.1 on jax 0.10.2 (the code is the same on every backend).
# Expected: an image that is its own mask is so afterwards, as with RandomShear here.
# Seen: of the pairs that were bent, a fifth to a quarter of the pixels differ; of those
# that RandomShear moved, none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

squares = np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((8, 8)))
masks = np.tile(squares[None, ..., None], (1, 1, 1, 1)).astype("float32")
images = np.repeat(masks, 3, -1) * 255
settings = {"interpolation": "nearest", "fill_mode": "constant", "seed": 1}


def differing(layer):
    """Shares of pixels in which an image and its mask part, of 20 that were changed."""
    shares = []
    while len(shares) < 20:
        out = layer({"images": images, "segmentation_masks": masks}, training=True)
        image = np.asarray(out["images"])[..., :1] / 255
        if (image != masks).any():
            shares.append((image != np.asarray(out["segmentation_masks"])).mean())
    return [round(float(s), 3) for s in (min(shares), max(shares))]


elastic = differing(keras.layers.RandomElasticTransform(factor=1.0, scale=(0.7, 0.7), **settings))
shear = differing(keras.layers.RandomShear(0.2, 0.2, **settings))
print("elastic: share of pixels that part, least and most", elastic)
print("shear:   the same                                 ", shear)
assert elastic[0] > 0.02 and shear[1] == 0
print("seen: the mask is bent otherwise than its image")
PYTHON
