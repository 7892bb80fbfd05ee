#!/usr/bin/env bash
# tf-explain standardizes gradient maps by the mean and deviation of the whole batch and
# shows them from there to one deviation above: all that is below is black, all above white.
#
# Why it matters: per_image_standardization gets the batch without a channel axis and takes
# it for one image. Which map an image gets depends on the images next to it: beside one with
# steep gradients its own map is black, the map of "nothing matters". Vanilla gradients,
# gradient * input, SmoothGrad and integrated gradients all go through this.
#
# Versions: tf-explain 0.3.1, keras 3.15.1, tensorflow-cpu 2.21.0, opencv 5.0.0.93.
# Expected: an image's map is the same whatever else is in the batch, and grows with the
#   values.
# Seen: of a map of even steps half is black, a fifth white and the rest graded; beside an
#   image of ten times its brightness all of it is black.
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
from tf_explain.core.gradients_inputs import GradientsInputs

inputs = keras.Input((32, 32, 1))
flat = keras.layers.Flatten()(inputs)
scores = keras.layers.Dense(2, use_bias=False)(flat)
model = keras.Model(inputs, keras.layers.Softmax()(scores))
model.layers[-2].set_weights([np.full((1024, 2), 10, "float32")])

steps = np.linspace(0, 0.1, 1024, dtype="float32").reshape(1, 32, 32, 1)
bright = 10 * steps


def shown(*images):
    """The map of the first image, as it is shown."""
    grid = GradientsInputs().explain((np.concatenate(images), None), model, 0)
    return np.asarray(grid)[:32, :32]


alone, beside = shown(steps), shown(steps, bright)
for name, values in (("alone", alone), ("beside a bright image", beside)):
    black, white = (values == 0).mean(), (values == 255).mean()
    print(f"{name:22} {black:4.0%} black, {white:4.0%} white, {1 - black - white:.0%} graded")
assert 0.45 < (alone == 0).mean() < 0.55 and 0.15 < (alone == 255).mean() < 0.3
assert (beside == 0).all()
assert (shown(steps, steps) == alone).mean() > 0.99
print("seen: a map depends on the other images of its batch")
PYTHON
