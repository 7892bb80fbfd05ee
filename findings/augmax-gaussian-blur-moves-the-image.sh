#!/usr/bin/env bash
# augmax's GaussianBlur moves the image half a pixel down and right, and its sigma is not the
# width: 3 blurs by 1.5 pixels, and in a nearly square window.
#
# Why it matters: masks, boxes and points stay where they were while their image moves, and
# a blur of sigma=1, the usual one for small images, is a 2x2 box. Strengths of a recipe
# taken from Pillow, torchvision or scipy mean about half of that here.
#
# Versions: augmax 0.4.1, jax 0.10.2, einops 0.8.2.
# Expected: a point stays at its place; its spread has the standard deviation sigma.
# Seen: a point at 20 comes to lie at 20.5, for every whole sigma; the standard deviations
#   for sigma of 1, 2, 3, 5 are 0.50, 0.91, 1.52, 2.69.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile augmax==0.4.1 jax==0.10.2 einops==0.8.2 \
  scipy==1.17.1
export JAX_PLATFORMS=cpu
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import augmax
import jax
import jax.numpy as jnp
import numpy as np
from scipy.ndimage import gaussian_filter

point = np.zeros((41, 41, 1), "float32")
point[20, 20] = 1
place = np.arange(41)


def spread(image):
    """Centre and standard deviation along the rows."""
    rows = np.asarray(image, "float64")[..., 0].sum(axis=1)
    centre = rows @ place / rows.sum()
    return centre, np.sqrt(rows @ (place - centre) ** 2 / rows.sum())


for sigma, width in ((1, 0.5), (2, 0.91), (3, 1.52), (5, 2.69)):
    blur = augmax.Chain(augmax.GaussianBlur(sigma, p=1.0))
    centre, deviation = spread(blur(jax.random.key(0), jnp.asarray(point)))
    true_centre, true = spread(gaussian_filter(point[..., 0], sigma)[..., None])
    print(f"sigma={sigma}: at {centre:.2f}, deviation {deviation:.2f};", end=" ")
    print(f"scipy at {true_centre:.2f}, deviation {true:.2f}")
    assert abs(true_centre - 20) < 0.01 and abs(true - sigma) < 0.1
    assert abs(centre - 20.5) < 0.01 and abs(deviation - width) < 0.02
square = np.asarray(blur(jax.random.key(0), jnp.asarray(point)))[..., 0]
assert (square > 0).sum() == 100 and square.max() / square[square > 0].min() < 2.4
print("seen: a blur moves the image by half a pixel, and is half as wide as its sigma")
PYTHON
