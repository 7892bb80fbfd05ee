#!/usr/bin/env bash
# The CutMix of the Adversarial Robustness Toolbox draws a box by the image's width and height
# and pastes it with the two exchanged. The labels are mixed all the same.
#
# Why it matters: in images that aren't square, boxes lie partly or wholly outside of them.
# Wide images keep their own pixels and are told to be half another class, and their right
# part never changes.
#
# Versions: adversarial-robustness-toolbox 1.20.1, numpy 2.3.5, scipy 1.17.1.
# Expected: an image with a mixed label has pixels of the other one.
# Seen: of images 32 high and 96 wide with a mixed label 30% have not one pixel of the
#   other one, and no column beyond the 32nd ever changes. Of 64x64 all is as expected.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile adversarial-robustness-toolbox==1.20.1 \
  numpy==2.3.5 scipy==1.17.1 scikit-learn==1.9.1 packaging==25.0
cd "$folder"
PYTHONWARNINGS=ignore venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from art.defences.preprocessor import CutMix

np.random.seed(0)
found = {}
for height, width in ((64, 64), (32, 96)):
    # Two classes of plain images, 0 and 1, so that a pixel tells whose it is.
    labels = np.arange(64) % 2
    images = np.broadcast_to(
        labels[:, None, None, None], (64, height, width, 1)
    ).astype("float32")
    changed, unpasted, columns = 0, 0, np.zeros(width)
    for _ in range(50):
        mixed, mixed_labels = CutMix(num_classes=2, probability=1.0)(images, labels)
        other = 1 - mixed_labels[np.arange(64), labels]
        pasted = (mixed != images).mean(axis=(1, 2, 3))
        columns += (mixed != images).mean(axis=(0, 1, 3))
        changed += np.sum(other > 0.2)
        unpasted += np.sum((other > 0.2) & (pasted == 0))
    reached = np.flatnonzero(columns).max() + 1
    found[height, width] = unpasted / changed, reached
    share = unpasted / changed
    print(f"{height}x{width}: {share:.0%} of the mixed labels without", end=" ")
    print(f"a pixel, columns changed up to {reached}")
assert found[64, 64] == (0, 64)
assert found[32, 96][0] > 0.2 and found[32, 96][1] == 32
print("seen: width and height are exchanged")
PYTHON
