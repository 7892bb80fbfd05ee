#!/usr/bin/env bash
# tf-explain's OcclusionSensitivity takes height for width: in images that aren't square it
# puts its patches at other places than it writes the answers to, leaves part of the image
# out and hands the map over transposed. explain() stretches that over the image.
#
# Why it matters: no error and a plausible overlay, at the wrong place. Photos are rarely
# square.
#
# Versions: tf-explain 0.3.1, keras 3.15.1, tensorflow-cpu 2.21.0, opencv 5.0.0.93.
# Expected: a model that needs one cell of 16x16 has its map's peak in that cell.
# Seen: right for 64x64; of the 32 cells of 64x128 or 128x64 4 are found, 12 are put
#   elsewhere, and 16, those beyond the shorter side, leave the map empty.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  keras==3.15.1 tensorflow-cpu==2.21.0 opencv-python-headless==5.0.0.93
"$folder/venv/bin/pip" install -qq --no-compile --no-deps tf-explain==0.3.1
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import itertools

import cv2
import keras
import numpy as np
from tf_explain.core.occlusion_sensitivity import OcclusionSensitivity

keras.utils.disable_interactive_logging()


class Cell(keras.Model):
    """Sure of class 0 as long as one cell of 16x16 is black."""

    def __init__(self, row, column):
        super().__init__()
        self.box = slice(16 * row, 16 * row + 16), slice(16 * column, 16 * column + 16)

    def call(self, images):
        rows, columns = self.box
        light = keras.ops.max(images[:, rows, columns], axis=(1, 2, 3))
        black = keras.ops.cast(light == 0, "float32")
        return keras.ops.stack([black, 1 - black], axis=-1)


def peak(shape, cell):
    """The cell of the map's peak, enlarged as in explain(); None in an empty map."""
    image = np.zeros((*shape, 3), "float32")
    values = OcclusionSensitivity().get_sensitivity_map(Cell(*cell), image, 0, 16)
    values = cv2.resize(values, (image.shape[1], image.shape[0]))
    if values.max() == 0:
        return None
    top = np.argwhere(values > 0.6 * values.max()).mean(axis=0)
    return tuple(int(place) for place in top // 16)


counts = {}
for height, width in ((64, 64), (64, 128), (128, 64)):
    cells = list(itertools.product(range(height // 16), range(width // 16)))
    peaks = [peak((height, width), cell) for cell in cells]
    right = sum(found == cell for found, cell in zip(peaks, cells))
    counts[height, width] = right, peaks.count(None), len(cells)
    print(f"{height}x{width}: of {len(cells)} cells {right} are found,", end=" ")
    print(f"{peaks.count(None)} leave the map empty")
assert counts[64, 64] == (16, 0, 16)
for shape in ((64, 128), (128, 64)):
    right, empty, total = counts[shape]
    assert right <= 4 and empty == 16 and total == 32
print("seen: maps of images that aren't square are scrambled")
PYTHON
