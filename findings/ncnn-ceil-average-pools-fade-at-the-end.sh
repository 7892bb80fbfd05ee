#!/usr/bin/env bash
# pnnx turns nn.AvgPool2d(2, 2, ceil_mode=True) into a pooling of ncnn that divides the windows
# that reach beyond the image by their whole size: what isn't there counts as zeros.
#
# Why it matters: of feature maps with an odd side, 7x7 or 5x5 towards the end of a network, the
# last row and column are halved and the corner is a quarter. PyTorch divides by the part that
# is there, padding included; ceil_mode makes no difference to ones. With
# count_include_pad=False the conversion is right.
#
# Versions: pnnx 20261020, ncnn 1.0.20261020, torch 2.13.0, numpy 2.3.5.
# Expected: the average of ones is 1 in every window that is at least partly in the image.
# Seen: 1, 1, 0.5 and in the last row 0.5, 0.5, 0.25 for 5x5; nothing off for 6x6, where the
#   windows fit, nor with count_include_pad=False. pnnx says nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile pnnx==20261020 ncnn==1.0.20261020 \
  torch==2.13.0 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import contextlib
import io

import ncnn
import numpy as np
import pnnx
import torch
from torch import nn


class Network(nn.Module):
    """A convolution that changes nothing, without which pnnx can't tell the batch's axis."""

    def __init__(self, counted):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.ones_(self.conv.weight)
        self.pool = nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=counted)

    def forward(self, images):
        return self.pool(self.conv(images))


def answers(size, counted):
    """What torch and ncnn make of an image of ones."""
    images = torch.ones(1, 1, size, size)
    network = Network(counted).eval()
    with contextlib.redirect_stdout(io.StringIO()):
        pnnx.export(network, "model.pt", (images,), fp16=False)
    with ncnn.Net() as net:
        net.load_param("model.ncnn.param")
        net.load_model("model.ncnn.bin")
        with net.create_extractor() as run:
            run.input("in0", ncnn.Mat(images[0].numpy()).clone())
            of_ncnn = np.array(run.extract("out0")[1])[0]
    with torch.no_grad():
        return network(images)[0, 0].numpy(), of_ncnn


for size in 6, 5:
    for counted in True, False:
        of_torch, of_ncnn = answers(size, counted)
        rows = "; ".join(" ".join(f"{value:g}" for value in row) for row in of_ncnn)
        print(f"{size}x{size}, count_include_pad={counted}: {rows}")
        assert (of_torch == 1).all() and of_torch.shape == of_ncnn.shape == (3, 3)
        inside = np.minimum(2, size - 2 * np.arange(3)) / 2
        faded = np.outer(inside, inside) if counted else np.ones((3, 3))
        assert np.allclose(of_ncnn, faded, atol=1e-3)
print("seen: the average of ones is a half at the end and a quarter in the corner")
PYTHON
