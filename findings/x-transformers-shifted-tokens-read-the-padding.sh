#!/usr/bin/env bash
# x-transformers' Encoder with shift_tokens=1: a third of the last real token's channels comes
# from the first padded one, though the mask is given. Attention blocks clear what is masked
# before they shift; feed-forward blocks shift, too, and are never handed the mask.
#
# Why it matters: images of several sizes are batched as patches with padding behind. What all
# patches of an image become then depends on what stands in the padding, and after the first
# block that is no zeros any more but what earlier layers made of it: an image alone is another
# than the same image beside a larger one. Nothing else of the Encoder's options tried leaks:
# plain, rotary, ALiBi and memory key-values are exact to the last bit.
#
# Versions: x-transformers 2.31.10, torch 2.13.0, numpy 2.3.5.
# Expected: real tokens that don't depend on masked ones, and equal those of the cut sequence.
# Seen: with shift_tokens=1 real tokens, of deviation 1, change by up to 0.57 with what stands in
#   the padding, and differ from the cut sequence's by up to 0.39.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile x-transformers==2.31.10 torch==2.13.0 \
  numpy==2.3.5
cd "$folder"
PYTHONWARNINGS=ignore venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import torch
from x_transformers import Encoder

REAL = 5
torch.manual_seed(0)
patches = torch.randn(1, 8, 32)
mask = torch.arange(8)[None] < REAL
padded_otherwise = patches.clone()
padded_otherwise[:, REAL:] = 10 * torch.randn(1, 8 - REAL, 32)


def effects(**options):
    """How much real tokens depend on the padding's content, and on its being there."""
    encoder = Encoder(dim=32, depth=2, heads=2, **options).eval()
    with torch.no_grad():
        found = encoder(patches, mask=mask)[:, :REAL]
        other = encoder(padded_otherwise, mask=mask)[:, :REAL]
        cut = encoder(patches[:, :REAL])
    return float((found - other).abs().max()), float((found - cut).abs().max())


for options in (
    {},
    {"rotary_pos_emb": True},
    {"alibi_pos_bias": True},
    {"attn_num_mem_kv": 2},
    {"shift_tokens": 1},
):
    content, presence = effects(**options)
    name = ", ".join(options) or "plain"
    print(f"{name:16} by the padding's content {content:.2g}, by its being there {presence:.2g}")
    if "shift_tokens" in options:
        assert content > 0.1 and presence > 0.1
    else:
        assert content == 0 and presence < 1e-5
print("seen: shifted tokens read the padding")
PYTHON
