#!/usr/bin/env bash
# fvcore counts a matrix product by the shape of its first operand. Where that one is shared,
# as learned queries are, queries @ keys is counted for one image of the batch, or one head;
# with the operands the other way round it is counted for all. An einsum without a sum, the
# features times their attention map, is counted at half its products, and each einsum is
# rounded to four digits.
#
# Why it matters: attention pooling and class attention ask with learned queries. Their
# cost per image goes down with the batch that it is measured with, by heads it is a
# fraction, and of two spellings of one model one looks cheaper. Each uncounted operator is
# told of by fvcore, these are not.
#
# Versions: fvcore 0.1.5.post20221221, torch 2.13.0, numpy 2.3.5.
# Expected: what torch's own counter gives, halved, as that one counts sums as well.
# Seen: 5,488 for any batch or number of heads, where 8 are 43,904; 16,384 multiplications
#   of an einsum are 8,190; 614,656 are 614,500.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile fvcore==0.1.5.post20221221 torch==2.13.0 \
  numpy==2.3.5
cd "$folder"
PYTHONWARNINGS=ignore venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import torch
from fvcore.nn import FlopCountAnalysis
from torch.utils.flop_counter import FlopCounterMode


class Module(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def counts(function, *shapes):
    """fvcore's count, torch's count and the number of operators that fvcore left out."""
    inputs = tuple(torch.randn(*shape) for shape in shapes)
    analysis = FlopCountAnalysis(Module(function), inputs)
    with FlopCounterMode(display=False) as counter:
        function(*inputs)
    total = int(analysis.total())
    return total, counter.get_total_flops() // 2, len(analysis.unsupported_ops())


for size in (1, 2, 8):
    first = counts(torch.matmul, (7, 16), (size, 16, 49))
    last = counts(torch.matmul, (size, 49, 16), (16, 7))
    heads = counts(torch.matmul, (7, 16), (1, size, 16, 49))
    print(f"{size} images: queries @ keys {first[0]:,}, keys @ queries {last[0]:,},", end=" ")
    print(f"torch {first[1]:,}; {size} heads of an image: {heads[0]:,}")
    assert first[0] == heads[0] == 7 * 16 * 49
    assert last[0] == first[1] == heads[1] == last[1] == size * 7 * 16 * 49
    assert first[2] == last[2] == heads[2] == 0

product, _, left_out = counts(
    lambda weights, values: torch.einsum("bhw,bchw->bchw", weights, values),
    (4, 8, 8),
    (4, 64, 8, 8),
)
print(f"an attention map times its features: {product:,} of {4 * 64 * 8 * 8:,}")
assert product == 8_190 and left_out == 0  # half, rounded
scores, by_torch, _ = counts(
    lambda a, b: torch.einsum("bhid,bhjd->bhij", a, b), (2, 4, 49, 32), (2, 4, 49, 32)
)
print(f"the scores of attention by einsum: {scores:,} of {by_torch:,}")
assert by_torch == 2 * 4 * 49 * 49 * 32 == 614_656 and scores == 614_500
print("seen: the shared operand alone is counted")
PYTHON
