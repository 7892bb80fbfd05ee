#!/usr/bin/env bash
# TorchCP's SAPS with randomized=False scores the top label in two ways: 0 while it
# calibrates, its probability while it predicts.
#
# Why it matters: randomized=False is what one sets to get the same answer twice and no
# empty sets. Where the model is right more often than the sets shall cover, the threshold
# becomes 0, and all sets are empty. The better the model, the worse; below that accuracy
# the coverage is right, and a test with a weak model finds nothing.
#
# Versions: torchcp 1.2.1, its scores and its split predictor alone (the package's __init__
#   asks for torchsort and torch_geometric), torch 2.13.0, numpy 2.3.5.
# Expected: coverage of 90% or more for alpha=0.1, whatever the accuracy.
# Seen: 89% for a model of 65% accuracy, 39% for one of 81%, and 0% for one of 94%: each
#   set is empty. randomized=True covers 90% of all, APS without chance too.
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
from torchcp.classification.score import APS, SAPS  # noqa: E402

torch.manual_seed(0)
scores = {
    "SAPS": SAPS(randomized=False),
    "SAPS, randomized": SAPS(randomized=True),
    "APS": APS(randomized=False),
}
found = {}
for scale in (3, 6, 16):
    # Logits whose softmax is exactly right: the larger, the more accurate.
    logits = torch.randn(2, 4000, 10) * scale
    labels = torch.distributions.Categorical(logits=logits).sample()
    accuracy = float((logits[1].argmax(1) == labels[1]).float().mean())
    print(f"accuracy {accuracy:.2f}:", end="")
    for name, score in scores.items():
        predictor = SplitPredictor(score, alpha=0.1)
        predictor.calculate_threshold(logits[0].clone(), labels[0])
        sets = predictor.predict_with_logits(logits[1].clone())
        covered = float(sets.gather(1, labels[1][:, None]).float().mean())
        found[scale, name] = covered, float(sets.sum(1).float().mean())
        print(f"  {name} {covered:.3f} ({found[scale, name][1]:.2f} labels)", end="")
    print()
    assert found[scale, "SAPS, randomized"][0] > 0.87
    assert found[scale, "APS"][0] > 0.87
assert found[3, "SAPS"][0] > 0.87 and found[6, "SAPS"][0] < 0.5
assert found[16, "SAPS"] == (0, 0)
print("seen: a model of 94% accuracy gets empty sets")
PYTHON
