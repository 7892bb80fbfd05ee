#!/usr/bin/env bash
# timm's FastCollateMixup with mode="pair" or "half" pastes CutMix boxes into the very arrays
# that the dataset handed out.
#
# Why it matters: small datasets, CIFAR for one, are held in memory as uint8 arrays, which is
# the form that it asks for. Then the dataset itself is cut up, epoch by epoch: the images
# get pieces of several others while their labels say they are whole, in later epochs and
# in all that reads the same array, evaluation on the training set too. The modes "batch"
# and "elem" of the same class copy first.
#
# Versions: timm 1.0.31, its mixup alone, torch 2.13.0, numpy 2.3.5.
# Expected: the dataset is the same after an epoch.
# Seen: after three passes over 64 images of 8x8, all of them by "pair" and 91% by "half" have
#   foreign pixels, which are 68% and 40% of all; "batch" and "elem" change none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torch==2.13.0 numpy==2.3.5
"$folder/venv/bin/pip" install -qq --no-compile --no-deps timm==1.0.31
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import importlib.metadata
import sys
import types

import numpy as np

root = importlib.metadata.distribution("timm").locate_file("timm")
for name in ("timm", "timm.data"):
    package = types.ModuleType(name)
    package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
    sys.modules[name] = package
from timm.data.mixup import FastCollateMixup  # noqa: E402

found = {}
for mode in ("batch", "elem", "half", "pair"):
    np.random.seed(0)
    collate = FastCollateMixup(
        mixup_alpha=0.0, cutmix_alpha=1.0, mode=mode, num_classes=64
    )
    # Each image has its own number as every pixel, and as its label.
    images = np.broadcast_to(
        np.arange(64, dtype="uint8")[:, None, None, None], (64, 3, 8, 8)
    ).copy()
    dataset = list(zip(images, range(64)))
    for _ in range(3):
        order = np.random.permutation(64)
        for start in range(0, 64, 16):
            collate([dataset[index] for index in order[start : start + 16]])
    foreign = images != np.arange(64)[:, None, None, None]
    found[mode] = foreign.any(axis=(1, 2, 3)).mean(), foreign.mean()
    print(f"{mode:5}: {found[mode][0]:.0%} of the images changed,", end=" ")
    print(f"{found[mode][1]:.0%} of the pixels")
assert found["batch"] == found["elem"] == (0, 0)
assert found["pair"][0] > 0.9 and found["pair"][1] > 0.4
assert found["half"][0] > 0.8
print("seen: the dataset is cut up")
PYTHON
