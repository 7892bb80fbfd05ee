#!/usr/bin/env bash
# The glass blur of TensorFlow Datasets' corruptions (imagenet2012_corrupted) swaps each
# pixel with a neighbour by `x[a], x[b] = x[b], x[a]`. Of a NumPy image with channels both
# sides are views: the first assignment overwrites what the second reads, and nothing is
# swapped. One pixel is copied over the other.
#
# Why it matters: frosted glass moves light around, here about half of the pixels are
# lost. And the copies go one way, because the loop runs to the upper left: at severity 3
# the whole picture moves more than two pixels down and right. Whoever measures how robust
# a 32x32 classifier is, or how well its attention maps hold still, measures that move.
#
# Versions: tensorflow-datasets 4.9.10, scikit-image 0.26.0, tensorflow-cpu 2.21.0.
# Expected: the same pixels in another order; a disc in the middle stays there.
# Seen: 35% to 57% of the pixels are left, the disc moves by 0.8 to 2.3 pixels; a swap with
#   copies keeps all of them and the disc.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile tensorflow-datasets==4.9.10 \
    tensorflow-cpu==2.21.0 scikit-image==0.26.0
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - <<'PYTHON' 2>"$folder/log" || { cat "$folder/log"; exit 1; }
import numpy as np
import skimage.filters
from tensorflow_datasets.image_classification.corruptions import glass_blur

blur = skimage.filters.gaussian
size = 48
rows, columns = np.mgrid[:size, :size]
numbered = np.stack([rows * 5, columns * 5, 0 * rows], -1).astype("uint8")
disc = ((rows - 23.5) ** 2 + (columns - 23.5) ** 2 < 64)[..., None] * np.uint8([255] * 3)


class Swapped(np.ndarray):
    """An image whose pixels are read as copies, so that a swap is one."""

    def __getitem__(self, key):
        return np.array(super().__getitem__(key))


def left(image):
    return len(np.unique(image.reshape(-1, 3), axis=0)) / size**2


def centre(image):
    weights = np.asarray(image, float).mean(-1)
    return np.array([(rows * weights).sum(), (columns * weights).sum()]) / weights.sum()


for severity in range(1, 6):
    np.random.seed(severity)
    # Pixels can be counted only where nothing is blurred before and after.
    skimage.filters.gaussian = lambda image, **settings: image + 1e-6
    share = left(glass_blur(numbered, severity))
    skimage.filters.gaussian = blur
    moved = np.mean([centre(glass_blur(disc, severity)) for _ in range(5)], 0) - 23.5
    print(f"severity {severity}: {share:.0%} of the pixels left, disc moved by", moved.round(1))
    assert 0.3 < share < 0.7
    assert (moved > 0.3).all()
    if severity == 3:
        assert (moved > 1.5).all()

a = numbered.copy()
b = numbered.copy().view(Swapped)
random = np.random.default_rng(0)
for row in range(size - 2, 2, -1):
    for column in range(size - 2, 2, -1):
        down, right = random.integers(-2, 2, 2)
        for x in a, b:
            other = row + down, column + right
            x[row, column], x[other] = x[other], x[row, column]
print(f"one round of the same swaps: {left(a):.0%} left of views, {left(b):.0%} of copies")
assert left(a) < 0.8 and left(b) == 1
print("seen: pixels are copied instead of swapped, and the picture moves")
PYTHON
