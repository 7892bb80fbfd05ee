#!/usr/bin/env bash
# keras.ops.image.map_coordinates(fill_mode="reflect") on TensorFlow repeats the edge pixel
# right of and below an image, as documented, and leaves it out left of and above it.
# affine_transform(fill_mode="wrap") there passes over the last pixel.
#
# Why it matters: "reflect" is the default of ElasticTransform, and both are how one keeps
# augmentation from adding edges. Images get another border on two of their sides, another
# one than on JAX, and masks that are moved elsewhere are off by one there.
#
# Versions: keras 3.15.1 on jax 0.10.2 and on tensorflow-cpu 2.21.0, scipy 1.17.1.
# Expected: "(d c b a | a b c d | d c b a)" and "(a b c d | a b c d | a b c d)", as SciPy's
#   "reflect" and "grid-wrap".
# Seen on TensorFlow: e d c b | a b c d e f g h | h g f e, and the row shifted by a quarter
#   of a pixel jumps from 6 to 0; on JAX both as documented.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  keras==3.15.1 jax==0.10.2 tensorflow-cpu==2.21.0 scipy==1.17.1
cat >"$folder/fill.py" <<'PYTHON'
import keras
import numpy as np
from scipy import ndimage

backend = keras.backend.backend()
row = np.arange(8, dtype="float32")
places = np.arange(-4, 12, dtype="float32")[None]


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


for order in (0, 1):
    found = numbers(
        keras.ops.image.map_coordinates(row, places, order, fill_mode="reflect")
    )
    expected = ndimage.map_coordinates(row, places, order=order, mode="reflect")
    letters = "".join("abcdefgh"[int(k)] for k in found)
    print(f"{backend}, order {order}: reflect {letters[:4]}|{letters[4:12]}|{letters[12:]}")
    wrong = np.flatnonzero(found != expected).tolist()
    assert wrong == ([0, 1, 2, 3] if backend == "tensorflow" else [])

image = np.tile(row[None, :, None], (8, 1, 1))[None]
shift = np.array([[1, 0, 3.25, 0, 1, 0, 0, 0]], "float32")
for name in ("nearest", "bilinear"):
    moved = numbers(
        keras.ops.image.affine_transform(
            image, shift, interpolation=name, fill_mode="wrap"
        )
    )[0, 0, :, 0]
    expected = ndimage.map_coordinates(
        row, row[None] + 3.25, order=int(name == "bilinear"), mode="grid-wrap"
    )
    print(f"{backend}, wrap, {name}: {moved.tolist()}")
    wrong = np.flatnonzero(np.abs(moved - expected) > 1e-4).tolist()
    assert wrong == ([4] if backend == "tensorflow" else [])
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
for backend in jax tensorflow; do
  KERAS_BACKEND=$backend venv/bin/python fill.py 2>log || { cat log; exit 1; }
done
echo "seen: TensorFlow leaves out the edge left of and above the image"
