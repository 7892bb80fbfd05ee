#!/usr/bin/env bash
# pytorch-grad-cam's ROAD removes the pixels that lie at a percentile of the map or above. In
# a map with zeros, as the ReLU of Grad-CAM leaves, that percentile is 0, and all pixels go:
# what is left is black with a little noise.
#
# Why it matters: ROAD measures how much the removed pixels were worth. Here "the 20% that
# matter most" are the whole image, whatever the map shows: the model breaks down, and the
# map is praised for it. A map that points at nothing gets the score of the true one, and
# the share of zeros decides between methods.
#
# Versions: grad-cam 1.5.7, torch 2.13.0, numpy 2.3.5, without the package's __init__, which
#   asks for torchvision.
# Expected: by percentile=80 a fifth of the pixels is removed.
# Seen: all of them, if more than 80% of the map are 0, and the scores of the true map and
#   of one beside the object differ by less than 0.01, where they are 0.4 apart for the same
#   two maps with a little added that grows from pixel to pixel.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torch==2.13.0 numpy==2.3.5 scipy==1.17.1 \
  opencv-python-headless==5.0.0.93
"$folder/venv/bin/pip" install -qq --no-compile --no-deps grad-cam==1.5.7
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import importlib.metadata
import sys
import types

import numpy as np
import torch

package = types.ModuleType("pytorch_grad_cam")
folder = importlib.metadata.distribution("grad-cam").locate_file("pytorch_grad_cam")
package.__path__ = [str(folder)]
sys.modules["pytorch_grad_cam"] = package
from pytorch_grad_cam.metrics.road import ROADMostRelevantFirst  # noqa: E402

torch.manual_seed(0)
image = torch.rand(1, 3, 32, 32) * 0.2 + 0.4
image[:, :, 4:12, 4:12] += 0.4  # the object


def model(images):
    """How much brighter the object is than the rest of the image."""
    rest = images[:, :, 16:].mean(dim=(1, 2, 3))
    return (images[:, :, 4:12, 4:12].mean(dim=(1, 2, 3)) - rest)[:, None]


def road(cam):
    """Share of pixels that were changed, and the change of the answer."""
    metric = ROADMostRelevantFirst(percentile=80)
    targets = [lambda output: output[0]]
    score, seen = metric(image, cam, targets, model, return_visualization=True)
    return float((seen != image).float().mean()), float(score[0]), float(seen.max())


rise = np.linspace(0, 1e-3, 32 * 32, dtype="float32").reshape(1, 32, 32)
true, false = np.zeros((2, 1, 32, 32), "float32")
true[:, 4:12, 4:12] = 1
false[:, 20:28, 20:28] = 1
found = {}
for name, cam in (("true", true), ("false", false)):
    for zeros, values in (("zeros", cam), ("no zeros", cam + rise)):
        share, score, brightest = road(values)
        found[name, zeros] = share, score
        print(f"{name:5} map with {zeros:8}: {share:4.0%} removed,", end=" ")
        print(f"score {score:6.3f}, brightest pixel {brightest:.2f}")
for name in ("true", "false"):
    assert found[name, "zeros"][0] == 1 and 0.19 < found[name, "no zeros"][0] < 0.21
scores = {key: score for key, (_, score) in found.items()}
assert abs(scores["true", "zeros"] - scores["false", "zeros"]) < 0.01
assert scores["false", "no zeros"] - scores["true", "no zeros"] > 0.3
print("seen: all of the image is removed for a map with zeros")
PYTHON
