#!/usr/bin/env bash
# segmentation_models_pytorch's metrics with reduction="weighted-imagewise": a mask predicted
# without an error has an IoU, an F1 and an accuracy of 1/C, C being the number of classes.
# The weights are divided by their sum, and their mean is taken where the sum belongs.
#
# Why it matters: the number looks like a weak model's, rises and falls like a metric and
# ranks models rightly, so nobody looks twice; but it isn't comparable with any other, and
# with more classes the same model is worse. reduction="weighted", of the same weights, is
# right, and so is "macro-imagewise" without weights.
#
# Versions: segmentation-models-pytorch 0.6.0, its metrics alone, torch 2.13.0, numpy 2.3.5.
# Expected: 1 for the truth itself, by any weights; by equal ones what macro-imagewise gives.
# Seen: 0.5 for 2 classes, 0.25 for 4 and 0.05 for 20.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torch==2.13.0 numpy==2.3.5
"$folder/venv/bin/pip" install -qq --no-compile --no-deps segmentation-models-pytorch==0.6.0
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import importlib.metadata
import sys
import types

import torch

package = types.ModuleType("segmentation_models_pytorch")
distribution = importlib.metadata.distribution("segmentation-models-pytorch")
package.__path__ = [str(distribution.locate_file("segmentation_models_pytorch"))]
sys.modules[package.__name__] = package
from segmentation_models_pytorch import metrics  # noqa: E402

for classes in (2, 4, 20):
    masks = torch.arange(classes).repeat(2, 16).reshape(2, 4, -1)
    counts = metrics.get_stats(masks, masks, mode="multiclass", num_classes=classes)
    for weights in ([1.0] * classes, [1.0] + [3.0] * (classes - 1)):
        for score in (metrics.iou_score, metrics.f1_score, metrics.accuracy):
            weighted, imagewise = (
                float(score(*counts, reduction=reduction, class_weights=weights))
                for reduction in ("weighted", "weighted-imagewise")
            )
            macro = float(score(*counts, reduction="macro-imagewise"))
            assert abs(weighted - 1) < 1e-6 and macro == 1
            assert abs(imagewise - 1 / classes) < 1e-6
    print(f"{classes} classes: weighted {weighted:.2f}, macro-imagewise {macro:.2f},", end=" ")
    print(f"weighted-imagewise {imagewise:.2f}")

masks = torch.arange(4).repeat(2, 16).reshape(2, 8, 8)
guess = torch.where(torch.rand(masks.shape, generator=torch.manual_seed(0)) < 0.8, masks, 0)
counts = metrics.get_stats(guess, masks, mode="multiclass", num_classes=4)
macro = float(metrics.iou_score(*counts, reduction="macro-imagewise"))
equal = float(
    metrics.iou_score(*counts, reduction="weighted-imagewise", class_weights=[1.0] * 4)
)
print(f"a model of an IoU of {macro:.3f}: {equal:.3f} with four equal weights")
assert abs(equal - macro / 4) < 1e-6
print("seen: the truth scores 1/C")
PYTHON
