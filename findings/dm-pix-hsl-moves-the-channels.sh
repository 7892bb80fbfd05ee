#!/usr/bin/env bash
# dm-pix's rgb_to_hsl and hsl_to_rgb take channel_axis for their input alone: what they return
# always has the channels last.
#
# Why it matters: all other functions of that argument give back the layout they got, and
# rgb_to_hsv beside it does. Images of 3xHxW come out as HxWx3 without a word; a product or a
# sum with the image broadcasts if it can, and the way back fails, or, for three rows, mixes
# rows with channels.
#
# Versions: dm-pix 0.4.5, jax 0.10.2.
# Expected: 3x4x5 stays 3x4x5, and the way back gives the image.
# Seen: 4x5x3 for HSL, 3x4x5 for HSV; the way back is refused, and of 3x3x5 it gives other
#   colours.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile dm-pix==0.4.5 jax==0.10.2
export JAX_PLATFORMS=cpu
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import dm_pix
import numpy as np

random = np.random.default_rng(0)
image = random.uniform(size=(3, 4, 5)).astype("float32")
last = np.moveaxis(image, 0, -1)

hsv = dm_pix.rgb_to_hsv(image, channel_axis=-3)
hsl = dm_pix.rgb_to_hsl(image, channel_axis=-3)
print("3x4x5 by channel_axis=-3: HSV", hsv.shape, "HSL", hsl.shape)
assert hsv.shape == (3, 4, 5) and hsl.shape == (4, 5, 3)
assert np.allclose(hsl, dm_pix.rgb_to_hsl(last), atol=1e-5)
assert np.allclose(dm_pix.hsl_to_rgb(dm_pix.rgb_to_hsl(last)), last, atol=1e-5)
assert np.allclose(dm_pix.hsv_to_rgb(hsv, channel_axis=-3), image, atol=1e-5)

try:
    dm_pix.hsl_to_rgb(hsl, channel_axis=-3)
    refused = False
except AssertionError:
    refused = True
print("the way back is refused:", refused)
assert refused

rows = random.uniform(size=(3, 3, 5)).astype("float32")
back = dm_pix.hsl_to_rgb(dm_pix.rgb_to_hsl(rows, channel_axis=-3), channel_axis=-3)
sums = float(np.sort(np.ravel(back)).sum()), float(rows.sum())
print("3x3x5 comes back as", back.shape, "with a sum of {:.1f} instead of {:.1f}".format(*sums))
assert back.shape == (5, 3, 3) and abs(sums[0] - sums[1]) > 0.5
print("seen: HSL moves the channels to the end")
PYTHON
