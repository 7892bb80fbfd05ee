#!/usr/bin/env bash
# captum's integrated gradients by method="riemann_trapezoid" weigh n points by 1/n, and the
# first and the last by half of that: the weights add up to 1 - 1/n instead of 1.
#
# Why it matters: of the methods offered it is the one of the textbook, and of the best known
# implementations. All attributions are too small by a factor, 2% for the 50 steps that are
# the default and 20% for 5; completeness fails, and the convergence delta, which should
# blame the model's curvature, is that factor. LayerIntegratedGradients, conductance and
# internal influence go through the same weights.
#
# Versions: captum 0.9.0, torch 2.13.0, numpy 2.3.5.
# Expected: a linear model's attributions are weight times input, by any number of steps, as
#   the other methods give; trapezoids of 5 points are exact for it.
# Seen: 0.80, 0.90 and 0.98 of that for 5, 10 and 50 steps; for x**3 with 50 steps it is 2%
#   off, where numpy's trapezoids over the same points are off by 0.02%.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile captum==0.9.0 torch==2.13.0 numpy==2.3.5
cd "$folder"
MPLBACKEND=agg venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import torch
from captum.attr import IntegratedGradients

weights = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
image = torch.ones(1, 3, dtype=torch.float64)
models = {"linear": lambda x: x @ weights, "cubic": lambda x: x**3 @ weights}
methods = ["gausslegendre", "riemann_middle", "riemann_left", "riemann_trapezoid"]


def by_numpy(steps):
    """The integral of 3x**2 from 0 to 1 by trapezoids of as many points: 1 if exact."""
    x = np.linspace(0, 1, steps)
    return np.trapezoid(3 * x**2, x)


share = {}
for name, model in models.items():
    for steps in (5, 10, 50):
        for method in methods:
            attributions, delta = IntegratedGradients(model).attribute(
                image, n_steps=steps, method=method, return_convergence_delta=True
            )
            share[name, steps, method] = float(attributions.sum() / weights.sum())
            assert torch.isclose(attributions.sum() - model(image), delta).all()
        seen = {method: round(share[name, steps, method], 4) for method in methods}
        print(f"{name}, {steps:2} steps: {seen}")
for steps in (5, 10, 50):
    trapezoid = share["linear", steps, "riemann_trapezoid"]
    assert np.isclose(trapezoid, 1 - 1 / steps)
    assert all(np.isclose(share["linear", steps, method], 1) for method in methods[:3])
error = abs(share["cubic", 50, "riemann_trapezoid"] - 1)
print(f"cubic, 50 steps: off by {error:.4f}, numpy's trapezoids {by_numpy(50) - 1:.4f}")
assert error > 0.019 and abs(by_numpy(50) - 1) < 0.0003
print("seen: the weights of the trapezoids add up to 1 - 1/n")
PYTHON
