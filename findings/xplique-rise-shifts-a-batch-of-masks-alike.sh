#!/usr/bin/env bash
# Xplique's RISE shifts its random masks by one common offset per batch. With batch_size=None
# or a batch as large as a GPU takes, all masks lie on the same grid, and the map's peak goes
# to that grid's cell instead of the pixel.
#
# Why it matters: RISE's own shift for each mask is what makes its maps finer than its 7x7
# grid. Here batch_size, a setting of speed, decides where a map points: off by up to half a
# cell, 16 pixels of 224, otherwise in each call. Pointing games count that as misses.
#
# Versions: xplique 2.0.2, tensorflow-cpu 2.20.0 (within its range), without the CUDA
#   packages and with only those dependencies that it needs here.
# Expected: for a model that answers with one pixel, a map that peaks at that pixel, for any
#   batch size.
# Seen: 0.5 pixels off, on average, with batches of 32, 3.0 with one batch of all 2,048
#   masks (images of 56x56, cells of 8).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile tensorflow-cpu==2.20.0 keras==3.15.1 \
  tf_keras==2.20.1 tensorflow-probability==0.25.0 deprecated einops matplotlib \
  opencv-python-headless scikit-image==0.25.2 scikit-learn==1.7.2 scipy==1.15.3
"$folder/venv/bin/pip" install -qq --no-compile --no-deps xplique==2.0.2
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 PYTHONWARNINGS=ignore
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import keras
import numpy as np
import tensorflow as tf
from xplique.attributions import Rise

keras.utils.set_random_seed(0)
image = np.ones((1, 56, 56, 1), "float32")
target = np.array([[1.0, 0.0]], "float32")
pixels = [(20, 20), (22, 30), (25, 25), (33, 17), (40, 40), (12, 36), (29, 44), (36, 28)]


def model(row, column):
    inputs = keras.Input((56, 56, 1))
    pixel = inputs[:, row, column]
    return keras.Model(inputs, keras.ops.concatenate([pixel, 1 - pixel], axis=-1))


def distance(batch_size):
    """Mean distance of the map's peak from the only pixel that matters, in pixels."""
    far = []
    for pixel in pixels:
        method = Rise(model(*pixel), nb_samples=2048, grid_size=7, batch_size=batch_size)
        values = np.asarray(method.explain(image, target))[0, :, :, 0]
        peak = np.unravel_index(values.argmax(), values.shape)
        far.append(np.hypot(*np.subtract(peak, pixel)))
    return round(float(np.mean(far)), 2)


small, whole = distance(32), distance(None)
print("batches of 32:     ", small, "pixels off")
print("one batch of 2,048:", whole, "pixels off")
assert small < 1 and whole > 1.5 and whole > 3 * small
print("seen: the peak of a RISE map depends on the batch size")
PYTHON
