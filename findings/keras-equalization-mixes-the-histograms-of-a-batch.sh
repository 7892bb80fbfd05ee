#!/usr/bin/env bash
# keras.layers.Equalization makes one histogram of all images of a batch: what becomes of
# an image depends on those beside it. Dark ones among bright ones stay dark.
#
# Why it matters: equalizing makes pictures of different light alike, one by one. In a
# batch the difference stays, batches of another size or order give other pixels, and what
# a model says of an image depends on batch_size and on whose images are beside it.
#
# Versions: keras 3.15.1 on jax 0.10.2 (the code is the same on every backend).
# Expected: the same pixels for an image alone and in a batch, spread over 0..255, as in
#   Pillow's ImageOps.equalize and torchvision's.
# Seen: an image of levels below 64 is spread over 0 to 255 alone, and over 0 to 127 beside
#   one of levels above 128; its pixels differ by 129. predict gives the one
#   with batch_size=1 and the other with 2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2
export KERAS_BACKEND=jax
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import keras
import numpy as np

random = np.random.default_rng(0)
dark = random.integers(0, 64, (1, 16, 16, 3)).astype("float32")
bright = random.integers(128, 256, (1, 16, 16, 3)).astype("float32")
layer = keras.layers.Equalization()


def equalized(images):
    """The first of the images after equalization."""
    return keras.ops.convert_to_numpy(layer(images, training=True))[0]


class Equalizer(keras.Model):
    """A model that equalizes and nothing else."""

    def __init__(self):
        super().__init__()
        self.layer = layer

    def call(self, images):
        return self.layer(images)


alone = equalized(dark)
beside = equalized(np.concatenate([dark, bright]))
twice = equalized(np.concatenate([dark, dark]))
print("alone:", alone.min(), "to", alone.max())
print("beside a bright image:", beside.min(), "to", beside.max())
both, model = np.concatenate([dark, bright]), Equalizer()
one, two = (model.predict(both, batch_size=size, verbose=0)[0] for size in (1, 2))
print("largest difference:", np.abs(alone - beside).max())
np.testing.assert_array_equal(alone, twice)
np.testing.assert_array_equal(one, alone)
np.testing.assert_array_equal(two, beside)
assert (alone.min(), alone.max()) == (0, 255)
assert beside.max() < 130 and np.abs(alone - beside).max() > 120
print("seen: the images of a batch share one histogram")
PYTHON
