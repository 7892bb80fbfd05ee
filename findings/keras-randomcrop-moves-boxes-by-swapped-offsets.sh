#!/usr/bin/env bash
# keras.layers.RandomCrop takes the crop's rows off a box's x and its columns off the
# box's y: images and boxes part whenever the two offsets differ.
#
# Why it matters: detection and localisation trained with it learn, and are measured on,
# boxes beside the objects, by up to the size of the margin that is cropped away. It
# raises nothing, and boxes of square images cropped by little look right.
#
# Versions: keras 3.15.1 on jax 0.10.2 (the code is the same on every backend).
# Expected: a bright rectangle and its box stay together, to the pixel.
# Seen: the largest gap is 12 pixels; with x and y of the gap exchanged it is 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

image = np.zeros((64, 96, 3), "float32")
image[24:40, 30:60] = 255
box = np.array([[30, 24, 60, 40]], "float32")
layer = keras.layers.RandomCrop(56, 84, seed=1, bounding_box_format="xyxy")
gaps, swapped = [], []
for _ in range(50):
    out = layer(
        {"images": image, "bounding_boxes": {"boxes": box, "labels": np.ones((1, 1))}},
        training=True,
    )
    bright = np.asarray(out["images"]).mean(-1) > 100
    rows, columns = np.where(bright.any(1))[0], np.where(bright.any(0))[0]
    seen = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    gap = np.asarray(out["bounding_boxes"]["boxes"])[0] - seen
    left, top = 30 - seen[0], 24 - seen[1]  # the offsets that the image was cropped by
    gaps.append(np.abs(gap).max())
    swapped.append(np.abs(gap - [left - top, top - left] * 2).max())
print("largest gap between box and rectangle, pixels", max(gaps))
print("the same, with the offsets exchanged         ", max(swapped))
assert max(gaps) > 5 and max(swapped) == 0
print("seen: the box moves by the offsets in the wrong order")
PYTHON
