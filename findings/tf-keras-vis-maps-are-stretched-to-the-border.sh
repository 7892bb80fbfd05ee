#!/usr/bin/env bash
# tf-keras-vis enlarges its maps by scipy.ndimage.zoom, which lays the centres of the first
# and the last cell on the first and the last pixel: everything off the middle is moved
# outwards, at the border by half a cell.
#
# Why it matters: on 224 pixels a map of 7x7 points up to 16 pixels beside what it means, in
# overlays and in measures that use boxes. tf.image.resize, cv2.resize and Pillow, by which
# other libraries enlarge maps, keep every cell over its own pixels.
#
# Versions: tf-keras-vis 0.8.7, keras 3.15.1, tensorflow-cpu 2.21.0.
# Expected: an object that fills one cell has the map's centre of mass at its own centre.
# Seen: in the second of seven cells it lies 10 pixels further out, a third of the cell; in
#   the middle one it is exact. tf.image.resize of the same map is exact in all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  tf-keras-vis==0.8.7 keras==3.15.1 tensorflow-cpu==2.21.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 PYTHONWARNINGS=ignore
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import keras
import numpy as np
import tensorflow as tf
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.utils.scores import CategoricalScore

inputs = keras.Input((224, 224, 1))
cells = keras.layers.AveragePooling2D(32)(inputs)
conv = keras.layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones", name="conv")
model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(conv(cells)))


def gradcam(image, **settings):
    method = Gradcam(model)
    score = CategoricalScore([0])
    values = method(score, image, penultimate_layer="conv", **settings)[0]
    return np.asarray(values)


def centre(values):
    rows = values.sum(1)
    return round(float(rows @ np.arange(224) / rows.sum()), 1)


for cell in (1, 3, 5):
    image = np.zeros((1, 224, 224, 1), "float32")
    image[0, 32 * cell : 32 * cell + 32, 96:128] = 1
    true = 32 * cell + 15.5
    shown = gradcam(image)
    small = gradcam(image, expand_cam=False)
    resized = tf.image.resize(small[..., None], (224, 224)).numpy()[..., 0]
    peak = int(shown.sum(1).argmax())
    print(f"object at {true}: centre {centre(shown)}, peak {peak};", end=" ")
    print(f"by tf.image.resize {centre(resized)}")
    assert centre(resized) == true
    outwards = (centre(shown) - true) * np.sign(cell - 3)
    assert outwards > 9 if cell != 3 else outwards == 0
    assert abs(peak - cell * 223 / 6) < 1
print("seen: maps are stretched to the border")
PYTHON
