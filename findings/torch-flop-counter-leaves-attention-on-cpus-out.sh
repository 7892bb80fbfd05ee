#!/usr/bin/env bash
# PyTorch's own FlopCounterMode knows attention's kernels of GPUs, but not the one that CPUs
# take: scaled_dot_product_attention counts as nothing there. nn.MultiheadAttention and
# TransformerEncoderLayer, evaluated without gradients, count as nothing at all.
#
# Why it matters: costs of attention are compared on whatever machine is at hand. The same
# layer has four different counts, by training mode, gradients and need_weights, from 0 to
# all of it; the longer the sequence, the larger the part that is left out. No warning. The
# same call with dropout, on the meta device or with the "math" backend is counted.
#
# Versions: torch 2.13.0, numpy 2.3.5.
# Expected: 2 * (4 * 196 * 64 * 64 + 2 * 196 * 196 * 64) = 16,257,024 for attention of 196
#   positions with 64 channels and its four projections.
# Seen: 16,257,024 with weights asked for in training, 6,422,528 without, 0 in evaluation
#   under no_grad. The attention alone has 9,834,496 or 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torch==2.13.0 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

positions, channels, heads = 196, 64, 4
projections = 2 * 4 * positions * channels * channels
products = 2 * 2 * positions * positions * channels


def counted(function, *arguments, **settings):
    with FlopCounterMode(display=False) as counter:
        function(*arguments, **settings)
    return counter.get_total_flops()


split = [torch.randn(1, heads, positions, channels // heads) for _ in range(3)]
attend = nn.functional.scaled_dot_product_attention
with sdpa_kernel(SDPBackend.MATH):
    by_math = counted(attend, *split)
meta = [value.to("meta") for value in split]
found = {
    "as it is": counted(attend, *split),
    "math": by_math,
    "with dropout": counted(attend, *split, dropout_p=0.1),
    "on meta": counted(attend, *meta),
}
print("attention alone:", {name: f"{count:,}" for name, count in found.items()})
assert found.pop("as it is") == 0 and set(found.values()) == {products}

rows = torch.randn(1, positions, channels)
layer = nn.MultiheadAttention(channels, heads, batch_first=True)
encoder = nn.TransformerEncoderLayer(channels, heads, 128, batch_first=True)
layers = {}
for training in (True, False):
    layer.train(training), encoder.train(training)
    for gradients in (True, False):
        with torch.set_grad_enabled(gradients):
            for weights in (True, False):
                count = counted(layer, rows, rows, rows, need_weights=weights)
                layers[training, gradients, weights] = count
                print(f"training {training!s:5}, gradients {gradients!s:5},", end=" ")
                print(f"weights {weights!s:5}: {count:,}")
            blocks = counted(encoder, rows)
            assert (blocks == 0) == (not training and not gradients)
assert layers[True, True, True] == layers[False, True, True] == projections + products
assert layers[True, True, False] == layers[False, True, False] == projections
assert layers[False, False, True] == layers[False, False, False] == 0
print("seen: attention costs nothing on a CPU")
PYTHON
