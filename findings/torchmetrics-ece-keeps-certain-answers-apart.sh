#!/usr/bin/env bash
# torchmetrics' calibration error has one bin more than it is asked for: a confidence of
# exactly 1 gets its own, apart from the last one, whose share it belongs to.
#
# Why it matters: in float32 a softmax is exactly 1 as soon as the logits are 17 apart, which
# is much of what a trained classifier says. Errors that cancel out within a bin don't across
# two, so the error depends on whether a probability is 1 or 0.999999: a model counts as more
# than twice as badly calibrated as by the definition, and half precision, where more answers
# are 1, changes the calibration error.
#
# Versions: torchmetrics 1.9.0, torch 2.13.0, numpy 2.3.5, scipy 1.17.1.
# Expected: with one bin, the difference of mean confidence and accuracy.
# Seen: 0.07 instead of 0.03 with 1, 10 and 15 bins, and 0.03 after a clip to 1 - 1e-6.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torchmetrics==1.9.0 torch==2.13.0 \
  numpy==2.3.5 scipy==1.17.1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import torch
from scipy.stats import binned_statistic
from torchmetrics.functional.classification import multiclass_calibration_error

# Twenty answers of class 0: ten are certain, nine of them right, ten at 0.96 are all right.
gap = torch.tensor([20.0] * 10 + [float(np.log(0.96 / 0.04))] * 10)
answers = torch.softmax(torch.stack([gap, torch.zeros(20)], dim=-1), dim=-1)
labels = torch.tensor([0] * 9 + [1] + [0] * 10)
confidence = answers[:, 0].numpy()
right = (labels == 0).numpy().astype("float64")
assert (confidence[:10] == 1).all()


def defined(bins):
    """The share-weighted gap of confidence and accuracy over equal bins of 0 to 1."""
    edges = np.linspace(0, 1, bins + 1)
    sums = binned_statistic(confidence, [confidence, right], "sum", edges).statistic
    return float(np.abs(sums[0] - sums[1]).sum() / len(right))


for bins in (1, 10, 15):
    seen = float(multiclass_calibration_error(answers, labels, 2, n_bins=bins))
    clipped = answers.clamp(max=1 - 1e-6)
    without = float(multiclass_calibration_error(clipped, labels, 2, n_bins=bins))
    print(f"{bins:2} bins: {seen:.3f}, clipped {without:.3f}, defined {defined(bins):.3f}")
    assert abs(seen - 0.07) < 1e-3
    assert abs(without - 0.03) < 1e-3 and abs(defined(bins) - 0.03) < 1e-3
print("seen: certain answers have a bin of their own")
PYTHON
