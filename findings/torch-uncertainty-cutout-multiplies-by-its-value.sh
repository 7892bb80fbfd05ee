#!/usr/bin/env bash
# TorchUncertainty's Cutout(length, value) multiplies the square by the value, which its
# documentation calls the pixel value to be filled in.
#
# Why it matters: value=0 is right, so that nothing shows in a test. Grey, the usual choice,
# makes the object 128 times as bright instead of hiding it, value=1 hides nothing, and in
# images that are normalized the square is a glaring copy of what should be gone. uint8
# images come out as float32, far above 255.
#
# Versions: torch_uncertainty 0.13.0, its Cutout alone, torch 2.13.0, numpy 2.3.5.
# Expected: the square is 128 for value=128, and nothing of the image is left in it.
# Seen: 64 where the image was 0.5 and 25,600 where it was 200; by value=1 the image as it was.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torch==2.13.0 numpy==2.3.5
"$folder/venv/bin/pip" install -qq --no-compile --no-deps torch_uncertainty==0.13.0
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import importlib.metadata
import sys
import types

import torch

distribution = importlib.metadata.distribution("torch_uncertainty")
for name in ("torch_uncertainty", "torch_uncertainty.transforms"):
    package = types.ModuleType(name)
    package.__path__ = [str(distribution.locate_file(name.replace(".", "/")))]
    sys.modules[name] = package
from torch_uncertainty.transforms.cutout import Cutout  # noqa: E402

found = {}
for value in (0, 1, 128):
    for level in (0.5, 200):
        image = torch.full((3, 32, 32), level)
        if level == 200:
            image = image.to(torch.uint8)
        torch.manual_seed(1)
        cut = Cutout(16, value)(image)
        found[value, level] = sorted(cut.unique().tolist())
        print(f"value {value:3}, image of {level} ({image.dtype}):", end=" ")
        print(f"{cut.dtype}, {found[value, level]}")
assert found[0, 0.5] == [0, 0.5] and found[0, 200] == [0, 200]
assert found[1, 0.5] == [0.5] and found[1, 200] == [200]
assert found[128, 0.5] == [0.5, 64] and found[128, 200] == [200, 25600]
print("seen: the square is multiplied by the value")
PYTHON
