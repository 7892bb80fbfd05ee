#!/usr/bin/env bash
# tf-explain's OcclusionSensitivity covers by a "grey patch" of 127.5, also in float images
# from 0 to 1, the very range that its overlay asks for (it multiplies floats by 255): the
# patch is 127 times as bright as white.
#
# Why it matters: nothing is hidden, a glare is added. For images from 0 to 1, on which most
# models train, the map doesn't tell what the object was worth, but what a glare does there.
# uint8 images with a Rescaling layer get the grey that is meant.
#
# Versions: tf-explain 0.3.1, keras 3.15.1, tensorflow-cpu 2.21.0, opencv 5.0.0.93.
# Expected: the same map for a uint8 image and for the same image divided by 255.
# Seen: a model is sure of a bright square. As uint8 the map is 0.94 where the square gets
#   covered and nearly 0 elsewhere; as floats it is 0 everywhere: covering the square makes
#   the model surer still.
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
import keras
import numpy as np
from tf_explain.core.occlusion_sensitivity import OcclusionSensitivity

keras.utils.disable_interactive_logging()

image = np.full((64, 64, 3), 30, "uint8")
image[16:32, 32:48] = 255  # the bright square


def classifier(scale):
    """Class 0 where the mean of a 16x16 cell gets beyond 200 of 255, by a sigmoid."""
    inputs = keras.Input((64, 64, 3))
    cells = keras.layers.AveragePooling2D(16)(keras.layers.Rescaling(scale)(inputs))
    brightest = keras.ops.max(cells, axis=(1, 2, 3))
    bright = keras.ops.sigmoid((brightest - 200 / 255) * 100)
    return keras.Model(inputs, keras.ops.stack([bright, 1 - bright], axis=-1))


def cells(picture, scale):
    """The map of class 0, one value a cell."""
    model = classifier(scale)
    values = OcclusionSensitivity().get_sensitivity_map(model, picture, 0, 16)
    return values[8::16, 8::16].round(2)


as_bytes = cells(image, 1 / 255)
as_floats = cells(image.astype("float32") / 255, 1.0)
print("uint8:\n", as_bytes, sep="")
print("floats from 0 to 1:\n", as_floats, sep="")
assert as_bytes[1, 2] > 0.8 and np.count_nonzero(as_bytes > 0.3) == 1
assert as_floats.max() == 0
print("seen: the grey patch outshines the image")
PYTHON
