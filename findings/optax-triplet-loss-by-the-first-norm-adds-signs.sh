#!/usr/bin/env bash
# optax's triplet_margin_loss with norm_degree=1 adds up the differences with their signs: it
# takes powers of them without taking absolute values first.
#
# Why it matters: with 1 for city block distances an embedding's "distance" to another is the
# difference of their sums, negative as often as not. Training moves sums and never learns
# which embeddings are close. With 3, an odd degree too, the loss is NaN in half of the cases.
#
# Versions: optax 0.2.8, jax 0.10.2, numpy 2.3.5.
# Expected: max(0, |a - p| - |a - n| + margin) with numpy's norms, as with norm_degree=2.
# Seen: two embeddings 2 apart are at distance 0; a positive at distance 6 is "at -6" and has
#   no loss. Of random triplets the losses are off by more than 1 on average.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile optax==0.2.8 jax==0.10.2 numpy==2.3.5
cd "$folder"
JAX_PLATFORMS=cpu venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from optax.losses import triplet_margin_loss


def by_norms(anchors, positives, negatives, degree):
    """The loss by numpy's own norms."""
    near = np.linalg.norm(anchors - positives, ord=degree, axis=-1)
    far = np.linalg.norm(anchors - negatives, ord=degree, axis=-1)
    return np.maximum(near - far + 1, 0)


anchor = np.zeros((1, 2), np.float32)
apart = np.array([[1, -1]], np.float32)
above, same = np.array([[3, 3]], np.float32), anchor
(seen,) = np.asarray(triplet_margin_loss(anchor, apart, same, norm_degree=1))
print(f"positive at distance 2, negative at 0: loss {seen:.3f}, expected 3")
assert by_norms(anchor, apart, same, 1) == 3 and abs(seen - 1) < 1e-4
(seen,) = np.asarray(triplet_margin_loss(anchor, above, same, norm_degree=1))
print(f"positive at distance 6, negative at 0: loss {seen:.3f}, expected 7")
assert by_norms(anchor, above, same, 1) == 7 and seen == 0

triplets = np.random.default_rng(0).normal(size=(3, 1000, 8)).astype(np.float32)
errors = {}
for degree in (1, 2, 4):
    losses = np.asarray(triplet_margin_loss(*triplets, norm_degree=degree))
    errors[degree] = np.abs(losses - by_norms(*triplets, degree)).mean()
    print(f"norm {degree}: off by {errors[degree]:.5f} on average")
assert errors[1] > 1 and errors[2] < 1e-4 and errors[4] < 1e-4
unknown = np.isnan(np.asarray(triplet_margin_loss(*triplets, norm_degree=3))).mean()
print(f"norm 3: {unknown:.0%} NaN")
assert unknown > 0.3
print("seen: odd degrees add signed differences")
PYTHON
