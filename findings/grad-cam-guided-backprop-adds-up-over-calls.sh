#!/usr/bin/env bash
# pytorch-grad-cam's GuidedBackpropReLUModel reads the gradient off the image that it is
# given and leaves it there: the second map of the same tensor is the sum of both, the third
# that of three.
#
# Why it matters: two classes of one image are compared by calling it twice. The second class
# shows the first one's pixels as well, and which classes look alike depends on the order;
# the same class asked for twice is twice as strong. On a GPU, where the image is copied,
# all is well, so one's figures depend on the device.
#
# Versions: grad-cam 1.5.7, torch 2.14.1, numpy 2.3.5, without the package's __init__, which
#   asks for torchvision.
# Expected: the map of a class whatever was asked before, as for a copy of the image.
# Seen: a class of the left half and one of the right half: the second map shows both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torch==2.14.1 numpy==2.3.5
"$folder/venv/bin/pip" install -qq --no-compile --no-deps grad-cam==1.5.7
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import importlib.metadata
import sys
import types

import numpy as np
import torch

root = importlib.metadata.distribution("grad-cam").locate_file("pytorch_grad_cam")
for name in ("pytorch_grad_cam", "pytorch_grad_cam.utils"):
    package = types.ModuleType(name)
    package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
    sys.modules[name] = package
from pytorch_grad_cam.guided_backprop import GuidedBackpropReLUModel  # noqa: E402

# The logit of class 0 is the sum of the left half of the image, of class 1 that of the right.
model = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(16, 2))
halves = (torch.arange(4) < 2).repeat(4).float()
model[2].weight.data = torch.stack([halves, 1 - halves])
model[2].bias.data.zero_()
guided = GuidedBackpropReLUModel(model, device="cpu")
image = torch.ones(1, 1, 4, 4)

for name, given in (("copies", image.clone), ("the image", lambda: image)):
    left, right = (guided(given(), target_category=c)[0, :, 0].copy() for c in (0, 1))
    print(f"{name}: class 0 {left.tolist()}, class 1 {right.tolist()}")
    assert left.tolist() == [1, 1, 0, 0]
    assert right.tolist() == ([0, 0, 1, 1] if name == "copies" else [1, 1, 1, 1])
third = guided(image, target_category=0)[0, :, 0]
print(f"class 0 again: {third.tolist()}")
assert np.array_equal(third, [2, 2, 1, 1])
print("seen: each map is added to those before")
PYTHON
