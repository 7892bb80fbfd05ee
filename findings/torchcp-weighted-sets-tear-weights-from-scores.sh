#!/usr/bin/env bash
# TorchCP's WeightedPredictor sorts the scores of the calibration images, and sorts their
# weights, each for itself: the largest weight goes with the largest score, whoever's it is.
#
# Why it matters: weighted conformal sets are for images that come from elsewhere than those
# of the calibration. If they are the harder ones, weights and scores happen to rise together
# and all looks right. If they are easier, or differ in something that has nothing to do
# with difficulty, the threshold is far too high, and each set holds labels for nothing.
#
# Versions: torchcp 1.2.1, its scores and its predictors alone (the package's __init__ asks
#   for torchsort and torch_geometric), torch 2.13.0, numpy 2.3.5.
# Expected: for exact weights and alpha=0.1, coverage of 90% by small sets.
# Seen: where the target is easier, 99.4% by sets of 1.4 labels; with each score's own weight,
#   by hand, 89.5% by 0.9 labels. Where it is harder, the two agree.
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
from torch.nn.functional import one_hot, softmax
from torch.utils.data import DataLoader, TensorDataset

root = importlib.metadata.distribution("torchcp").locate_file("torchcp")
for name in ("torchcp", "torchcp.classification"):
    package = types.ModuleType(name)
    package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
    sys.modules[name] = package
from torchcp.classification.predictor import WeightedPredictor  # noqa: E402
from torchcp.classification.score import LAC  # noqa: E402


def draw(hard_share):
    """Images: hard (1) or easy (0), and the ten logits that the model will give."""
    hard = (torch.rand(4000) < hard_share).float()
    labels = torch.randint(0, 10, (4000,))
    logits = torch.randn(4000, 10) + one_hot(labels, 10) * (6 - 5 * hard)[:, None]
    return torch.cat([hard[:, None], logits], dim=1), labels


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, images):
        return images[:, 1:]


class Encoder(torch.nn.Module):
    def forward(self, images):
        return images[:, :1]


class Domains(torch.nn.Module):
    """The exact chance that an image is of the target, for as many of each."""

    def __init__(self, share, target_share):
        super().__init__()
        self.weights = (1 - target_share) / (1 - share), target_share / share

    def weight(self, features):
        return torch.where(features[:, 0] > 0.5, self.weights[1], self.weights[0])

    def forward(self, features):
        weight = self.weight(features)
        return torch.stack([1 / (1 + weight), weight / (1 + weight)], dim=1)


def by_hand(domains, calibration, target):
    """Sets of all labels up to the weighted 0.9 quantile of the scores."""
    scores, order = scores_of(calibration).sort()
    weights = domains.weight(calibration[0])
    total = weights.sum() + domains.weight(target[0]).max()
    shares = weights[order].cumsum(0) / total
    threshold = scores[(shares >= 0.9).float().argmax()]
    size = (1 - softmax(target[0][:, 1:], dim=1) <= threshold).sum(1).float().mean()
    return float((scores_of(target) <= threshold).float().mean()), float(size)


def scores_of(images):
    chances = softmax(images[0][:, 1:], dim=1)
    return 1 - chances.gather(1, images[1][:, None])[:, 0]


torch.manual_seed(0)
found = {}
for name, share, target_share in (("easier", 0.5, 0.05), ("harder", 0.2, 0.8)):
    calibration, target = draw(share), draw(target_share)
    domains = Domains(share, target_share)
    predictor = WeightedPredictor(
        LAC(), Model(), image_encoder=Encoder(), domain_classifier=domains
    )
    predictor.calibrate(DataLoader(TensorDataset(*calibration), 500), alpha=0.1)
    seen = predictor.evaluate(DataLoader(TensorDataset(*target), 500))
    seen = seen["coverage_rate"], seen["average_size"]
    hand = by_hand(domains, calibration, target)
    found[name] = *seen, *hand
    print(f"{name}: {seen[0]:.3f} covered by {seen[1]:.2f} labels;", end=" ")
    print(f"by hand {hand[0]:.3f} by {hand[1]:.2f}")
assert found["easier"][0] > 0.98 and found["easier"][1] > 1.3
assert 0.88 < found["easier"][2] < 0.92 and found["easier"][3] < 1
assert abs(found["harder"][0] - found["harder"][2]) < 0.02
print("seen: weights belong to other images' scores")
PYTHON
