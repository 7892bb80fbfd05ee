#!/usr/bin/env bash
# Augmentor's RandomErasing makes its rectangle with width for height, and places it as if it
# hadn't. rectangle_area, the share of the image to occlude, bounds the sides instead.
#
# Why it matters: wide images get tall boxes, cut off at the lower edge, and parts of the
# image are hardly ever erased: a network can keep looking there, which is what random erasing
# is against. A strength taken from a paper or from another library means less than half here.
#
# Versions: Augmentor 0.2.12, pillow 13.0.0, numpy 2.3.5.
# Expected: boxes of all shapes anywhere, half of the image at most for rectangle_area=0.5.
# Seen: at most a quarter, and 8% on average. In images 200 wide and 100 high boxes are up to
#   50 wide; the right quarter is erased a third as often as the left one, the lower quarter
#   2.5 times as often as the upper one. In images 100 wide and 200 high it is the reverse.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile Augmentor==0.2.12 pillow==13.0.0 \
  numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import random

import numpy as np
from Augmentor.Operations import RandomErasing
from PIL import Image

random.seed(0)
np.random.seed(0)
quarters, widths = {}, {}
for size in ((100, 100), (200, 100), (100, 200)):
    erase = RandomErasing(probability=1, rectangle_area=0.5)
    erased = []
    for _ in range(3000):
        image = Image.new("RGB", size)
        erased.append(np.asarray(erase.perform_operation([image])[0]).max(axis=-1) > 0)
    erased = np.array(erased)
    areas = erased.mean(axis=(1, 2))
    width = erased.any(axis=1).sum(axis=1)
    columns, rows = erased.mean(axis=(0, 1)), erased.mean(axis=(0, 2))
    quarters[size] = [
        np.mean(line[-len(line) // 4 :]) / np.mean(line[: len(line) // 4])
        for line in (columns, rows)
    ]
    widths[size] = int(width.max())
    print(f"{size}: {areas.mean():.1%} erased, at most {areas.max():.0%},", end=" ")
    print(f"boxes up to {width.max()} wide; the last quarter against the first", end=" ")
    print("{:.2f} across, {:.2f} down".format(*quarters[size]))
    assert 0.06 < areas.mean() < 0.1 and areas.max() < 0.26
assert widths[200, 100] == 50 and widths[100, 200] > 90
assert all(0.7 < ratio < 1.3 for ratio in quarters[100, 100])
for wide, (first, second) in (((200, 100), (0, 1)), ((100, 200), (1, 0))):
    assert quarters[wide][first] < 0.5 and quarters[wide][second] > 2
print("seen: boxes lie crosswise, and cover a quarter where half was asked for")
PYTHON
