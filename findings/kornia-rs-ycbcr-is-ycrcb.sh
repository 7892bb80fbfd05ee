#!/usr/bin/env bash
# kornia-rs's ycbcr_from_rgb, "RGB -> YCbCr", returns Y, Cr, Cb: the order of OpenCV's YCrCb,
# and rgb_from_ycbcr takes it back in that order.
#
# Why it matters: whoever feeds a model these planes, subsamples or augments one, or decodes
# the YCbCr of Pillow, of a JPEG file or of kornia itself with it gets red for blue. All
# shapes and ranges are right and the way there and back is exact, so nothing shows it.
#
# Versions: kornia-rs 0.2.0, pillow 13.0.0, numpy 2.3.5.
# Expected: of blue Y 29, Cb 255, Cr 107, as JPEG (ITU-T T.871) and Pillow have it.
# Seen: 29, 107, 255, from bytes and from floats; Pillow's YCbCr of blue becomes red.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile kornia-rs==0.2.0 pillow==13.0.0 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from kornia_rs.imgproc import rgb_from_ycbcr, ycbcr_from_rgb
from PIL import Image

MATRIX = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
)

colours = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
colours[0, 0] = 0, 0, 255
expected = colours @ MATRIX.T + [0, 128, 128]
pillow = np.asarray(Image.fromarray(colours).convert("YCbCr"))
seen = ycbcr_from_rgb(colours)
print("blue:", *seen[0, 0], "expected:", *pillow[0, 0])
assert np.abs(pillow - np.clip(expected, 0, 255)).max() <= 1
assert np.abs(seen[..., [0, 2, 1]] - np.clip(expected, 0, 255)).max() <= 1
assert np.abs(seen - np.clip(expected, 0, 255)).mean() > 10

floats = (colours / 255).astype(np.float32)
expected = floats @ MATRIX.T + [0, 0.5, 0.5]
seen = ycbcr_from_rgb(floats)
assert np.abs(seen[..., [0, 2, 1]] - expected).max() < 0.01
assert np.abs(seen - expected).max() > 0.1

decoded = rgb_from_ycbcr(pillow)
print("Pillow's YCbCr of blue, decoded:", *decoded[0, 0])
assert decoded[0, 0, 0] > 200 and decoded[0, 0, 2] < 20
there_and_back = rgb_from_ycbcr(ycbcr_from_rgb(colours))
assert np.abs(there_and_back.astype(int) - colours).max() <= 2
print("seen: Y, Cr, Cb")
PYTHON
