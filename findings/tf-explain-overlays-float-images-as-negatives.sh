#!/usr/bin/env bash
# tf-explain lays its maps over the image. A float image from 0 to 255, which its docstring
# names as accepted, is multiplied by 255 all the same and wraps around: what is shown is
# the negative.
#
# Why it matters: images are float32 as soon as they went through image.load_img and
# img_to_array, as in tf-explain's own examples, or through a tf.data pipeline. The heat map
# is right and lies over an image that isn't the one the model saw. No warning.
#
# Versions: tf-explain 0.3.1, keras 3.15.1, tensorflow-cpu 2.21.0, opencv 5.0.0.93, numpy
#   on x86-64.
# Expected: the same picture for uint8, for float32 from 0 to 255 and from 0 to 1.
# Seen: 256 - v for the level v of float32 from 0 to 255.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  keras==3.15.1 tensorflow-cpu==2.21.0 opencv-python-headless==5.0.0.93 pillow==13.0.0
"$folder/venv/bin/pip" install -qq --no-compile --no-deps tf-explain==0.3.1
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import cv2
import keras
import numpy as np
from tf_explain.utils.display import heatmap_display

levels = np.arange(256, dtype="uint8").reshape(16, 16)
image = np.repeat(levels[..., None], 3, axis=-1)
array = keras.utils.img_to_array(keras.utils.array_to_img(image, scale=False))
assert array.dtype == "float32" and (array == image).all()
heat = np.linspace(0, 1, 256, dtype="float32").reshape(16, 16)
black = np.zeros_like(image)
colours = heatmap_display(heat, black, cv2.COLORMAP_BONE, image_weight=1.0).astype(int)


def background(image):
    """What of the picture isn't the heat map, where the sum stays below white."""
    shown = heatmap_display(heat, image, cv2.COLORMAP_BONE, image_weight=1.0).astype(int)
    return np.where(shown < 255, shown - colours, -1)


def agrees(shown, expected):
    seen = shown >= 0
    assert seen.mean() > 0.2
    return float((np.abs(shown - expected)[seen] <= 1).mean())


whole = image.astype(int)
for name, given in (("uint8", image), ("float32, 0 to 1", array / 255)):
    print(f"{name:18} the image itself in {agrees(background(given), whole):.0%}")
    assert agrees(background(given), whole) > 0.99
negative = np.where(whole == 0, 0, 256 - whole)
shown = background(array)
print(f"float32, 0 to 255  its negative in {agrees(shown, negative):.0%} of the pixels")
assert agrees(shown, negative) > 0.99 and agrees(shown, whole) < 0.1
print("seen: float images are shown as negatives")
PYTHON
