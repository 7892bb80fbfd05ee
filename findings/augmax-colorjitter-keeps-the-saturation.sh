#!/usr/bin/env bash
# augmax's ColorJitter works the new saturation out and drops it: saturation never changes.
# And settings of 0 use up the draws of those behind them: with brightness, contrast and
# saturation at 0, no hue is changed either.
#
# Why it matters: nothing tells that an augmentation is missing. Switching three of four off
# to see what the fourth does shows nothing, for hue as for saturation.
#
# Versions: augmax 0.4.1, jax 0.10.2, einops 0.8.2.
# Expected: saturation=0.5 changes the saturation of images, hue=0.5 their hue.
# Seen: of 200 draws none changes a saturation, by any setting; hue changes if the others
#   aren't 0, and an image jittered by hue=0.5 alone is the image itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile augmax==0.4.1 jax==0.10.2 einops==0.8.2
export JAX_PLATFORMS=cpu
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import colorsys

import augmax
import jax
import jax.numpy as jnp
import numpy as np

image = np.random.default_rng(0).uniform(0.1, 0.9, (4, 4, 3)).astype("float32")
keys = jax.random.split(jax.random.key(0), 200)


def hsv(images):
    pixels = np.asarray(images, "float64").reshape(-1, 3)
    return np.array([colorsys.rgb_to_hsv(*pixel) for pixel in pixels])


def changes(**strengths):
    """Largest change of hue (round the circle), saturation and value."""
    off = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
    jitter = augmax.Chain(augmax.ColorJitter(**(off | strengths), p=1.0))
    seen = jax.vmap(lambda key: jitter(key, jnp.asarray(image)))(keys)
    change = np.abs(hsv(seen) - np.tile(hsv(image), (len(keys), 1)))
    change[:, 0] = np.minimum(change[:, 0], 1 - change[:, 0])
    largest = change.max(axis=0).round(3) + 0.0
    print(strengths, "-> hue, saturation, value change by up to", largest)
    return largest


everything = dict(brightness=0.5, contrast=0.5, saturation=0.5, hue=0.5)
hue, saturation, value = changes(**everything)
assert hue > 0.3 and value > 0.3 and saturation == 0
assert all(changes(saturation=0.5) == 0)
assert all(changes(hue=0.5) == 0)
assert all(changes(contrast=0.5) == 0)
assert changes(brightness=0.5)[2] > 0.3
print("seen: no saturation is changed, and no hue where the others are off")
PYTHON
