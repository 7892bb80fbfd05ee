#!/usr/bin/env bash
# image-similarity-measures multiplies the pixels for sam in the type of the image: products
# of uint8 images are taken modulo 256, and an image is about 90 degrees off itself. For
# images in float one black pixel makes the angle 0, a perfect one, whatever the others show.
#
# Why it matters: the command of the package reads files with OpenCV, as bytes. All pairs of
# images are then equally bad, 89.5 degrees; converted to float they are fine until there is
# a black pixel, as in any padded or masked image: 0 / 0 is averaged to NaN, and NaN is
# replaced by 0. Averages over a data set mix both.
#
# Versions: image-similarity-measures 0.3.6, phasepack 1.5, opencv-python-headless 5.0.0.93,
#   scikit-image 0.26.0, numpy 2.3.5.
# Expected: 0 degrees for an image and itself, 33.7 for two of noise, of either type and with
#   a black pixel.
# Seen: 89.5, 89.5 and 0.0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile phasepack==1.5 scikit-image==0.26.0 \
  opencv-python-headless==5.0.0.93 numpy==2.3.5
"$folder/venv/bin/pip" install -qq --no-compile --no-deps image-similarity-measures==0.3.6
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import math

import numpy as np
from image_similarity_measures.quality_metrics import sam


def by_hand(one, other):
    """Mean angle in degrees between the colours of two images, black pixels left out."""
    angles = []
    for x, y in zip(one.reshape(-1, 3).tolist(), other.reshape(-1, 3).tolist()):
        if any(x) and any(y):
            product = sum(a * b for a, b in zip(x, y))
            angles.append(math.acos(min(product / math.hypot(*x) / math.hypot(*y), 1)))
    return math.degrees(sum(angles) / len(angles))


random = np.random.default_rng(0)
noise, other = random.integers(1, 256, (2, 64, 64, 3), dtype=np.uint8)
marked = noise.copy()
marked[0, 0] = 0
seen = {}
for name, one, two in (
    ("bytes and themselves", noise, noise),
    ("bytes of two images", noise, other),
    ("the same in float", noise / 1.0, other / 1.0),
    ("in float, one pixel of 4096 black", marked / 1.0, other / 1.0),
):
    seen[name] = float(sam(one, two)), by_hand(one, two)
    print(f"{name}: {seen[name][0]:.1f} degrees, by hand {seen[name][1]:.1f}")
assert abs(seen["bytes and themselves"][0] - 89.5) < 0.1
assert seen["bytes and themselves"][1] < 1e-4
assert abs(seen["bytes of two images"][0] - 89.5) < 0.1
assert abs(seen["the same in float"][0] - seen["the same in float"][1]) < 1e-6
assert seen["in float, one pixel of 4096 black"][0] == 0
assert 33 < seen["in float, one pixel of 4096 black"][1] < 34
print("seen: bytes are 89.5 degrees off themselves, with a black pixel all is perfect")
PYTHON
