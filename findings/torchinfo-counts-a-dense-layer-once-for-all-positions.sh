#!/usr/bin/env bash
# torchinfo's "mult-adds" of a layer without rows and columns are its weights, once per
# sample: a Linear over 196 positions counts as one over a single position, and attention
# itself, nn.MultiheadAttention and scaled_dot_product_attention, as nothing.
#
# Why it matters: convolutions are counted at each position, so that a transformer or an
# attention head looks cheaper than the convolution it replaces, by the number of positions.
# The same projection counts 196 times as much when it is written as a 1x1 convolution.
#
# Versions: torchinfo 1.8.0, torch 2.13.0.
# Expected: about 12.8 million for 196 positions projected from 256 to 256 channels, and
#   8,128,512 for attention of 196 positions with 64 channels.
# Seen: 65,792 as Linear, 12,895,232 (with its biases) as convolution; attention counts as
#   16,640 with projections of its own and as 0 as nn.MultiheadAttention.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torchinfo==1.8.0 torch==2.13.0 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import torch
from torch import nn
from torchinfo import summary


def counted(model, shape):
    return summary(model, (2, *shape), verbose=0).total_mult_adds // 2


class Attention(nn.Module):
    """Four heads of 16 channels, projected by layers of its own."""

    def __init__(self):
        super().__init__()
        self.three, self.out = nn.Linear(64, 192), nn.Linear(64, 64)

    def forward(self, rows):
        split = self.three(rows).reshape(*rows.shape[:2], 3, 4, 16).permute(2, 0, 3, 1, 4)
        heads = nn.functional.scaled_dot_product_attention(*split)
        return self.out(heads.transpose(1, 2).flatten(2))


class Torch(nn.Module):
    """The same of PyTorch's own layer."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(64, 4, batch_first=True)

    def forward(self, rows):
        return self.attention(rows, rows, rows, need_weights=False)[0]


dense, convolution = nn.Linear(256, 256), nn.Conv2d(256, 256, 1)
with torch.no_grad():
    convolution.weight.copy_(dense.weight[..., None, None])
    convolution.bias.copy_(dense.bias)
    images = torch.randn(2, 256, 14, 14)
    rows = images.flatten(2).transpose(1, 2)
    same = convolution(images).flatten(2).transpose(1, 2)
    assert torch.allclose(dense(rows), same, atol=1e-4)
as_dense, as_convolution = counted(dense, (196, 256)), counted(convolution, (256, 14, 14))
print(f"one projection: {as_dense:,} as Linear, {as_convolution:,} as convolution")
assert as_dense == 256 * 256 + 256
assert as_convolution == 196 * as_dense

projections, products = 196 * 64 * 64 * 4, 2 * 196 * 196 * 64
found = counted(Attention(), (196, 64)), counted(Torch(), (196, 64))
print(f"attention: {found[0]:,} and {found[1]:,} of {projections + products:,}")
assert found == (4 * 64 * 65, 0)
print("seen: a dense layer counts once for all positions, attention not at all")
PYTHON
