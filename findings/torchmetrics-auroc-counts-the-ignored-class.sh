#!/usr/bin/env bash
# torchmetrics' multiclass AUROC has an ignore_index. Images of that class are left out, but
# the class itself isn't: its own curve, of no positive image, counts as an area of 0.
#
# Why it matters: an "unknown" or "background" class is what ignore_index is for. A model
# that ranks everything right gets 0.8 of five classes and 0.67 of three; no model can reach
# 1, and numbers with and without ignore_index aren't comparable. average="weighted" is
# right, and so is the average precision, which leaves classes without images out.
#
# Versions: torchmetrics 1.9.0, torch 2.13.0, scikit-learn 1.9.1, numpy 2.3.5.
# Expected: the mean over the classes that are left, 1 for a perfect ranking.
# Seen: (n - 1) / n of it for n classes, with thresholds and without; 0.48 for scores whose
#   areas have a mean of 0.60.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torchmetrics==1.9.0 torch==2.13.0 \
  scikit-learn==1.9.1 numpy==2.3.5
cd "$folder"
PYTHONWARNINGS=ignore venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import torch
from sklearn.metrics import roc_auc_score
from torchmetrics.functional.classification import (
    multiclass_auroc,
    multiclass_average_precision,
)


def by_sklearn(scores, labels):
    """One against the rest for each class but 0, of the images that aren't of class 0."""
    kept = labels != 0
    areas = [
        roc_auc_score(labels[kept] == name, scores[kept, name])
        for name in range(1, scores.shape[1])
    ]
    return sum(areas) / len(areas)


torch.manual_seed(0)
for classes in (3, 5, 10):
    labels = torch.arange(1000) % (classes + 1)
    labels[labels == classes] = 0
    perfect = 0.9 * torch.nn.functional.one_hot(labels, classes) + 0.1 / classes
    assert by_sklearn(perfect, labels) == 1
    for thresholds in (None, 100):
        seen = float(multiclass_auroc(perfect, labels, classes, "macro", thresholds, 0))
        assert abs(seen - (classes - 1) / classes) < 1e-6
    right = float(multiclass_average_precision(perfect, labels, classes, ignore_index=0))
    print(f"{classes:2} classes, ranked perfectly: AUROC {seen:.3f}, precision {right:.3f}")
    assert abs(right - 1) < 1e-6

labels = torch.randint(0, 5, (2000,))
scores = (torch.randn(2000, 5) + 0.35 * torch.nn.functional.one_hot(labels, 5)).softmax(-1)
expected = by_sklearn(scores, labels)
macro = float(multiclass_auroc(scores, labels, 5, "macro", None, 0))
weighted = float(multiclass_auroc(scores, labels, 5, "weighted", None, 0))
print(f"a weak model: {macro:.3f}, weighted {weighted:.3f}, by scikit-learn {expected:.3f}")
assert abs(macro - expected * 4 / 5) < 1e-4 and abs(weighted - expected) < 0.01
print("seen: the ignored class counts as one that is ranked upside down")
PYTHON
