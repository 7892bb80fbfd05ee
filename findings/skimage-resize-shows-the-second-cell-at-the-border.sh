#!/usr/bin/env bash
# skimage.transform.resize, by its default mode="reflect", mirrors about the centre of the
# edge pixels when it enlarges. In the outer half of a map's first cells it mixes in the
# second ones, which lie elsewhere.
#
# Why it matters: it is a usual way to lay a 7x7 map over an image. An object in the second
# row of cells gets a second, half as bright spot at the image's border, 16 pixels of 224
# from it, and a map that is bright in the first row is dimmed there. Masses within boxes
# and centres of mass move; tf.image.resize, cv2.resize, Pillow and jax.image repeat the edge.
#
# Versions: scikit-image 0.26.0, opencv-python-headless 5.0.0.93, pillow 13.0.0.
# Expected: beyond the centre of the first cell its own value: 0 where that cell is 0.
# Seen: 0.48 of the second cell's value at the border, 0 by the others and with
#   mode="edge". 11% of the map's mass lies there, where no object is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  scikit-image==0.26.0 opencv-python-headless==5.0.0.93 pillow==13.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np
from PIL import Image
from skimage.transform import resize

cells = np.zeros((7, 7), "float32")
cells[1, 3] = 1  # rows 32 to 63, and nothing in the first row of cells
size = (224, 224)
maps = {
    "skimage": resize(cells, size),
    "skimage, mode='edge'": resize(cells, size, mode="edge"),
    "cv2": cv2.resize(cells, size),
    "pillow": np.asarray(Image.fromarray(cells).resize(size, Image.Resampling.BILINEAR)),
}
border, mass, centre = {}, {}, {}
for name, values in maps.items():
    rows = values.sum(1, dtype="float64")
    border[name] = round(float(values[0].max()), 2)
    mass[name] = round(float(rows[:16].sum() / rows.sum()), 2)
    centre[name] = round(float(rows @ np.arange(224) / rows.sum()), 1)
    print(f"{name:21} at the border {border[name]}, mass there {mass[name]},", end=" ")
    print(f"centre of mass {centre[name]} (object: 47.5)")
assert border["skimage"] > 0.45 and mass["skimage"] > 0.1 and centre["skimage"] < 45
for name in ("skimage, mode='edge'", "cv2", "pillow"):
    assert border[name] == mass[name] == 0 and centre[name] == 47.5
print("seen: the second row of cells shows up at the border")
PYTHON
