#!/usr/bin/env bash
# In a TIFF whose zero means white (PhotometricInterpretation 0) Pillow turns grey of 1 and
# of 8 bits over, so that black is 0 as in every image of its own. Grey of 16 bits it
# leaves as it is stored: the same X-ray is a picture in 8 bits and its negative in 16.
#
# Why it matters: X-ray and film scanners write 16 bits with white as zero. A folder in
# which some are 8 bits and some 16 holds pictures and negatives, and no loader says so.
#
# Versions: pillow 13.0.0, files written by tifffile 2026.3.3.
# Expected: the same picture at any depth, 8 bits being the upper half of 16.
# Seen: 0 to 255 in 8 bits, and 65535 to 0 in 16.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile pillow==13.0.0 tifffile==2026.3.3 \
    numpy==2.4.3
"$folder/venv/bin/python" - <<'PYTHON'
import io

import numpy as np
import tifffile
from PIL import Image

seen = np.array([[0, 51, 102, 153, 204, 255]], np.uint8)  # black to white


def read(stored):
    """What Pillow gives for a file in which the largest value is black."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, stored, photometric="miniswhite")
    stream.seek(0)
    with Image.open(stream) as image:
        assert image.tag_v2[262] == 0
        return image.mode, np.asarray(image)


one = read(seen < 128)
eight = read(255 - seen)
sixteen = read(65535 - seen * np.uint16(257))
for bits, (mode, values) in ((1, one), (8, eight), (16, sixteen)):
    print(f"{bits:2} bits, mode {mode:4}", values[0].tolist())
#  1 bits, mode 1    [False, False, False, True, True, True]
#  8 bits, mode L    [0, 51, 102, 153, 204, 255]
# 16 bits, mode I;16 [65535, 52428, 39321, 26214, 13107, 0]
assert np.array_equal(one[1], seen >= 128)
assert np.array_equal(eight[1], seen)
assert np.array_equal(sixteen[1], 65535 - seen * np.uint16(257))
print("seen: the same picture in 8 bits, its negative in 16")
PYTHON
