#!/usr/bin/env bash
# torchmetrics' retrieval_average_precision and RetrievalMAP take a relevant item whose score
# isn't above 0 for an irrelevant one: it is left out of the mean. A model that gives the
# image it misses a probability of 0 has a perfect average precision; with 1e-9 it has 0.75.
#
# Why it matters: probabilities of 0 are what a softmax in half precision, a ReLU or rounding
# makes of small ones, so a model is the better the more surely it misses. With cosine
# similarities or distances, which nothing refuses, half of the images are concerned or all.
# nDCG, hit rate, R-precision and the AUROC of the same module go by the order alone.
#
# Versions: torchmetrics 1.9.0, torch 2.14.1, scikit-learn 1.9.1, numpy 2.3.5.
# Expected: by the order alone, as scikit-learn's average_precision_score.
# Seen: 1.0 instead of 0.75 for a missed image of probability 0; 0.833 instead of 0.756 for
#   cosine similarities; 0 instead of 1 for a perfect ranking by negative distances.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torchmetrics==1.9.0 torch==2.14.1 \
  scikit-learn==1.9.1 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import torch
from sklearn.metrics import average_precision_score
from torchmetrics.functional import retrieval
from torchmetrics.retrieval import RetrievalMAP


def values(name, scores, relevant):
    """Average precision as it is and by scikit-learn."""
    scores, relevant = torch.tensor(scores), torch.tensor(relevant, dtype=torch.bool)
    seen = float(retrieval.retrieval_average_precision(scores, relevant))
    metric = RetrievalMAP()
    metric.update(scores, relevant, indexes=torch.zeros(len(scores), dtype=torch.long))
    assert abs(float(metric.compute()) - seen) < 1e-6
    expected = float(average_precision_score(relevant.numpy(), scores.numpy()))
    print(f"{name}: {seen:.3f}, by scikit-learn {expected:.3f}")
    raised = scores + 10
    assert abs(retrieval.retrieval_average_precision(raised, relevant) - expected) < 1e-6
    assert retrieval.retrieval_auroc(scores, relevant) == retrieval.retrieval_auroc(
        raised, relevant
    )
    return round(seen, 3), round(expected, 3)


missed = values("a missed image of probability 1e-9", [0.9, 0.5, 0.2, 1e-9], [1, 0, 0, 1])
assert missed == (0.75, 0.75)
missed = values("a missed image of probability 0", [0.9, 0.5, 0.2, 0.0], [1, 0, 0, 1])
assert missed == (1, 0.75)
cosines = values("cosines", [0.8, 0.5, 0.3, -0.1, -0.2, -0.4], [1, 0, 1, 0, 1, 0])
assert cosines == (0.833, 0.756)
distances = values("minus distances", [-0.1, -0.2, -0.7, -0.9], [1, 1, 0, 0])
assert distances == (0, 1)
print("seen: what isn't above 0 isn't relevant")
PYTHON
