#!/usr/bin/env bash
# segmentation_models_pytorch's FocalLoss("multiclass", from_logits=False) takes the logarithm
# of the probabilities and then their sigmoid, as if they were logits: p becomes p / (1 + p),
# and a probability of 1 is one half.
#
# Why it matters: the loss is focal in that it lets go of what is certain. Here a pixel that
# is right with certainty keeps a weight of (1 - 1/2)^2 and a loss of its own, the gradient
# goes on pushing it, and the loss of a perfect model is a sixth of that of a uniform one.
# With one channel per class, "multilabel", or with logits, it goes to zero.
#
# Versions: segmentation-models-pytorch 0.6.0, its losses alone, torch 2.13.0, numpy 2.3.5.
# Expected: 0 for the truth itself, and the loss of the logits whose probabilities they are.
# Seen: 0.0433, log(2) / 16, for 4 classes; 0.173, log(2) / 4, with gamma=0, which should be
#   plain cross-entropy.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torch==2.13.0 numpy==2.3.5
"$folder/venv/bin/pip" install -qq --no-compile --no-deps segmentation-models-pytorch==0.6.0
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import importlib.metadata
import math
import sys
import types

import torch

package = types.ModuleType("segmentation_models_pytorch")
distribution = importlib.metadata.distribution("segmentation-models-pytorch")
package.__path__ = [str(distribution.locate_file("segmentation_models_pytorch"))]
sys.modules[package.__name__] = package
from segmentation_models_pytorch.losses import FocalLoss  # noqa: E402

masks = torch.arange(4).repeat(2, 16).reshape(2, 8, 8)
truth = torch.nn.functional.one_hot(masks, 4).movedim(-1, 1).float()
seen = {}
for name, probabilities in (
    ("the truth", truth),
    ("half sure", truth / 2 + 1 / 8),
    ("uniform", torch.full_like(truth, 1 / 4)),
):
    logits = torch.logit(probabilities.clamp(1e-7, 1 - 1e-7))
    by_probabilities = float(FocalLoss("multiclass", from_logits=False)(probabilities, masks))
    by_channels = float(FocalLoss("multilabel", from_logits=False)(probabilities, truth))
    by_logits = float(FocalLoss("multiclass")(logits, masks))
    seen[name] = by_probabilities
    print(f"{name}: multiclass {by_probabilities:.4f},", end=" ")
    print(f"multilabel {by_channels:.4f}, the logits of these {by_logits:.4f}")
    assert abs(by_channels - by_logits) < 1e-6
    assert by_probabilities > by_logits + 0.03
plain = float(FocalLoss("multiclass", from_logits=False, gamma=0)(truth, masks))
print(f"the truth with gamma=0: {plain:.4f}")
assert abs(seen["the truth"] - math.log(2) / 16) < 1e-6
assert abs(plain - math.log(2) / 4) < 1e-6
assert 6 < seen["uniform"] / seen["the truth"] < 6.2
print("seen: what is certain counts as one half")
PYTHON
