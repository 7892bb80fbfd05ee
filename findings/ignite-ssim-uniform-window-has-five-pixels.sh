#!/usr/bin/env bash
# pytorch-ignite's SSIM(gaussian=False, kernel_size=...) has a window of 5 x 5 pixels for
# every size from 5 up, 11 x 11 by default, and for 3 x 3 one whose weights sum to 0.36
# instead of 1: the variances are no variances then.
#
# Why it matters: with 3 x 3 the value is far too good, 0.89 where it is 0.62, and lower than
# right for images without structure. From 5 on the size that one sets, reports or compares
# with another library isn't the size that is used. With the Gaussian window all is well.
#
# Versions: pytorch-ignite 0.5.5, torch 2.14.1, numpy 2.3.5.
# Expected: the SSIM of Wang et al. 2004 with means over kernel_size x kernel_size pixels.
# Seen: 0.893 instead of 0.619 for 3; 0.645 for 5, 7 and 11 instead of 0.645, 0.652, 0.655.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile pytorch-ignite==0.5.5 torch==2.14.1 \
  numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import torch
from ignite.metrics import SSIM


def by_hand(one, other, size):
    """Mean SSIM of images `[1, 1, height, width]` in [0, 1] with a uniform window."""

    def mean(image):
        padded = torch.nn.functional.pad(image, [size // 2] * 4, mode="reflect")
        return torch.nn.functional.avg_pool2d(padded, size, stride=1)

    x, y = mean(one), mean(other)
    variances = mean(one**2) - x**2 + mean(other**2) - y**2
    covariance = mean(one * other) - x * y
    c1, c2 = 0.01**2, 0.03**2
    alike = (2 * x * y + c1) * (2 * covariance + c2)
    return float((alike / ((x**2 + y**2 + c1) * (variances + c2))).mean())


def by_ignite(one, other, size):
    """The same by the library."""
    metric = SSIM(data_range=1.0, kernel_size=size, gaussian=False)
    metric.update((one, other))
    return metric.compute()


torch.manual_seed(0)
image = torch.rand(1, 1, 64, 64, dtype=torch.float64)
noisy = (image + torch.rand_like(image)) / 2
seen, expected = {}, {}
for size in (3, 5, 7, 11):
    seen[size], expected[size] = by_ignite(image, noisy, size), by_hand(image, noisy, size)
    print(f"{size} x {size}: {seen[size]:.3f}, by hand {expected[size]:.3f}")
assert abs(seen[5] - expected[5]) < 1e-6
assert seen[5] == seen[7] == seen[11] and expected[11] > expected[5] + 0.005
assert seen[3] > expected[3] + 0.25
grey, lighter = torch.full_like(image, 0.5), torch.full_like(image, 0.7)
plain = by_ignite(grey, lighter, 3), by_hand(grey, lighter, 3)
print(f"two plain greys with 3 x 3: {plain[0]:.3f}, by hand {plain[1]:.3f}")
assert plain[0] < plain[1] - 0.04
weights = SSIM(data_range=1.0, kernel_size=3, gaussian=False)._kernel_nd.sum()
print(f"sum of the 3 x 3 weights: {float(weights):.2f}")
assert abs(weights - 0.36) < 1e-6
print("seen: a window of 5 x 5 for every size from 5 up")
PYTHON
