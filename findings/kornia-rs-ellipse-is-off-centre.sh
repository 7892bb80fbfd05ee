#!/usr/bin/env bash
# kornia-rs's elliptic structuring element has its last row and column empty: of size 3 it is
# a square of 2 by 2, of size 5 one of 4 by 4, up and left of the centre.
#
# Why it matters: dilate and erode with an ellipse are how one grows, shrinks and smooths
# masks, for odd sizes about the pixel itself. Here a mask moves by half a pixel up and left
# with each call, by a whole one with an opening or a closing: off its image and its boxes.
#
# Versions: kornia-rs 0.2.0, numpy 2.3.5.
# Expected: a lone pixel dilated by an element of odd size is a figure about that pixel, a
#   dilated mirror image the mirror image of the dilated one.
# Seen: sizes 3 and 5 give 2 x 2 and 4 x 4 squares half a pixel up and left, size 7 six rows
#   and columns. Ten dilations move a pixel's centre by five; boxes and crosses stay.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile kornia-rs==0.2.0 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from kornia_rs.imgproc import dilate, erode


def pixel(size=41):
    """An image of one white pixel, in the middle."""
    image = np.zeros((size, size, 1), np.uint8)
    image[size // 2, size // 2] = 255
    return image


def centre(image):
    """Where an image's white pixels are on average, from its middle."""
    return (np.argwhere(image[..., 0]).mean(0) - image.shape[0] // 2).tolist()


for size, side in {3: 2, 5: 4, 7: 6}.items():
    seen = dilate(pixel(), "ellipse", (size, size))
    rows, columns, _ = np.nonzero(seen)
    print(f"size {size}: {len(rows)} pixels, centre off by {centre(seen)}")
    assert np.ptp(rows) + 1 == np.ptp(columns) + 1 == side
    assert centre(seen) == [-0.5, -0.5]
    for kind in ("box", "cross"):
        assert centre(dilate(pixel(), kind, (size, size))) == [0, 0]
assert np.all(dilate(pixel(), "ellipse", (3, 3))[19:21, 19:21] == 255)

mask = pixel()
for _ in range(10):
    mask = dilate(mask, "ellipse", (5, 5))
print("after ten dilations:", centre(mask))
assert centre(mask) == [-5, -5]

rows, columns = np.mgrid[:41, :41] - 20
disk = (np.hypot(rows, columns) < 12).astype(np.uint8)[..., None] * 255
flipped = np.ascontiguousarray(disk[::-1, ::-1])
assert np.array_equal(disk, flipped)
for change in (dilate, erode):
    seen = change(disk, "ellipse", (5, 5))
    print(change.__name__, "a disk: centre", np.round(centre(seen), 3).tolist())
    assert not np.array_equal(seen, seen[::-1, ::-1])
print("seen: the ellipse lacks its last row and column")
PYTHON
