#!/usr/bin/env bash
# netcal's MMCE of binary scores takes the chance of class 1 for the confidence of the answer,
# also where the answer is class 0: "0.1, and class 0 is right" counts as an error of 0.9.
#
# Why it matters: a 1-D array is the documented form for binary tasks. A perfectly calibrated
# model gets a large error, and a badly calibrated one of high scores a smaller one, so that
# models are ranked the wrong way round. The same scores in two columns are right.
#
# Versions: netcal 1.4.0, its metric alone without the check of argument types (the package's
#   __init__ asks for torch, gpytorch, pyro and tensorboard), numpy 2.3.5.
# Expected: near 0 for 5,000 calibrated scores, in one column and in two.
# Seen: 0.218 and 0.002. For scores of 0.9 that are right in 75% of the cases 0.15 in both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile numpy==2.3.5
"$folder/venv/bin/pip" install -qq --no-compile --no-deps netcal==1.4.0
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import importlib.metadata
import sys
import types

import numpy as np

root = importlib.metadata.distribution("netcal").locate_file("netcal")
for name in ("netcal", "netcal.metrics", "netcal.metrics.confidence"):
    package = types.ModuleType(name)
    package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
    package.accepts = lambda *types: lambda function: function
    sys.modules[name] = package
from netcal.metrics.confidence.MMCE import MMCE  # noqa: E402

random = np.random.default_rng(0)
calibrated, high = random.random(5000), np.full(5000, 0.9)
cases = {
    "calibrated": (calibrated, random.random(5000) < calibrated),
    "0.9, true 0.75": (high, random.random(5000) < 0.75),
}


def by_hand(scores, labels):
    """The kernel-weighted gap of confidence and correctness of the likelier class."""
    confidence = np.maximum(scores, 1 - scores)
    gap = ((scores > 0.5) == labels) - confidence
    kernel = np.exp(-np.abs(confidence[:, None] - confidence) / 0.4)
    return np.sqrt(gap @ kernel @ gap) / len(gap)


found = {}
for name, (scores, labels) in cases.items():
    one = MMCE().measure(scores, labels.astype(int))
    two = MMCE().measure(np.stack([1 - scores, scores], axis=1), labels.astype(int))
    found[name] = one, two
    print(f"{name:14} one column {one:.3f}, two {two:.3f}", end=" ")
    print(f"by hand {by_hand(scores, labels):.3f}")
    assert np.isclose(two, by_hand(scores, labels))
assert found["calibrated"][0] > 0.2 and found["calibrated"][1] < 0.02
assert np.isclose(*found["0.9, true 0.75"]) and found["0.9, true 0.75"][0] < 0.18
print("seen: a calibrated model is worse than one that is off by 0.15")
PYTHON
