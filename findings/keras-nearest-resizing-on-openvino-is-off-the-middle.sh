#!/usr/bin/env bash
# On Keras's OpenVINO backend nearest resizing takes the last pixel of each three, where
# Keras on TensorFlow, JAX and NumPy takes the middle one; antialias=True is dropped for
# bicubic resizing.
#
# Why it matters: a model served on OpenVINO sees other pixels than it was trained on. Masks
# and label maps that are made a third as large move by a whole pixel to the lower right, so
# that boxes and maps lie beside their objects, and fine patterns become coarse ones that
# aren't in the image. Halves are right, and so is bilinear resizing, with antialias, too.
#
# Versions: keras 3.15.1 on openvino 2026.4.1, on tensorflow-cpu 2.21.0 and on jax 0.10.2,
#   numpy 2.3.5.
# Expected: of 0 to 8 the middles 1, 4 and 7; stripes of 2 pixels resized to a third of the
#   size are nearly plain grey with antialias.
# Seen on OpenVINO: 2, 5 and 8, by the layer Resizing, too; the stripes stay as they are, with
#   a contrast of 1.00 instead of 0.06.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 openvino==2026.4.1 \
  tensorflow-cpu==2.21.0 jax==0.10.2 numpy==2.3.5
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_HOME="$folder"
cd "$folder"
cat >seen.py <<'PYTHON'
import keras
import numpy as np
from keras import layers, ops

openvino = keras.backend.backend() == "openvino"
row = np.arange(9, dtype="float32").reshape(1, 1, 9, 1)


def resized(images, size, how, **settings):
    images = ops.image.resize(images, size, interpolation=how, **settings)
    return ops.convert_to_numpy(images)[0, ..., 0]


third = resized(row, (1, 3), "nearest")[0]
layered = ops.convert_to_numpy(layers.Resizing(1, 3, "nearest")(row))[0, 0, :, 0]
column = resized(row.reshape(1, 9, 1, 1), (3, 1), "nearest")[:, 0]
half = resized(row[:, :, :8], (1, 4), "nearest")[0]
print(f"{keras.backend.backend():10} nearest {third.astype(int)}, half {half.astype(int)}", end="")
middles = np.array([1, 4, 7])
assert np.array_equal(third, middles + openvino)
assert np.array_equal(layered, third) and np.array_equal(column, third)
assert np.array_equal(half, [1, 3, 5, 7])

wave = (np.arange(36) // 2 % 2).astype("float32")
stripes = np.tile(wave, (36, 1))[None, ..., None]
contrast = {}
for how in ("bilinear", "bicubic"):
    for antialias in (True, False):
        inside = resized(stripes, (12, 12), how, antialias=antialias)[2:-2, 2:-2]
        contrast[how, antialias] = float(np.ptp(inside))
print(", contrast", {name: round(value, 2) for name, value in contrast.items()})
assert contrast["bilinear", True] < 0.3 < 0.9 < contrast["bicubic", False]
if openvino:
    assert contrast["bicubic", True] == contrast["bicubic", False]
else:
    assert contrast["bicubic", True] < 0.3
PYTHON
for backend in openvino tensorflow jax; do
  KERAS_BACKEND=$backend venv/bin/python seen.py 2>log || { cat log; exit 1; }
done
echo "seen: nearest is the neighbour of the middle, bicubic isn't antialiased"
