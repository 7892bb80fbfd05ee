#!/usr/bin/env bash
# image-similarity-measures takes the gradients for fsim as unsigned 16-bit integers: from
# left to right and from top to bottom those that fall become 0, and the squares of the
# others wrap around at 65,536, so that a gradient of 256 or 512 is 0 as well.
#
# Why it matters: FSIM is made of magnitudes that are the same for an image and its negative,
# and for a pair of images and the pair turned by half. Here noise of one level in 255 costs
# thirteen times as much as it should, while an image half as bright comes out better than it
# is: the order of two methods compared by it may be another.
#
# Versions: image-similarity-measures 0.3.6, phasepack 1.5, opencv-python-headless 5.0.0.93,
#   scikit-image 0.26.0, numpy 2.3.5.
# Expected: with the same gradients in float (Zhang et al. 2011) 1.000 for a negative, 0.996
#   for the noise, 0.801 for half the brightness.
# Seen: 0.343, 0.946 and 0.883; two numbers for a pair and the same pair turned.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile phasepack==1.5 scikit-image==0.26.0 \
  opencv-python-headless==5.0.0.93 numpy==2.3.5
"$folder/venv/bin/pip" install -qq --no-compile --no-deps image-similarity-measures==0.3.6
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
from unittest import mock

import cv2
import numpy as np
from image_similarity_measures import quality_metrics
from scipy.ndimage import gaussian_filter


def in_float(image, _):
    """Gradient magnitude by the same operator, in float."""
    across = cv2.Scharr(image, cv2.CV_64F, 1, 0)
    down = cv2.Scharr(image, cv2.CV_64F, 0, 1)
    return np.hypot(across, down)


def values(one, other):
    """FSIM as it is, of the pair turned by half, and with gradients in float."""
    turned = [np.ascontiguousarray(image[::-1, ::-1]) for image in (one, other)]
    pairs = [[image[..., None] for image in pair] for pair in ((one, other), turned)]
    seen = [float(quality_metrics.fsim(*pair)) for pair in pairs]
    with mock.patch.object(quality_metrics, "_gradient_magnitude", in_float):
        expected = [float(quality_metrics.fsim(*pair)) for pair in pairs]
    assert abs(expected[0] - expected[1]) < 2e-3
    return *seen, expected[0]


random = np.random.default_rng(0)
image = gaussian_filter(random.normal(size=(128, 128)), 3)
image = np.uint8(20 + 215 * (image - image.min()) / np.ptp(image))
noise = random.integers(-1, 2, image.shape)
seen = {}
for name, other in (
    ("its negative", 255 - image),
    ("noise of one level", np.uint8(image + noise)),
    ("half as bright", image // 2),
    ("blurred", cv2.GaussianBlur(image, (0, 0), 3)),
):
    seen[name] = values(image, other)
    now, turned, expected = seen[name]
    print(f"{name}: {now:.3f}, turned {turned:.3f}; with gradients in float {expected:.3f}")
assert np.allclose(seen["its negative"], (0.343, 0.343, 1), atol=0.02)
assert np.allclose(seen["noise of one level"], (0.946, 0.954, 0.996), atol=0.004)
assert np.allclose(seen["half as bright"], (0.883, 0.881, 0.801), atol=0.01)
assert abs(seen["blurred"][0] - seen["blurred"][1]) > 0.01
print("seen: an image and its negative have other gradients")
PYTHON
