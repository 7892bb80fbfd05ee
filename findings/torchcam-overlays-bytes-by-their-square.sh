#!/usr/bin/env bash
# torchcam's overlay_mask squares the mask. A grayscale image of bytes, which is what a
# stored map is, wraps around: the strongest place, 255, becomes 1, the end of the colours.
#
# Why it matters: a map that was written to a file and read back is of mode L, and so is the
# one to_pil_image makes of bytes. The overlay has rings of all colours, the peak is as cold
# as the background, and nothing is said. Only mode F from 0 to 1 is drawn as meant, where
# the square is a choice of contrast.
#
# Versions: torchcam 0.5.0, its utils alone, pillow 13.0.0, numpy 2.3.5, matplotlib 3.10.8.
# Expected: the same order of colours for the same map in mode F and in mode L.
# Seen: each 16th level has the colour of 0, among them 128 and 240; 255 has the one of 1.
#   In mode F the colours rise from 0 to 255.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile pillow==13.0.0 numpy==2.3.5 \
  matplotlib==3.10.8
"$folder/venv/bin/pip" install -qq --no-compile --no-deps torchcam==0.5.0
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import importlib.metadata
import runpy

import numpy as np
from PIL import Image

# The module alone: the package's __init__ asks for torch.
module = importlib.metadata.distribution("torchcam").locate_file("torchcam/utils.py")
overlay_mask = runpy.run_path(str(module))["overlay_mask"]

levels = np.arange(256, dtype="uint8").reshape(16, 16)
black = Image.new("RGB", (16, 16))


def colours(mask):
    """What is drawn for the levels 0 to 255, as grey values."""
    drawn = overlay_mask(black, mask, colormap="gray", alpha=0.0)
    return np.asarray(drawn)[..., 0].astype(int).ravel()


floats = colours(Image.fromarray(levels.astype("float32") / 255))
stored = colours(Image.fromarray(levels))
for level in (0, 15, 16, 64, 128, 200, 240, 255):
    print(f"level {level:3}: {floats[level]:3} in mode F, {stored[level]:3} in mode L")
assert (np.diff(floats) >= 0).all() and floats[0] == 0 and floats[255] == 255
assert (np.abs(stored - np.arange(256) ** 2 % 256) <= 1).all()  # the colours are rounded
assert (stored[::16] == 0).all() and stored[255] <= 1
print("seen: the strongest place of a grayscale mask is drawn as the weakest")
PYTHON
