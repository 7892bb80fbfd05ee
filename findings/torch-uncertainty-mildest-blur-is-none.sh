#!/usr/bin/env bash
# TorchUncertainty's GaussianBlur corruption takes a window of floor(sigma / 2) * 8 + 1 pixels.
# For severity 1, sigma=1, that is a single pixel, and the image stays as it is; for odd
# sigmas the window is that of the even one below.
#
# Why it matters: robustness is told as the mean over five severities, and as the slope from
# one to the next. A fifth of the measurement is of clean images, the model looks more robust
# than it is, and severities 2 and 3 are nearly the same.
#
# Versions: torch_uncertainty 0.13.0, its corruptions alone, kornia 0.9.0, torch 2.14.1,
#   torchvision 0.29.1, scipy 1.17.1, numpy 2.3.5.
# Expected: a point spreads with the standard deviations 1, 2, 3, 4 and 6, as by scipy.
# Seen: 0, 1.85, 2.23, 3.62 and 5.38; an image of severity 1 is the image.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torch==2.14.1 torchvision==0.29.1 \
  kornia==0.9.0 einops==0.8.2 numpy==2.3.5 pillow==13.0.0 scipy==1.17.1
"$folder/venv/bin/pip" install -qq --no-compile --no-deps torch_uncertainty==0.13.0
cd "$folder"
PYTHONWARNINGS=ignore venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import importlib.metadata
import sys
import types

import torch
from scipy.ndimage import gaussian_filter

distribution = importlib.metadata.distribution("torch_uncertainty")
for name in ("torch_uncertainty", "torch_uncertainty.datasets"):
    package = types.ModuleType(name)
    package.__path__ = [str(distribution.locate_file(name.replace(".", "/")))]
    package.FrostImages = None
    sys.modules[name] = package
name = "torch_uncertainty.transforms"
sys.modules[name] = package = types.ModuleType(name)
package.__path__ = [str(distribution.locate_file(name.replace(".", "/")))]
from torch_uncertainty.transforms.corruption import GaussianBlur  # noqa: E402

torch.manual_seed(0)
image = torch.rand(3, 64, 64)
point = torch.zeros(3, 129, 129)
point[:, 64, 64] = 1
places = torch.arange(129.0) - 64


def width(blurred):
    """The standard deviation of what became of the point, along the rows."""
    return float((blurred[0].sum(0) * places**2).sum().sqrt())


found = {}
for severity, sigma in ((1, 1), (2, 2), (3, 3), (4, 4), (5, 6)):
    blur = GaussianBlur(severity)
    by_scipy = torch.from_numpy(gaussian_filter(point.numpy(), (0, sigma, sigma)))
    found[severity] = width(blur(point)), width(by_scipy)
    change = float((blur(image) - image).abs().max())
    print(f"severity {severity}: window {blur.kernel_size},", end=" ")
    print(f"a point spreads by {found[severity][0]:.2f},", end=" ")
    print(f"by scipy {found[severity][1]:.2f};", end=" ")
    print(f"largest change of an image {change:.2f}")
    assert (change == 0) == (severity == 1)
    assert abs(found[severity][1] - sigma) < 0.05
assert found[1][0] == 0 and found[3][0] - found[2][0] < 0.5
print("seen: the mildest blur is none")
PYTHON
