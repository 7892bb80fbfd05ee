#!/usr/bin/env bash
# zennit's Occlusion moves its window by torch.roll: where the last one reaches beyond the
# image, the rest of it comes in again on the other side.
#
# Why it matters: the default is a window of 8 every 8 pixels. On images of 28 pixels, MNIST,
# the last window shows the lower 4 rows together with the upper 4; what lies at one edge is
# told of the other one too, and edges and corners add up two and four windows where the
# rest has one. Sizes that the stride divides, 32 or 224, are right; so is a small test.
#
# Versions: zennit 0.5.1, torch 2.13.0, numpy 2.3.5, pillow 13.0.0, without torchvision, which
#   its models' canonizers ask for.
# Expected: for a model that adds up the pixels, a plain image has a plain map, and an object
#   in one corner shows in that corner only.
# Seen: 64 in the middle, 128 at the left and upper edge, 256 in the corner; an object in the
#   lower right corner shows as much in the other three.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torch==2.13.0 numpy==2.3.5 pillow==13.0.0
"$folder/venv/bin/pip" install -qq --no-compile --no-deps zennit==0.5.1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import importlib.metadata
import sys
import types

import torch

package = types.ModuleType("zennit")
folder = importlib.metadata.distribution("zennit").locate_file("zennit")
package.__path__ = [str(folder)]
sys.modules["zennit"] = package
from zennit.attribution import Occlusion  # noqa: E402


class Sum(torch.nn.Module):
    def forward(self, images):
        return images.sum(dim=(1, 2, 3))[:, None]


def occlusion(image):
    """What the model answers for each window of 8x8, written into that window."""
    attributor = Occlusion(Sum(), attr_output=lambda output: output)
    return attributor(image[None, None])[1][0, 0]


for size in (28, 32):
    plain = occlusion(torch.ones(size, size))
    object_ = torch.zeros(size, size)
    object_[-2, -2] = 1
    corners = occlusion(object_)[[-2, -2, 1, 1], [-2, 1, -2, 1]].tolist()
    seen = [float(plain[row, column]) for row, column in ((14, 14), (14, 0), (0, 0))]
    print(f"size {size}: middle, edge and corner of a plain image {seen},", end=" ")
    print(f"object at the lower right seen in the corners {corners}")
    if size == 28:
        assert seen == [64, 128, 256] and corners == [1, 1, 1, 1]
    else:
        assert seen == [64, 64, 64] and corners == [1, 0, 0, 0]
print("seen: the last window goes on at the other edge")
PYTHON
