#!/usr/bin/env bash
# keras.layers.RandomPosterization(4) keeps 1, 2 or 3 bits of each channel, and never 4: the
# number of bits becomes the open end of a range that begins at 1.
#
# Why it matters: 4 bits are a mild change, 1 bit leaves black and one grey. RandAugment and
# AugMix build the layer in this way from their factor: at RandAugment's default a third
# of its posterized images have 2 levels, where torchvision's strongest setting keeps 16.
#
# Versions: keras 3.15.1 on jax 0.10.2 (the code is the same on every backend).
# Expected: "factor: integer, the number of bits to keep for each channel", 16 levels for 4,
#   and no change at all for 8.
# Seen: 2, 4 or 8 levels for 4, in a third of the images each; 2 to 128 levels for 8.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2
export KERAS_BACKEND=jax
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import collections

import keras
import numpy as np

levels = np.arange(256, dtype="float32").reshape(1, 16, 16, 1)
images = np.broadcast_to(levels, (600, 16, 16, 3))


def shares(layer):
    """The share of the images that keep so many of their 256 levels."""
    seen = keras.ops.convert_to_numpy(layer(images, training=True))
    counts = collections.Counter(len(np.unique(image)) for image in seen)
    return {kept: round(count / 600, 2) for kept, count in sorted(counts.items())}


found = {
    "RandomPosterization(4)": shares(keras.layers.RandomPosterization(4, seed=1)),
    "RandomPosterization(8)": shares(keras.layers.RandomPosterization(8, seed=1)),
    "RandAugment's": shares(keras.layers.RandAugment(seed=1).random_posterization),
    "RandomPosterization((4, 4))": shares(keras.layers.RandomPosterization((4, 4))),
}
for name, kept in found.items():
    print(f"{name:28} levels and their shares: {kept}")
four, eight, inner, fixed = found.values()
assert list(four) == list(inner) == [2, 4, 8]
assert list(eight) == [2, 4, 8, 16, 32, 64, 128]
assert fixed == {16: 1.0}
print("seen: fewer bits than were asked for")
PYTHON
