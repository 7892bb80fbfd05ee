#!/usr/bin/env bash
# torchmetrics' relative_average_spectral_error divides the mean of the target in each window
# by the number of its pixels once more: the error is 64 times too high for the default
# window of 8 x 8, 256 times for 16 x 16.
#
# Why it matters: RASE is in percent of the mean. Noise of a tenth of the range on images
# whose mean is one half is 20%; here it is 1,281%, 321% or 5,141% by the window alone. No
# value compares with one of a paper or of another library, and the larger window looks worse.
#
# Versions: torchmetrics 1.9.0, torch 2.14.1, numpy 2.3.5; sewar 0.4.10 for comparison.
# Expected: 100 / mean * RMSE within each window (Gonzalez-Audicana et al. 2004), which hardly
#   depends on its size for noise that is everywhere the same.
# Seen: 321, 1,281 and 5,141 for windows of 4, 8 and 16; by sewar and by hand 20.0, 20.0, 20.1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torchmetrics==1.9.0 torch==2.14.1 \
  numpy==2.3.5 sewar==0.4.10
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import torch
from sewar.full_ref import rase
from torchmetrics.functional.image import relative_average_spectral_error

torch.manual_seed(0)
target = torch.rand(1, 3, 64, 64)
noisy = target + 0.1 * torch.randn_like(target)


def by_hand(size):
    """Mean over all windows of 100 / mean * root of the mean squared error, in percent."""
    error, mean = (
        torch.nn.functional.avg_pool2d(values, size, stride=1).mean(dim=1)
        for values in ((noisy - target) ** 2, target)
    )
    return float((100 / mean * error.sqrt()).mean())


channels_last = [image[0].permute(1, 2, 0).numpy() for image in (target, noisy)]
for size in (4, 8, 16):
    seen = float(relative_average_spectral_error(noisy, target, window_size=size))
    other, expected = rase(*channels_last, ws=size), by_hand(size)
    print(f"{size} x {size}: {seen:.0f}%, by sewar {other:.1f}%, by hand {expected:.1f}%")
    assert abs(other - expected) < 0.2 and abs(expected - 20) < 0.3
    assert abs(seen / other - size**2) < 0.01 * size**2
print("seen: the error is as many times too high as the window has pixels")
PYTHON
