#!/usr/bin/env bash
# pycm's PRCurve begins at the recall of the highest threshold, not at 0: all of the area to
# the left of that point is missing.
#
# Why it matters: scores that share the highest value, as those of a saturated softmax, of
# rounded or of quantized models do, have a high recall at it. The better and surer a model
# is, the less area is left: a perfect one with scores of 0 and 1 has none, and a worse one
# is ranked above it. ROCCurve adds its end point.
#
# Versions: pycm 4.6, scikit-learn 1.9.1, numpy 2.3.5.
# Expected: scikit-learn's area under precision and recall, average or by trapezoids: 1 for
#   answers that are all right.
# Seen: 0.0 for a perfect and sure model; 0.190 of 1.000 for one rounded to hundredths.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile pycm==4.6 scikit-learn==1.9.1 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from pycm import PRCurve, ROCCurve
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score

rng = np.random.default_rng(0)
labels = np.repeat([0, 1], 100)


def areas(text, scores):
    """Of class 1 by pycm, by scikit-learn's average and by its trapezoids; ROC's agree."""
    scores = np.asarray(scores, float)
    both = np.stack([1 - scores, scores], 1)
    seen = PRCurve(labels, both, classes=[0, 1]).area()[1]
    precision, recall, _ = precision_recall_curve(labels, scores)
    average, trapezoids = average_precision_score(labels, scores), auc(recall, precision)
    print(f"{text}: {seen:.3f}, expected {average:.3f} or {trapezoids:.3f}")
    roc = ROCCurve(labels, both, classes=[0, 1]).area()[1]
    assert abs(roc - roc_auc_score(labels, scores)) < 1e-6
    highest = scores[labels == 1] == scores.max()
    return seen, average, trapezoids, highest.mean()


seen, average, trapezoids, _ = areas("perfect and sure", labels)
assert abs(seen) < 1e-9 and average == trapezoids == 1

hundredths = 1 / (1 + np.exp(-rng.normal(np.where(labels, 8.0, -8.0), 3)))
seen, average, trapezoids, share = areas("sure, to hundredths", hundredths.round(2))
assert share > 0.5 and seen < 0.5 and average > 0.95
# What is missing is the rectangle from no recall to that of the highest score.
assert abs(trapezoids - seen - share) < 0.02

unsure = 1 / (1 + np.exp(-rng.normal(np.where(labels, 0.5, -0.5), 1)))
seen_unsure, average_unsure, trapezoids, share = areas("unsure, all scores differ", unsure)
assert share <= 0.01 and abs(seen_unsure - trapezoids) < 0.02
assert average_unsure < average and seen_unsure > seen
print("seen: the area begins at the recall of the highest score; the worse model wins")
PYTHON
