#!/usr/bin/env bash
# keras.layers.RandomSharpness smooths with zeros beyond the image: sharpened, the border
# of a plain image gets a bright frame; blurred, a dark one.
#
# Why it matters: a frame in every training image, in none of the test's, is a place for
# a network, and for its attention, to look at. Keras's RandAugment and AugMix contain the
# layer. Pillow, which the papers used, leaves the border as it is.
#
# Versions: keras 3.15.1 on jax 0.10.2 (the code is the same on every backend), pillow 13.0.0.
# Expected: a plain grey image stays what it is, whatever its sharpness.
# Seen: 100 becomes 123 along the sides and 138 at the corners, or 77 and 62.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2 pillow==13.0.0
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np
from PIL import Image, ImageEnhance

grey = np.full((1, 8, 8, 3), 100, "float32")
seen = []
for factor in (1.0, 0.0):
    out = keras.layers.RandomSharpness((factor, factor))(grey, training=True)
    out = np.asarray(out)[0, ..., 0]
    seen += [out[0, 4], out[0, 0], out[4, 4]]
    image = Image.fromarray(grey[0].astype("uint8"))
    pillow = np.asarray(ImageEnhance.Sharpness(image).enhance(2 * factor))
    print("factor", factor, "side, corner, middle:", seen[-3:], "Pillow:", set(pillow.ravel()))
    assert (pillow == 100).all()
assert np.allclose(seen, [123.08, 138.46, 100, 76.92, 61.54, 100], atol=0.01)
print("seen: a plain image gets a frame")
PYTHON
