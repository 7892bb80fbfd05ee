#!/usr/bin/env bash
# Pillow opens an uncompressed TIFF whose 16-bit colours lie in planes (PlanarConfiguration
# 2) and takes each byte for a pixel: the picture is of the right size, in other colours,
# and nothing is said. The same file compressed is read as it is.
#
# Why it matters: planes are what microscopes and satellites write, uncompressed is the
# default, and Pillow is what torchvision, Keras and most loaders of image folders call.
#
# Versions: pillow 13.0.0, files written by tifffile 2026.3.3 with imagecodecs 2026.3.6.
# Expected: the upper 8 bits of each colour, as of the same pixels in any other layout; or
#   an error, as for several layouts that Pillow doesn't know.
# Seen: each row of a plane is read as twice as many pixels, of which the image takes the
#   first half: lower bytes, upper bytes, lower bytes, ... of only the left half of it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile pillow==13.0.0 tifffile==2026.3.3 \
    imagecodecs==2026.3.6 numpy==2.4.3
"$folder/venv/bin/python" - <<'PYTHON'
import io

import numpy as np
import tifffile
from PIL import Image

height, width = 4, 6
values = np.arange(3 * height * width).reshape(height, width, 3).astype(np.uint16)
values = values * 900 + 7  # all different, up to 63,907
upper = (values >> 8).astype(np.uint8)


def read(layout, **options):
    stream = io.BytesIO()
    pixels = np.moveaxis(values, -1, 0) if layout == "separate" else values
    tifffile.imwrite(
        stream, pixels, photometric="rgb", planarconfig=layout, **options
    )
    stream.seek(0)
    assert np.array_equal(
        np.moveaxis(tifffile.imread(stream), 0, -1)
        if layout == "separate"
        else tifffile.imread(stream),
        values,
    )
    stream.seek(0)
    with Image.open(stream) as image:
        assert image.size == (width, height)
        return np.asarray(image.convert("RGB"))


for layout, options in (
    ("contig", {}),
    ("contig", {"compression": "zlib"}),
    ("separate", {"compression": "zlib"}),
    ("separate", {}),
):
    found = read(layout, **options)
    print(
        f"{layout:8} {options.get('compression', 'plain'):5} first row of red",
        found[0, :, 0].tolist(),
        "right" if np.array_equal(found, upper) else "wrong",
    )
print("upper 8 bits:                       ", upper[0, :, 0].tolist())
# contig   plain first row of red [0, 10, 21, 31, 42, 52] right
# separate plain first row of red [7, 0, 147, 10, 31, 21] wrong
assert np.array_equal(read("contig"), upper)
assert np.array_equal(read("separate", compression="zlib"), upper)
plane = values[..., 0].astype("<u2").tobytes()
as_bytes = np.frombuffer(plane, np.uint8)[: height * width].reshape(height, width)
assert np.array_equal(read("separate")[..., 0], as_bytes)
print("seen: a plane of 16-bit values is read as one of bytes, without an error")
PYTHON
