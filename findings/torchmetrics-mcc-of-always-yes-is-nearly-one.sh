#!/usr/bin/env bash
# torchmetrics' Matthews correlation of two classes, where the predictions are all the same,
# is undefined, 0 by convention and in the limit. torchmetrics puts a small number in for the
# zero, yet takes its root both above and below the line, and so leaves something of any size:
# a model that always says yes gets 0.985 where 99 of 100 are yes, -0.985 where one is.
#
# Why it matters: this measure is chosen because it gives nothing for the more frequent class,
# which accuracy rewards. A collapsed model is the best checkpoint of a run that maximises
# it, and an epoch later a single other answer brings it to -0.01. With a third class that
# never occurs it's 0, as it should be.
#
# Versions: torchmetrics 1.9.0, torch 2.13.0, numpy 2.3.5, scikit-learn 1.9.1.
# Expected: 0 for answers that don't depend on the image, as by scikit-learn.
# Seen: 0.985, 0.267 and 0.115 where 99, 90 and 75 of 100 are yes, by the binary and by the
#   multiclass function of two classes, and by the classes that accumulate; 1 of 100 of 100.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torchmetrics==1.9.0 torch==2.13.0 \
  numpy==2.3.5 scikit-learn==1.9.1
cd "$folder"
PYTHONWARNINGS=ignore venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import torch
from sklearn.metrics import matthews_corrcoef
from torchmetrics.classification import BinaryMatthewsCorrCoef
from torchmetrics.functional.classification import (
    binary_matthews_corrcoef,
    multiclass_matthews_corrcoef,
)

always, once = torch.ones(100, dtype=torch.long), torch.ones(100, dtype=torch.long)
once[0] = 0
seen = {}
for positives in (1, 25, 50, 75, 90, 99):
    truth = (torch.arange(100) < positives).long()
    binary = float(binary_matthews_corrcoef(always, truth))
    metric = BinaryMatthewsCorrCoef()
    for answers, labels in zip(always.split(10), truth.split(10)):
        metric.update(answers, labels)
    two = float(multiclass_matthews_corrcoef(always, truth, 2))
    three = float(multiclass_matthews_corrcoef(always, truth, 3))
    other = float(binary_matthews_corrcoef(once, truth))
    print(f"{positives} of 100 are yes: always yes gets {binary:.3f}, with a third class", end=" ")
    print(f"{three}, by scikit-learn {matthews_corrcoef(truth, always)};", end=" ")
    print(f"with a single no {other:.3f}, by scikit-learn {matthews_corrcoef(truth, once):.3f}")
    assert binary == two == float(metric.compute())
    assert three == matthews_corrcoef(truth, always) == 0
    assert abs(other - matthews_corrcoef(truth, once)) < 1e-6
    seen[positives] = binary
assert 0.98 < seen[99] < 0.99 and -0.99 < seen[1] < -0.98
assert 0.26 < seen[90] < 0.27 and 0.11 < seen[75] < 0.12 and abs(seen[50]) < 1e-6
print("seen: always yes is rewarded")
PYTHON
