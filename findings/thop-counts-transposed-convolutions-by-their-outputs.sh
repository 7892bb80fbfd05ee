#!/usr/bin/env bash
# thop and torchinfo count a transposed convolution as if each value of its output were a sum
# over the whole kernel. With stride s only 1 in s*s of these products is there.
#
# Why it matters: decoders of attention and segmentation maps enlarge by transposed
# convolutions of stride 2. They are counted at four times their cost and more, and the
# bilinear resizing that might replace them looks a bargain. ptflops, fvcore and PyTorch's
# own counter are right.
#
# Versions: thop 0.1.1.post2209072238, torchinfo 1.8.0, ptflops 0.7.5, torch 2.13.0.
# Expected: 294,912 multiplications, each of 16*8*8 values times 32*3*3 weights, as by
#   multiplying ones with a kernel of ones and adding up the output.
# Seen: 1,331,712 by both for stride 2, 4.5 times as many; 16 times as many for stride 4 and a
#   kernel of 4, and 1.6 times for stride 1 without padding.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile thop==0.1.1.post2209072238 \
  torchinfo==1.8.0 ptflops==0.7.5 torch==2.13.0 numpy==2.3.5
cd "$folder"
PYTHONWARNINGS=ignore venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import copy

import thop
import torch
from ptflops import get_model_complexity_info
from torch import nn
from torchinfo import summary

images = torch.randn(1, 16, 8, 8)
ratios = {}
for stride, kernel in ((1, 3), (2, 3), (2, 2), (4, 4)):
    layer = nn.ConvTranspose2d(16, 32, kernel, stride=stride, bias=False)
    # Without padding every product reaches the output, so that ones add up to their number.
    ones = copy.deepcopy(layer).double()
    nn.init.ones_(ones.weight)
    with torch.no_grad():
        products = int(ones(torch.ones(1, 16, 8, 8, dtype=torch.float64)).sum())
    assert products == 16 * 8 * 8 * 32 * kernel * kernel
    by_thop = int(thop.profile(copy.deepcopy(layer), (images,), verbose=False)[0])
    by_torchinfo = summary(copy.deepcopy(layer), input_data=images, verbose=0).total_mult_adds
    by_ptflops, _ = get_model_complexity_info(
        copy.deepcopy(layer), (16, 8, 8), as_strings=False, print_per_layer_stat=False
    )
    ratios[stride, kernel] = by_thop / products
    print(f"stride {stride}, kernel {kernel}: {products:,} products,", end=" ")
    print(f"thop {by_thop:,}, torchinfo {by_torchinfo:,}, ptflops {int(by_ptflops):,}")
    side = (8 - 1) * stride + kernel
    assert by_thop == by_torchinfo == side * side * 16 * 32 * kernel * kernel
    assert by_ptflops == products
assert 1.5 < ratios[1, 3] < 1.6 and 4.5 < ratios[2, 3] < 4.6
assert ratios[2, 2] == 4 and ratios[4, 4] == 16
print("seen: outputs times kernel, most of which isn't computed")
PYTHON
