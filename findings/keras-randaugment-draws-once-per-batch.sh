#!/usr/bin/env bash
# keras.layers.RandAugment draws its operations once per batch: every image of the batch
# gets the same ones. RandomCrop likewise cuts every image at the same place.
#
# Why it matters: RandAugment's paper, torchvision and timm draw for each image. With one
# draw per batch a gradient sees one kind of change, and a batch of 512 holds as much
# variety of operations as a single image; batch statistics swing with it.
#
# Versions: keras 3.15.1 on jax 0.10.2 (the code is the same on every backend).
# Expected: 64 copies of one image show several operations, and several crops.
# Seen: one operation is drawn for 64 images (only its strength differs by image; one
#   without a strength makes all 64 alike), and one crop position of 81.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

rows = np.arange(32.0).reshape(1, 32, 1, 1) * 32 + np.arange(32.0).reshape(1, 1, 32, 1)
positions = np.tile(rows, (64, 1, 1, 1)).astype("float32")
crop = keras.layers.RandomCrop(24, 24, seed=1)
corners = {float(image[0, 0, 0]) for image in np.asarray(crop(positions, training=True))}

image = np.random.default_rng(0).integers(40, 200, (1, 16, 16, 3)).astype("float32")
batch = np.tile(image, (64, 1, 1, 1))
layer = keras.layers.RandAugment(num_ops=1, factor=1.0, seed=3)
drawn = [layer.get_random_transformation(batch)["layer_idxes"] for _ in range(20)]
shapes = {tuple(np.shape(operations)) for operations in drawn}
constant = 0  # batches in which a parameter-free operation made all 64 images alike
for _ in range(20):
    after = np.asarray(layer(batch, training=True))
    constant += len({picture.tobytes() for picture in after}) == 1
print("crops among 64 images      ", len(corners))
print("operations drawn, per batch", shapes, "for a batch of 64")
print("kinds drawn in 20 batches  ", len({int(operations[0]) for operations in drawn}))
print("batches with 64 equal ones ", constant, "of 20")
assert len(corners) == 1
assert shapes == {(1,)}
assert constant > 0, "autocontrast or equalisation for the whole batch"
print("seen: one draw serves the whole batch")
PYTHON
