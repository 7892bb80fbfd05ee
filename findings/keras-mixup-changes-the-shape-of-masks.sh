#!/usr/bin/env bash
# keras.layers.MixUp takes images, labels and segmentation masks together. Images and
# labels are mixed; the masks come out with as many channels as the batch has images, and
# mixed with single numbers from the corner of the first mask.
#
# Why it matters: masks (or maps of attention, boxes drawn as masks) that ride along in
# the documented dictionary are wrong without an error; a per-pixel loss that broadcasts
# trains on them.
#
# Versions: keras 3.15.1 on jax 0.10.2 (the code is the same on every backend).
# Expected: a mask is mixed with its partner's mask by the weight of the labels, and keeps
#   its shape.
# Seen: (16, 8, 8, 1) becomes (16, 8, 8, 16). The second operand is the first 16 values of
#   the flattened masks: the shuffle is taken without an axis.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

values = np.arange(1, 17, dtype="float32")  # image i is all i, and so is its mask
images = np.tile(values.reshape(16, 1, 1, 1), (1, 8, 8, 3))
masks = np.tile(values.reshape(16, 1, 1, 1), (1, 8, 8, 1))
layer = keras.layers.MixUp(alpha=1.0, seed=1)
out = layer(
    {"images": images, "labels": np.eye(16, dtype="float32"), "segmentation_masks": masks},
    training=True,
)
mixed = np.asarray(out["segmentation_masks"])
from_images = np.asarray(out["images"])[:, 0, 0, 0]
from_labels = np.asarray(out["labels"]) @ values
print("shape of the masks  ", masks.shape, "->", mixed.shape)
print("images, mixed       ", from_images.round(2))
print("labels, mixed       ", from_labels.round(2))
print("masks, channel 0    ", mixed[:, 0, 0, 0].round(2))
assert not np.allclose(from_images, values, atol=0.5), "something was mixed"
assert np.allclose(from_images, from_labels, atol=1e-5), "images and labels agree"
assert mixed.shape == (16, 8, 8, 16)
assert not np.allclose(mixed[:, 0, 0, 0], from_images, atol=0.05)
print("seen: masks are mixed with something else than the images are")
PYTHON
