#!/usr/bin/env bash
# keras_cv.layers.RandomJpegQuality hands images to TensorFlow as float32, for which the range
# is 0 to 1. Images of 0 to 255, as those of its own docstring and of all layers beside it,
# come back white, whatever the quality.
#
# Why it matters: in a pipeline of augmentations the layer has no value_range to set and no
# error to raise. A model trained behind it sees the same white square for every picture
# without black pixels.
#
# Versions: keras-cv 0.9.0, keras 3.15.1, tensorflow-cpu 2.21.0, numpy 2.3.5.
# Expected: a smooth picture after JPEG of quality 95 is within a few levels of itself, as
#   tf.image.adjust_jpeg_quality of the bytes has it.
# Seen: every pixel is between 0.98 and 1, for uint8 as for float32; a picture of 0 to 1 is
#   right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras-cv==0.9.0 keras==3.15.1 \
  tensorflow-cpu==2.21.0 numpy==2.3.5
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_HOME="$folder"
export KERAS_BACKEND=tensorflow
cd "$folder"
PYTHONWARNINGS=ignore venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import keras_cv
import numpy as np
import tensorflow as tf

rows, columns = np.mgrid[:32, :32]
smooth = np.stack([40 + 5 * rows, 40 + 5 * columns, 120 + rows + columns], axis=-1)
bytes_ = smooth.astype("uint8")
expected = tf.image.adjust_jpeg_quality(bytes_, 95).numpy().astype(int)
off = np.abs(expected - smooth).max()
print(f"TensorFlow's JPEG of the bytes is {off} levels off at most")
assert off < 16

for quality in (20, 95):
    layer = keras_cv.layers.RandomJpegQuality(factor=(quality, quality))
    for kind in ("uint8", "float32"):
        seen = np.asarray(layer(smooth.astype(kind)[None], training=True))[0]
        print(f"quality {quality}, {kind:7}: all of it is {seen.min():.3f} to {seen.max():.3f}")
        assert 0.98 < seen.min() <= seen.max() <= 1
layer = keras_cv.layers.RandomJpegQuality(factor=(95, 95))
unit = np.asarray(layer((smooth / 255).astype("float32")[None], training=True))[0]
print(f"a picture of 0 to 1: {255 * np.abs(unit - smooth / 255).max():.0f} levels off at most")
assert np.abs(unit - smooth / 255).max() < 16 / 255
print("seen: images of 0 to 255 are white")
PYTHON
