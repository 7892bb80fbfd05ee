#!/usr/bin/env bash
# PAIR's saliency adds the effect of every window that covers a pixel and doesn't divide by
# their number: a corner is covered by one window, the middle by size * size of them.
#
# Why it matters: occlusion is what other maps are held against. By the default window of
# 15x15 the middle weighs 225 times a corner, so a model that looks at the whole image seems
# to look at its middle, an object at the border is outshone by a weaker one in the middle,
# and maps of two window sizes can't be compared.
#
# Versions: saliency 0.2.1, numpy 2.3.5, scikit-image 0.26.0.
# Expected: a flat map for a model that answers with the mean of a flat image.
# Seen: 1 in the corner, 15 at the border, 225 in the middle. A square at the
#   border gets less than a third of what one in the middle gets that counts half as much.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile saliency==0.2.1 numpy==2.3.5 \
  scikit-image==0.26.0
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import saliency.core as saliency

key = saliency.base.OUTPUT_LAYER_VALUES
white = np.ones((48, 48, 1))


def occlusion(weights):
    """Map of the model that answers with the weighted sum of a white image."""

    def model(images, call_model_args=None, expected_keys=None):
        return {key: np.sum(images * weights, axis=(1, 2, 3))}

    return saliency.Occlusion().GetMask(white, model)[..., 0]


flat = occlusion(np.full(white.shape, 1 / 48**2))
flat = (flat / flat[0, 0]).round(3)
print("a flat model, corner, border, middle:", flat[0, 0], flat[0, 24], flat[24, 24])
assert (flat[0, 0], flat[0, 24], flat[24, 24]) == (1, 15, 225)

weights = np.zeros(white.shape)
weights[21:25, 0:4] = 2 / 16  # at the left border, twice as important
weights[21:25, 21:25] = 1 / 16  # in the middle
two = occlusion(weights)
left, middle = two[21:25, 0:4].mean(), two[21:25, 21:25].mean()
print(f"a weight of 2 at the border: {left:.0f}, of 1 in the middle: {middle:.0f}")
assert left < 0.5 * middle
print("seen: occlusion favours the middle")
PYTHON
