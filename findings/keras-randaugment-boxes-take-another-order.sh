#!/usr/bin/env bash
# keras.layers.RandAugment applies its operations to images and masks in the order in which
# it drew them, and to bounding boxes in the order of its own list, each at most once: boxes
# and objects part when two operations that move things were drawn.
#
# Why it matters: "rotate, then shift" is another place than "shift, then rotate", and what
# is shifted twice has a box that was shifted once. It raises nothing, and with num_ops=1,
# or with a colour beside a move, boxes are right, so that a look at a few images passes.
#
# Versions: keras 3.15.1 on tensorflow-cpu 2.21.0 (the code is the same on every backend).
# Expected: the box holds the object, as the mask of the same call shows it.
# Seen: to 2 pixels of 96 with num_ops=1; with 3 objects are outside by up to 9.5 pixels,
#   and by more than 3 in one call of 25, at a factor of 0.15.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 tensorflow-cpu==2.21.0
export KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import keras
import numpy as np

image = np.full((1, 96, 96, 3), 100, "float32")
mask = np.zeros((1, 96, 96, 1), "float32")
mask[0, 44:52, 36:60] = 1
box = np.array([[[36, 44, 60, 52]]], "float32")


def outside(layer):
    """By how many pixels the object of one call sticks out of its box."""
    data = {
        "images": image,
        "segmentation_masks": mask,
        "bounding_boxes": {"boxes": box.copy(), "labels": np.zeros((1, 1), "int32")},
    }
    changed = layer(data, training=True)
    changed = keras.tree.map_structure(keras.ops.convert_to_numpy, changed)
    rows, columns = np.nonzero(changed["segmentation_masks"][0, :, :, 0] > 0.5)
    left, top, right, bottom = changed["bounding_boxes"]["boxes"][0, 0]
    return max(
        left - columns.min(),
        top - rows.min(),
        columns.max() + 1 - right,
        rows.max() + 1 - bottom,
    )


gaps = {}
for operations in (1, 3):
    layer = keras.layers.RandAugment(
        num_ops=operations, factor=0.15, seed=4, bounding_box_format="xyxy"
    )
    gaps[operations] = np.array([outside(layer) for _ in range(100)])
    apart = np.mean(gaps[operations] > 3)
    print(f"num_ops={operations}: outside by up to {gaps[operations].max():.1f} pixels,")
    print(f"  by more than 3 in {apart:.0%} of the calls")
assert gaps[1].max() < 2
assert gaps[3].max() > 5 and np.mean(gaps[3] > 3) > 0.03
print("seen: boxes and objects part where two operations move them")
PYTHON
