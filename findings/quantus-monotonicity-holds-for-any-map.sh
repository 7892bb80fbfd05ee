#!/usr/bin/env bash
# Quantus's Monotonicity is True for every explanation of every image: it begins with an
# image of baseline values and, where it should put the image's pixels back, in the order
# of the map, it writes the baseline over the baseline. The model sees one and the same
# blank image all the time, and equal numbers never decrease.
#
# Why it matters: a faithfulness score of 1.0 that looks like a result. Any map passes, its
# negative and noise too, and comparisons of methods by it compare nothing.
#
# Versions: quantus 0.6.0, keras 3.15.1, tensorflow-cpu 2.21.0.
# Expected: "each feature added in order of increasing attribution increases the output":
#   for a linear model, True for the exact attributions only if none is negative.
# Seen: 1.0 for the exact ones, their negative, and noise; worked out here by hand: 0.0,
#   0.0 and 0.0. Predictions asked for: 64 times 20 images, all of them blank.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  quantus==0.6.0 keras==3.15.1 tensorflow-cpu==2.21.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 PYTHONWARNINGS=ignore
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
from unittest import mock

import keras
import numpy as np
import quantus
from quantus.helpers.model.tf_model import TensorFlowModel

random = np.random.default_rng(0)
weights = random.normal(size=(64, 3)).astype("float32")
model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        keras.layers.Flatten(),
        keras.layers.Dense(3, use_bias=False),
    ]
)
model.layers[-1].set_weights([weights])
images = random.random((20, 8, 8, 1)).astype("float32")
images[:, 0, 0] = 0  # so that the baseline "black", an image's smallest value, is 0
classes = random.integers(0, 3, 20)
contributions = images.reshape(20, 64) * weights[:, classes].T
maps = {
    "exact": contributions,
    "negative": -contributions,
    "noise": random.normal(size=(20, 64)),
}


def by_hand(values):
    """The share of images whose output never falls as pixels come in, least first."""
    order = np.argsort(np.abs(values))
    added = np.take_along_axis(contributions, order, axis=1)
    return np.mean(np.all(added[:, 1:] >= 0, axis=1))


def monotonic(values):
    """The share of images that Quantus calls monotonic."""
    passed = quantus.Monotonicity(disable_warnings=True)(
        model,
        images,
        classes,
        a_batch=values.reshape(20, 1, 8, 8),
        channel_first=False,
        softmax=False,
    )
    return float(np.mean(passed))


for name, values in maps.items():
    print(f"{name:9} quantus {monotonic(values)}, by hand {by_hand(values)}")
    assert monotonic(values) == 1.0
    assert by_hand(values) == 0.0

seen = []
predict = TensorFlowModel.predict


def watched(self, x, **settings):
    seen.append(np.array(x))
    return predict(self, x, **settings)


with mock.patch.object(TensorFlowModel, "predict", watched):
    monotonic(maps["exact"])
print("predictions:", len(seen), "of", seen[0].shape[0], "images")
print("largest pixel that the model saw:", max(float(np.max(x)) for x in seen))
assert len(seen) == 64 and all(not x.any() for x in seen)
print("seen: any map is monotonic, the model sees blank images alone")
PYTHON
