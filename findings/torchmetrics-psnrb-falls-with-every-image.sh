#!/usr/bin/env bash
# torchmetrics' PSNR-B takes the mean of the squared error over all images, but adds up their
# blocking effects: the more images there are, in a batch or over a data set, the lower it is.
#
# Why it matters: PSNR-B is there to compare what compression does to images. Of one image and
# of 64 copies of it the values differ by 2.5 dB here; those of two data sets or of two batch
# sizes can't be compared, and on a large set only the sum of the blocking effects counts.
#
# Versions: torchmetrics 1.9.0, torch 2.14.1, numpy 2.3.5; sewar 0.4.10 for comparison.
# Expected: the same for copies of an image as for the image (Yim and Bovik 2011).
# Seen: 10.69 dB for one image, as by sewar, 10.32 for 8 copies and 8.15 for 64; the same
#   whether they come in one batch or one by one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torchmetrics==1.9.0 torch==2.14.1 \
  numpy==2.3.5 sewar==0.4.10
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import torch
from sewar.full_ref import psnrb
from torchmetrics.functional.image import peak_signal_noise_ratio_with_blocked_effect
from torchmetrics.image import PeakSignalNoiseRatioWithBlockedEffect

torch.manual_seed(0)
image = torch.rand(1, 1, 32, 32)
blocks = torch.nn.functional.avg_pool2d(image, 8)  # as by JPEG of the lowest quality
blocks = blocks.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
alone = psnrb(image[0, 0].numpy(), blocks[0, 0].numpy(), MAX=1.0)
print(f"one image by sewar: {alone:.2f} dB")
seen = {}
for copies in (1, 8, 64):
    metric = PeakSignalNoiseRatioWithBlockedEffect(data_range=1.0)
    for _ in range(copies):
        metric.update(blocks, image)
    batch = [images.repeat(copies, 1, 1, 1) for images in (blocks, image)]
    seen[copies] = float(peak_signal_noise_ratio_with_blocked_effect(*batch, data_range=1.0))
    print(f"{copies} copies: {seen[copies]:.2f} dB, one by one {float(metric.compute()):.2f}")
    assert abs(metric.compute() - seen[copies]) < 1e-3
assert abs(seen[1] - alone) < 1e-3
assert seen[8] < alone - 0.3 and seen[64] < alone - 2.4
print("seen: the value falls with every image")
PYTHON
