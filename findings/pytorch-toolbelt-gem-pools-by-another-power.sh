#!/usr/bin/env bash
# pytorch-toolbelt's GeneralizedMeanPooling2d(p) pools with the power softplus(p) + 1 instead
# of p: the default, 3, is 4.05, and 1, which should be average pooling, is 2.31.
#
# Why it matters: p = 3 is the power of the paper and of the pooling heads that published
# weights were trained with; here their features come out otherwise, by a fifth on sparse
# maps. No p from 1 up gives average pooling, none below a power of 2.3.
#
# Versions: pytorch-toolbelt 0.8.0, its pooling alone, torch 2.14.1, numpy 2.3.5.
# Expected: (mean of x^p)^(1/p) (Radenovic et al. 2018, equation 3, which the docstring names).
# Seen: the powers 2.31, 3.13, 4.05 and 5.02 for p of 1, 2, 3 and 4; one of 49 pixels lit
#   pools to 0.38 instead of 0.27.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile torch==2.14.1 numpy==2.3.5
"$folder/venv/bin/pip" install -qq --no-compile --no-deps pytorch-toolbelt==0.8.0
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import importlib.metadata
import math
import sys
import types

import torch

root = importlib.metadata.distribution("pytorch-toolbelt").locate_file("pytorch_toolbelt")
for name in ("pytorch_toolbelt", "pytorch_toolbelt.modules"):
    package = types.ModuleType(name)
    package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
    sys.modules[name] = package
from pytorch_toolbelt.modules.pooling import GeneralizedMeanPooling2d  # noqa: E402

one_of_49 = torch.zeros(1, 1, 7, 7)
one_of_49[..., 3, 3] = 1
even = torch.linspace(0.1, 1, 49).reshape(1, 1, 7, 7)
for p in (1, 2, 3, 4):
    layer = GeneralizedMeanPooling2d(p=p)
    seen, seen_even = float(layer(one_of_49)), float(layer(even))
    # One lit pixel pools to 49^(-1 / power), which gives the power away.
    power = -math.log(49) / math.log(seen)
    print(f"p={p}: one of 49 pixels {seen:.3f}, expected {49 ** (-1 / p):.3f};", end=" ")
    expected = float((even**p).mean() ** (1 / p))
    print(f"0.1 to 1 {seen_even:.3f}, expected {expected:.3f}; power {power:.2f}")
    assert abs(power - (math.log1p(math.exp(p)) + 1)) < 1e-3
    assert seen_even > expected + 0.02
print("seen: the power is softplus(p) + 1")
PYTHON
