#!/usr/bin/env bash
# TorchCP's KNN score with p="cosine" takes the cosine similarity for a distance: its
# "nearest" neighbours are those in the most different direction, and a label is the more
# conforming the less its images resemble.
#
# Why it matters: features behind a ReLU have no negative entries, so that all similarities
# are positive and the score is simply upside down. Coverage is right all the same, as
# conformal sets cover with any score; only their size tells, and a useless score looks like
# a weak model.
#
# Versions: torchcp 1.2.1, its scores and its split predictor alone (the package's __init__
#   asks for torchsort and torch_geometric), torch 2.13.0, numpy 2.3.5.
# Expected: for features of five well separated classes, sets of about one label.
# Seen: 4.9 of 5 labels; the least conforming label, which should be the wrongest, is the
#   right one for 92% of the images. p=2 gives 0.9 labels for the same features, and so does
#   a cosine distance, written by hand.
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
from torchcp.classification.score import KNN  # noqa: E402

torch.manual_seed(0)
centres, layer = torch.randn(5, 16), torch.randn(16, 64)


def draw(count):
    """Features of five classes behind a layer with ReLU."""
    labels = torch.randint(0, 5, (count,))
    return torch.relu((centres[labels] + torch.randn(count, 16)) @ layer), labels


def by_hand(features, labels=None):
    """The same ratio of the five nearest, of the class and others, by 1 - cosine."""
    parts = [torch.nn.functional.normalize(part) for part in (features, known[0])]
    distances = 1 - parts[0] @ parts[1].T
    ratios = []
    for label in range(5):
        same = known[1] == label
        near = [distances[:, part].sort(1)[0][:, :5].sum(1) for part in (same, ~same)]
        ratios.append(near[0] / near[1])
    scores = torch.stack(ratios, dim=1)
    return scores if labels is None else scores.gather(1, labels[:, None])[:, 0]


known, calibration, images = draw(500), draw(500), draw(500)
scores = {
    "p=2": KNN(*known, num_classes=5, k=5, p=2),
    "p='cosine'": KNN(*known, num_classes=5, k=5, p="cosine"),
    "by hand": by_hand,
}
found = {}
for name, score in scores.items():
    predictor = SplitPredictor(score, alpha=0.1)
    predictor.calculate_threshold(*calibration)
    sets = predictor.predict_with_logits(images[0]).float()
    covered = float(sets.gather(1, images[1][:, None]).mean())
    size = float(sets.sum(1).mean())
    worst = float((score(images[0]).argmax(1) == images[1]).float().mean())
    found[name] = covered, size, worst
    print(f"{name:10} {covered:.3f} covered by {size:.2f} labels;", end=" ")
    print(f"the right label is the least conforming one of {worst:.1%}")
assert all(0.85 < covered < 0.95 for covered, _, _ in found.values())
assert found["p='cosine'"][1] > 4.5 and found["p='cosine'"][2] > 0.8
for name in ("p=2", "by hand"):
    assert found[name][1] < 1.2 and found[name][2] < 0.01
print("seen: the cosine score is upside down")
PYTHON
