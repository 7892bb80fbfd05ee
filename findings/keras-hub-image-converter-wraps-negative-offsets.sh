#!/usr/bin/env bash
# keras_hub.layers.ImageConverter adds its offset in the dtype of the image. Of uint8
# images, as decoders give them, a mean is not subtracted but added modulo 256, and half a
# level is nothing. With a scale, even with 1.0, everything is right.
#
# Why it matters: models in the manner of VGG and ResNet v1 want the means of ImageNet
# subtracted and nothing scaled. The converter then gives dark pixels for bright ones and
# the other way round, without a word. In tf.data the same layer with the same images is
# right, as resizing gives floats there: a model is trained on one thing and asked another.
#
# Versions: keras-hub 0.32.0, keras 3.15.1, tensorflow-cpu 2.21.0.
# Expected: (100, 100, 100) minus (123.68, 116.78, 103.94) is (-23.68, -16.78, -3.94).
# Seen: 233, 240, 253 as uint8; the expected values in tf.data, of float32 images and with
#   scale=1.0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras-hub==0.32.0 keras==3.15.1 tensorflow-cpu==2.21.0
TF_CPP_MIN_LOG_LEVEL=3 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" - <<'PYTHON' 2>"$folder/log" || { cat "$folder/log"; exit 1; }
import keras_hub
import numpy as np
import tensorflow as tf

image = np.full((1, 4, 4, 3), 100, "uint8")
means = (-123.68, -116.78, -103.94)
expected = np.add(100, means)


def converted(image, **settings):
    layer = keras_hub.layers.ImageConverter(offset=means, image_size=(2, 2), **settings)
    return np.asarray(layer(image))[0, 0, 0]


plain, scaled = converted(image), converted(image, scale=1.0)
floats = converted(image.astype("float32"))
layer = keras_hub.layers.ImageConverter(offset=means, image_size=(2, 2))
streamed = next(iter(tf.data.Dataset.from_tensors(image).map(layer))).numpy()[0, 0, 0]
print("uint8            ", plain, plain.dtype)
print("uint8, scale=1.0 ", scaled, scaled.dtype)
print("uint8, in tf.data", streamed, streamed.dtype)
print("float32          ", floats, floats.dtype)
half = np.asarray(keras_hub.layers.ImageConverter(offset=0.5)(image))
print("uint8, plus 0.5  ", half[0, 0, 0])
for right in scaled, floats, streamed:
    assert np.allclose(right, expected, atol=1e-4)
assert plain.dtype == np.uint8 and np.abs(plain - expected).min() > 250
assert (half == 100).all()
print("seen: a mean subtracted from uint8 images is added modulo 256")
PYTHON
