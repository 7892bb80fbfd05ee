#!/usr/bin/env bash
# keras.layers.RandomBrightness adds its change in the type of the images: called on uint8
# it wraps. A bright pixel made brighter is nearly black. In a tf.data pipeline the same
# layer makes floats first, and is right.
#
# Why it matters: the layer is checked, shown and used eagerly, or as part of a model on
# JAX or PyTorch, on the uint8 images that data sets hold; clipping to 0..255 comes after
# the wrapping and hides nothing. Darkening is left out altogether on JAX, where a negative
# number becomes 0 in uint8.
#
# Versions: keras 3.15.1 on jax 0.10.2 and on tensorflow-cpu 2.21.0.
# Expected: "float or int dtype" in, "by default, the layer will output floats", "clipped
#   to the range [0, 255]": 200 becomes 255 by a factor of 0.3, and 0 by one of -0.9.
# Seen: 20 by 0.3 on both; by -0.9, 200 on JAX and 227 on TensorFlow; uint8. In tf.data,
#   and for the same image in float32, 255 and 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  keras==3.15.1 jax==0.10.2 tensorflow-cpu==2.21.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
cat > brightness.py <<'PYTHON'
import sys

import keras
import numpy as np

image = np.full((1, 2, 2, 3), 200, "uint8")
brighter = keras.layers.RandomBrightness((0.3, 0.3))
darker = keras.layers.RandomBrightness((-0.9, -0.9))


def both(pixels):
    """What both layers make of an image of one value."""
    answers = []
    for layer in (brighter, darker):
        seen = keras.ops.convert_to_numpy(layer(pixels, training=True))
        assert np.ptp(seen) == 0
        answers.append(seen.flat[0])
    return answers


backend = keras.backend.backend()
for pixels in (image, image.astype("float32")):
    seen = both(pixels)
    print(f"{backend:10} 200 in {pixels.dtype}: {seen}, {seen[0].dtype}")
    wrapped = [20, 200 if backend == "jax" else 227]
    assert seen == (wrapped if pixels.dtype == "uint8" else [255, 0])
if backend == "tensorflow":
    import tensorflow as tf

    images = tf.data.Dataset.from_tensors(image)
    seen = [
        next(iter(images.map(lambda x, layer=layer: layer(x, training=True))))
        for layer in (brighter, darker)
    ]
    seen = [value.numpy().flat[0] for value in seen]
    print(f"{backend:10} 200 in uint8, in tf.data: {seen}")
    assert seen == [255, 0]
PYTHON
for backend in jax tensorflow; do
  KERAS_BACKEND=$backend venv/bin/python brightness.py 2>log || { cat log; exit 1; }
done
echo "seen: brightness of uint8 images wraps around"
