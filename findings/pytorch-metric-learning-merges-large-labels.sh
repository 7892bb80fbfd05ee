#!/usr/bin/env bash
# pytorch-metric-learning's AccuracyCalculator turns labels into float32. Above 16,777,216
# neighbouring numbers become the same, and classes are counted as one.
#
# Why it matters: labels are identities there, of persons, products or places, and datasets
# number them by ids of many digits. Retrieval looks better than it is: more neighbours are
# "of the same class", though the integers were exact and no one asked for floats.
#
# Versions: pytorch-metric-learning 2.9.0, torch 2.13.0, numpy 2.3.5, scikit-learn 1.9.1.
# Expected: the same accuracy for labels 0 to 7 and for 20,000,000 to 20,000,007.
# Seen: on noise, precision_at_1 rises from 0.125 to 0.250 and mean average precision at R
#   from 0.029 to 0.087; by hand it is 0.125 for both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torch==2.13.0 numpy==2.3.5 \
  scikit-learn==1.9.1 pytorch-metric-learning==2.9.0
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN

torch.manual_seed(0)
embeddings = torch.randn(200, 4)
names = ("precision_at_1", "mean_average_precision_at_r")
calculator = AccuracyCalculator(
    include=names, knn_func=CustomKNN(LpDistance()), kmeans_func=lambda *given: None
)


def by_hand(labels):
    """How many have the label of their nearest neighbour."""
    near = torch.nn.functional.normalize(embeddings)
    distances = torch.cdist(near, near).fill_diagonal_(float("inf"))
    return float((labels[distances.argmin(dim=1)] == labels).float().mean())


found = {}
for first in (0, 20_000_000):
    labels = first + torch.arange(8).repeat_interleave(25)
    seen = calculator.get_accuracy(embeddings, labels)
    found[first] = [seen[name] for name in names]
    print(f"labels from {first}: {names[0]} {found[first][0]:.3f}", end=" ")
    print(f"(by hand {by_hand(labels):.3f}), {names[1]} {found[first][1]:.3f}")
    assert labels.dtype == torch.int64 and len(labels.unique()) == 8
    assert abs(by_hand(labels) - found[0][0]) < 1e-6
assert found[20_000_000][0] > 1.5 * found[0][0]
assert found[20_000_000][1] > 2 * found[0][1]
print("seen: large labels are merged")
PYTHON
