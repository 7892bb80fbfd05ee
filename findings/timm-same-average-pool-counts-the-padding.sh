#!/usr/bin/env bash
# timm's AvgPool2dSame, "Tensorflow like 'SAME'", pads with zeros first and averages then. The
# zeros count, and count_include_pad=False, which is for just that, changes nothing.
#
# Why it matters: TensorFlow's SAME pooling averages the image alone. Features at the border
# come out at half, in the corner at a quarter of what they are, so that weights ported from
# TensorFlow answer otherwise, and maps are dim at the edges, for even sizes on one side only.
#
# Versions: timm 1.0.31, its pooling alone, torch 2.13.0, numpy 2.3.5.
# Expected: the average of a plain image is the image; with count_include_pad=False at least.
# Seen: pooled by 2, an image of 5x5 ends in 0.5 and 0.25, with either value; PyTorch's own
#   pooling with ceil_mode=True or with padding and count_include_pad=False gives 1.
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

import torch

root = importlib.metadata.distribution("timm").locate_file("timm")
for name in ("timm", "timm.layers"):
    package = types.ModuleType(name)
    package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
    sys.modules[name] = package
from timm.layers.pool2d_same import AvgPool2dSame, create_pool2d  # noqa: E402

plain = torch.ones(1, 1, 5, 5)
pools = {
    "default": AvgPool2dSame(2, 2),
    "without pad": AvgPool2dSame(2, 2, count_include_pad=False),
    "create_pool2d": create_pool2d("avg", 2, padding="same", count_include_pad=False),
    "torch, ceil": torch.nn.AvgPool2d(2, 2, ceil_mode=True),
}
for name, pool in pools.items():
    pooled = pool(plain)[0, 0]
    print(f"{name:13} last row {pooled[-1].tolist()}")
    if name.startswith("torch"):
        assert torch.equal(pooled, torch.ones(3, 3))
    else:
        assert pooled[-1].tolist() == [0.5, 0.5, 0.25] and (pooled[:2, :2] == 1).all()

centred = AvgPool2dSame(3, 1, count_include_pad=False)(plain)[0, 0]
right = torch.nn.AvgPool2d(3, 1, padding=1, count_include_pad=False)(plain)[0, 0]
print(f"3x3 by 1: corner {centred[0, 0]:.3f}, torch's own {right[0, 0]:.3f}")
assert torch.isclose(centred[0, 0], torch.tensor(4 / 9)) and (right == 1).all()
print("seen: zeros around the image count")
PYTHON
