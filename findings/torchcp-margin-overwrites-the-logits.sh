#!/usr/bin/env bash
# TorchCP's Margin score, where it takes the labels' scores, writes -1 in the place of the
# labels into the tensor it got. With score_type="identity" that is the caller's: after the
# calibration the model's logits say -1 for each right class.
#
# Why it matters: one computes logits once and calibrates several predictors on them. All
# that come after a Margin see logits whose right class was taken away, in most cases the
# largest one: their sets get several times as large. Nothing is said, and the order of two
# lines decides.
#
# Versions: torchcp 1.2.1, its scores and its split predictor alone (the package's __init__
#   asks for torchsort and torch_geometric), torch 2.13.0, numpy 2.3.5.
# Expected: calibration leaves the logits as they are; LAC gives the same sets before and
#   after.
# Seen: all 2,000 labels' logits are -1. LAC's sets have 1.1 labels before and 5.9 of 10
#   after. APS, LAC and SAPS by "identity" change nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torch==2.13.0 numpy==2.3.5 \
  scikit-learn==1.9.1 tqdm==4.67.1
"$folder/venv/bin/pip" install -qq --no-compile --no-deps torchcp==1.2.1
cd "$folder"
PYTHONWARNINGS=ignore venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import importlib.metadata
import sys
import types

import torch

root = importlib.metadata.distribution("torchcp").locate_file("torchcp")
for name in ("torchcp", "torchcp.classification"):
    package = types.ModuleType(name)
    package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
    sys.modules[name] = package
from torchcp.classification.predictor import SplitPredictor  # noqa: E402
from torchcp.classification.score import APS, LAC, SAPS, Margin  # noqa: E402

torch.manual_seed(0)
logits = torch.randn(2, 2000, 10) * 8
labels = torch.distributions.Categorical(logits=logits).sample()
given = logits[0].clone()


def lac():
    """Coverage and mean size of LAC's sets, calibrated on the logits given."""
    predictor = SplitPredictor(LAC(), alpha=0.1)
    predictor.calculate_threshold(given, labels[0])
    sets = predictor.predict_with_logits(logits[1]).float()
    return float(sets.gather(1, labels[1][:, None]).mean()), float(sets.sum(1).mean())


before = lac()
for score in (LAC("identity"), APS("identity"), SAPS("identity")):
    score(given, labels[0])
assert torch.equal(given, logits[0])
SplitPredictor(Margin("identity"), alpha=0.1).calculate_threshold(given, labels[0])
changed = given != logits[0]
after = lac()
print(f"changed: {int(changed.sum())} logits, now {set(given[changed].tolist())}")
print(f"LAC before: {before[0]:.3f} covered by {before[1]:.2f} labels of 10")
print(f"LAC after:  {after[0]:.3f} covered by {after[1]:.2f} labels of 10")
assert changed.sum() == 2000 and changed.any(dim=1).all()
assert set(given[changed].tolist()) == {-1.0}
assert before[1] < 1.5 and after[1] > 5
print("seen: the labels' logits are overwritten")
PYTHON
