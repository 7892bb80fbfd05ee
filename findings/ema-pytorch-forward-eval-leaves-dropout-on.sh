#!/usr/bin/env bash
# ema-pytorch's EMA.forward_eval, "for invoking ema model with no grad + eval", restores the
# mode of the averaged model afterwards but never sets it to evaluation: dropout is on, and
# batch normalisation normalises by the batch and takes it into its running statistics.
#
# Why it matters: the averaged model is a copy of one that is being trained, so this is its
# mode unless one calls eval() oneself. The validation of the averaged weights is that of a
# model with dropout, another one in each call, depends on which images share a batch, and
# the data it validates on leak into the statistics of the model that is saved.
#
# Versions: ema-pytorch 0.8.3, torch 2.14.1, numpy 2.3.5.
# Expected: what ema_model.eval() gives, whatever the mode, and the model as it was.
# Seen: with dropout of a half 50% of the features are zero; the running mean of a batch
#   normalisation moves by a tenth towards the batch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile ema-pytorch==0.8.3 torch==2.14.1 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import torch
from ema_pytorch import EMA

torch.manual_seed(0)
images = torch.ones(100, 10)

dropout = EMA(torch.nn.Dropout(0.5))
dropout.update()
seen = dropout.forward_eval(images)
print(f"dropout: {float((seen == 0).float().mean()):.0%} of the features are zero")
assert 0.4 < (seen == 0).float().mean() < 0.6
assert not torch.equal(seen, dropout.forward_eval(images))
expected = torch.nn.Dropout(0.5).eval()(images)
assert torch.equal(expected, images)

norm = EMA(torch.nn.BatchNorm1d(10))
norm.update()
before = norm.ema_model.running_mean.clone()
seen = norm.forward_eval(images)
after = norm.ema_model.running_mean
print(f"batch normalisation: output {float(seen.mean()):.3f}", end=", ")
print(f"running mean {float(before.mean()):.3f}, then {float(after.mean()):.3f}")
expected = torch.nn.BatchNorm1d(10).eval()(images)
assert abs(float(expected.mean()) - 1) < 1e-3
assert abs(float(seen.mean())) < 1e-3 and abs(float(after.mean()) - 0.1) < 1e-3

dropout.ema_model.eval()
assert torch.equal(dropout.forward_eval(images), images)
print("seen: forward_eval runs the model in the mode it is in")
PYTHON
