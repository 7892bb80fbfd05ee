#!/usr/bin/env bash
# batchgenerators' random crop draws its first row and column without the last possible one:
# np.random.randint leaves out its upper end, which is handed over as if it belonged.
#
# Why it matters: cropping 32 from 40, CIFAR padded by 4, has 9 positions; one of them never
# comes, so that the mean image is half a pixel up and left of the test images, and the last
# row and column are never seen. Cropping n from n + 1 isn't random at all: it is always the
# upper left corner, where center_crop is, too.
#
# Versions: batchgenerators 0.25.5, numpy 2.3.5, scipy 1.17.1, scikit-image 0.26.0.
# Expected: the first row is 0 to 8, each in a ninth of the crops, 4 on average.
# Seen: 0 to 7, 3.5 on average; 0 in all crops of 32 from 33, 0 or 1 in those from 34.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  numpy==2.3.5 scipy==1.17.1 scikit-image==0.26.0 scikit-learn==1.9.1 pandas==2.3.3
"$folder/venv/bin/pip" install -qq --no-compile --no-deps batchgenerators==0.25.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from batchgenerators.augmentations.crop_and_pad_augmentations import random_crop

np.random.seed(0)
found = {}
for size in (40, 34, 33):
    # Each pixel tells its row in the first channel, its column in the second.
    images = np.stack(np.mgrid[:size, :size])[None].astype("float32")
    first = []
    for _ in range(4000):
        crop, _ = random_crop(images, crop_size=(32, 32))
        first.append(crop[0, :, 0, 0])
    found[size] = np.array(first)
    for axis, name in enumerate(("row", "column")):
        counts = np.bincount(found[size][:, axis].astype(int), minlength=size - 31)
        mean = found[size][:, axis].mean()
        print(f"32 from {size}, first {name}: {counts}, mean {mean:.2f}")
        assert counts[-1] == 0 and (counts[:-1] > 0).all() and len(counts) == size - 31
assert abs(found[40].mean() - 3.5) < 0.1
print("seen: the last position never comes")
PYTHON
