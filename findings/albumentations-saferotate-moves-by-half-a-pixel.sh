#!/usr/bin/env bash
# albumentations' SafeRotate moves the image by half a pixel to the lower right on top of the
# rotation, with any angle, 0 too: each pixel is the mean of four, and masks, which aren't
# interpolated, lose a row or a column.
#
# Why it matters: SafeRotate is the rotation that cuts nothing off. Its images are blurred
# where the same angle by Rotate keeps them, training sees a smoother picture than serving
# does, and a mask isn't where its object is. With the border's black a row and a column of
# pixels are mixed with 0.
#
# Versions: albumentations 2.0.8, albucore 0.0.24, opencv-python-headless 5.0.0.93,
#   numpy 2.3.5.
# Expected: by 0 degrees the image itself, by 90 and 180 that of numpy.rot90, as Rotate has it.
# Seen: a pixel of 1 becomes four of 0.25; noise of a deviation of 0.10 has one of 0.05 inside,
#   and a mask of 7 columns has 6.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile albumentations==2.0.8 albucore==0.0.24 \
  opencv-python-headless==5.0.0.93 numpy==2.3.5
export NO_ALBUMENTATIONS_UPDATE=1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import albumentations
import numpy as np

point = np.zeros((32, 32, 1), "float32")
point[16, 28] = 1
mask = np.zeros((32, 32), "uint8")
mask[10:20, 5:12] = 1
noise = np.random.default_rng(0).normal(0.5, 0.1, (32, 32, 1)).astype("float32")
padded = np.pad(noise[..., 0], ((1, 0), (1, 0)))
means = (padded[1:, 1:] + padded[:-1, 1:] + padded[1:, :-1] + padded[:-1, :-1]) / 4

for angle in (0, 90, 180):
    turns = angle // 90
    rotate = albumentations.Rotate((angle, angle), p=1)
    safe = albumentations.SafeRotate((angle, angle), p=1)
    assert np.array_equal(rotate(image=point)["image"], np.rot90(point, turns))
    assert np.array_equal(rotate(image=noise, mask=mask)["mask"], np.rot90(mask, turns))
    seen = safe(image=point, mask=mask)
    spread = seen["image"].squeeze()
    turned = np.rot90(noise, turns)
    blurred = safe(image=noise)["image"].squeeze()
    inside = float(blurred[2:-2, 2:-2].std())
    print(f"{angle:3} degrees: the point is {spread[spread > 0].tolist()},", end=" ")
    print(f"noise has a deviation of {turned.std():.3f} and {inside:.3f},", end=" ")
    print(f"the mask {mask.sum()} and {seen['mask'].sum()} pixels")
    assert np.allclose(np.sort(spread.ravel())[-5:], [0, 0.25, 0.25, 0.25, 0.25])
    assert 0.045 < inside < 0.055 < 0.095 < turned.std()
    assert not np.array_equal(seen["mask"], np.rot90(mask, turns))
    if angle == 0:
        assert np.abs(blurred - means).max() < 1e-5 and seen["mask"].sum() == 60
print("seen: half a pixel to the lower right, without a rotation, too")
PYTHON
