#!/usr/bin/env bash
# TorchCP's worst-slice coverage looks for the worst slice in the numbers of the classes
# instead of in what was covered: the two arrays are handed over in the wrong order.
#
# Why it matters: the metric is there to find images that the sets don't serve, though 90% of
# all are covered. Class numbers are 1 or more for all but class 0, no slice looks worse than
# the whole, and what is reported is the coverage of all: bad sets pass as fair.
#
# Versions: torchcp 1.2.1, its metrics alone (the package's __init__ asks for torchsort and
#   torch_geometric), torch 2.13.0, numpy 2.3.5, scikit-learn 1.9.1.
# Expected: near 0 where the tenth of the images that lies farthest to one side is never
#   covered and all others are.
# Seen: 0.898, the coverage of all. By hand, with slices of a tenth, 0.10. Where a
#   tenth at random fails, 0.902 and 0.91: the metric can't tell the two apart.
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

import numpy as np
import torch

root = importlib.metadata.distribution("torchcp").locate_file("torchcp")
for name in ("torchcp", "torchcp.classification"):
    package = types.ModuleType(name)
    package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
    sys.modules[name] = package
from torchcp.classification.utils.metrics import WSC  # noqa: E402

generator = np.random.default_rng(0)
features = generator.normal(size=(4000, 2)).astype("float32")
labels = generator.integers(0, 10, 4000)
angles = np.linspace(0, 2 * np.pi, 100)
directions = np.stack([np.cos(angles), np.sin(angles)])


def by_hand(covered):
    """The worst mean over the tenth farthest in a direction, found on one half."""
    seen, asked = features[:2000] @ directions, features[2000:] @ directions
    edges = np.quantile(seen, 0.9, axis=0)
    worst = np.argmin([covered[:2000][part].mean() for part in (seen >= edges).T])
    return covered[2000:][asked[:, worst] >= edges[worst]].mean()


cases = {
    "a side": features[:, 0] < np.quantile(features[:, 0], 0.9),
    "anywhere": generator.random(4000) < 0.9,
}
found = {}
for name, covered in cases.items():
    sets = np.zeros((4000, 10), bool)
    sets[np.arange(4000), labels] = covered
    parts = [torch.from_numpy(part) for part in (features, sets, labels)]
    found[name] = WSC(*parts, delta=0.1, M=100)
    print(f"a tenth fails, {name:8}: {covered.mean():.3f} of all covered,", end=" ")
    print(f"worst slice {found[name]:.3f}, by hand {by_hand(covered):.3f}")
    assert abs(found[name] - covered.mean()) < 0.01
assert by_hand(cases["a side"]) < 0.15
assert abs(found["a side"] - found["anywhere"]) < 0.02
print("seen: the worst slice is all of the images")
PYTHON
