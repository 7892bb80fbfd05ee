#!/usr/bin/env bash
# keras.layers.RandomErasing of factor=1.0, the default, erases in half of the images. Its
# documentation says "factor=1.0 means erasing is always applied", and some lines below that a
# chance between 0 and the factor is drawn for each image; that it does. And scale isn't the
# range of "the aspect ratio" that the text calls it: it is that of the area.
#
# Why it matters: models are regularized half as much as was asked for: the paper's p=0.5,
# written as factor=0.5, is 0.25. scale=(1, 1), square patches by the text, blanks images.
#
# Versions: keras 3.15.1, jax 0.10.2, numpy 2.3.5.
# Expected: each image erased in by factor=1.0, half of them by 0.5; squares by scale=(1, 1).
# Seen: 48.9% and 25.7%; (1, 1) as the factor erases in all. scale=(1, 1) leaves no pixel.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2 numpy==2.3.5
cd "$folder"
export KERAS_BACKEND=jax JAX_PLATFORMS=cpu
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from keras.layers import RandomErasing

images = np.full((1000, 24, 48, 1), 200.0, np.float32)
text = " ".join(RandomErasing.__doc__.split())
assert "`factor=1.0` means erasing is always applied" in text
assert "scale: A tuple of two floats representing the aspect ratio range" in text


def erased(**settings):
    """Which pixels of which image are erased in training."""
    layer = RandomErasing(fill_value=0, seed=1, **settings)
    return np.asarray(layer(images, training=True))[..., 0] == 0


for settings, expected, seen in (
    ({}, 1, 0.5),
    ({"factor": 1.0}, 1, 0.5),
    ({"factor": 0.5}, 0.5, 0.25),
    ({"factor": (1.0, 1.0)}, 1, 1),
):
    share = erased(**{"scale": (0.1, 0.1), **settings}).any((1, 2)).mean()
    print(f"{settings or 'default'}: {share:.1%} of the images, expected {expected:.0%}")
    # Five standard deviations of a share of 1000 images are 0.08.
    assert abs(share - seen) < 0.08

for scale in (0.25, 1.0):
    areas = erased(factor=(1, 1), scale=(scale, scale)).mean((1, 2))
    print(f"scale=({scale}, {scale}): {areas.mean():.3f} of the pixels")
    assert abs(areas.mean() - scale) < 0.02
print("seen: factor is the end of a range, scale is an area")
PYTHON
