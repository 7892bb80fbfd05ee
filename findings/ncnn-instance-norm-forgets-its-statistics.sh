#!/usr/bin/env bash
# pnnx turns nn.InstanceNorm2d(..., track_running_stats=True) into ncnn's InstanceNorm, which
# normalizes each image by itself. In evaluation PyTorch uses the running statistics here.
#
# Why it matters: they are the only thing that this setting is there for, and with them the
# level and the contrast of an image reach the classifier. After the conversion both are gone:
# images that differ in brightness alone get one answer. pnnx drops the two arrays silently.
#
# Versions: pnnx 20261020, ncnn 1.0.20261020, torch 2.13.0, numpy 2.3.5.
# Expected: (x - running_mean) / sqrt(running_var + eps), as from PyTorch.
# Seen: dark and bright images with means of -2 and 6 by PyTorch both have 0 by ncnn; the same as
#   PyTorch's without the running statistics.
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

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.ones_(self.conv.weight)
        self.norm = nn.InstanceNorm2d(1, track_running_stats=True)
        self.norm.running_mean.fill_(0.5)
        self.norm.running_var.fill_(0.0625)

    def forward(self, images):
        return self.norm(self.conv(images))


network = Network().eval()
dark = torch.linspace(-0.25, 0.25, 16).reshape(1, 1, 4, 4)
with contextlib.redirect_stdout(io.StringIO()):
    pnnx.export(network, "model.pt", (dark,), fp16=False)


def by_ncnn(images):
    with ncnn.Net() as net:
        net.load_param("model.ncnn.param")
        net.load_model("model.ncnn.bin")
        with net.create_extractor() as run:
            run.input("in0", ncnn.Mat(images[0].numpy()).clone())
            return np.array(run.extract("out0")[1])[0]


for name, images in {"dark": dark, "bright": dark + 2}.items():
    of_ncnn = by_ncnn(images)
    with torch.no_grad():
        of_torch = network(images)[0, 0].numpy()
    values = images[0, 0].numpy()
    expected = (values - 0.5) / np.sqrt(0.0625 + 1e-5)
    by_itself = (values - values.mean()) / np.sqrt(values.var() + 1e-5)
    print(f"{name}: mean {of_torch.mean():.2f} by torch, {abs(of_ncnn.mean()):.2f} by ncnn,", end=" ")
    print(f"deviation {of_torch.std():.2f} and {of_ncnn.std():.2f}")
    assert np.allclose(of_torch, expected, atol=1e-3)
    assert np.allclose(of_ncnn, by_itself, atol=1e-2)
print("seen: each image is normalized by itself")
PYTHON
