#!/usr/bin/env bash
# keras.layers.RandAugment moves and turns images one way only: down, right and
# counter-clockwise, and never makes one darker. Its strength, 0 to factor, is handed to its
# inner layers as their range, in which one would write (-factor, factor).
#
# Why it matters: the paper, torchvision and timm give each of these operations a random
# sign. Here half of the variety is missing and the rest is a bias: at the default factor
# objects move away from the upper left by a quarter of the image on average, and turn by
# 0 to 180 degrees. keras.layers.AugMix does the same.
#
# Versions: keras 3.15.1 on tensorflow-cpu 2.21.0 (the code is the same on every backend).
# Expected: shifts of both signs, rotations of both senses, and images that get darker.
# Seen: of 400 draws each, shifts of 0 to 0.5 of the image down and right, rotations of 0
#   to 180 degrees counter-clockwise, grey of 100 made 100 to 228.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 tensorflow-cpu==2.21.0
export KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import keras
import numpy as np

layers = {}
for name in ("RandAugment", "AugMix"):
    settings = {"factor": 0.5, "seed": 1, "value_range": (0, 255)}
    layers[name] = getattr(keras.layers, name)(**settings)
size, draws = 65, 400
dot = np.zeros((draws, size, size, 1), "float32")
dot[:, 31:34, 31:34] = 1
bar = np.zeros((draws, size, size, 1), "float32")
bar[:, 31:34, 42:48] = 1  # to the right of the middle
grey = np.full((draws, 4, 4, 3), 100, "float32")


def changed(layer, images):
    return keras.ops.convert_to_numpy(layer(images, training=True))[..., 0]


def places(images):
    """The centre of each image's object, from the middle, as shares of the image."""
    at = [np.argwhere(image > 0.5) for image in images]
    return np.array([x.mean(0) / (size - 1) - 0.5 for x in at if len(x)])


for name, layer in layers.items():
    shifts = places(changed(layer.random_translation, dot))
    down, right = places(changed(layer.random_rotation, bar)).T
    turns = np.degrees(np.arctan2(-down, right))  # counter-clockwise
    turns = np.where(turns < -170, turns + 360, turns)
    levels = changed(layer.random_brightness, grey)
    for what, values in (
        ("down", shifts[:, 0]),
        ("right", shifts[:, 1]),
        ("turned", turns),
        ("grey", levels),
    ):
        print(f"{name:11} {what:7} {values.min():7.2f} to {values.max():7.2f}")
    assert shifts.min() >= 0 and shifts.max() > 0.45
    assert turns.min() > -2 and 170 < turns.max() < 182
    assert levels.min() >= 100 and levels.max() > 220
print("seen: one direction each")
PYTHON
