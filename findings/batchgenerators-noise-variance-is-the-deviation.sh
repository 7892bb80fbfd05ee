#!/usr/bin/env bash
# batchgenerators' GaussianNoiseTransform(noise_variance) takes what it calls and documents as
# the variance for the standard deviation of the noise.
#
# Why it matters: a strength copied from a paper, from albumentations' var_limit or from
# scikit-image's var means something else: below 1 far too little noise, a hundredth of the
# power for 0.01, above 1 far too much. Runs that differ in nothing but the library can't be
# compared, and "robust to a variance of 0.01" was measured at 0.0001.
#
# Versions: batchgenerators 0.25.5, numpy 2.3.5, scipy 1.17.1, scikit-image 0.26.0.
# Expected: noise of the variance asked for, as from skimage.util.random_noise.
# Seen: its square: 0.0001 for 0.01, 0.0625 for 0.25, 16 for 4. RicianNoiseTransform likewise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  numpy==2.3.5 scipy==1.17.1 scikit-image==0.26.0 scikit-learn==1.9.1 pandas==2.3.3
"$folder/venv/bin/pip" install -qq --no-compile --no-deps batchgenerators==0.25.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from batchgenerators.transforms.noise_transforms import (
    GaussianNoiseTransform,
    RicianNoiseTransform,
)
from skimage.util import random_noise

np.random.seed(0)
# So bright that Rician noise is as good as Gaussian.
bright = np.full((1, 1, 1000, 1000), 1000.0)
for variance in (0.01, 0.25, 4.0):
    given = (variance, variance)
    seen = [
        transform(noise_variance=given)(data=bright.copy())["data"].var()
        for transform in (GaussianNoiseTransform, RicianNoiseTransform)
    ]
    asked = random_noise(bright[0, 0], var=variance, clip=False, rng=0).var()
    print(f"variance {variance}: Gaussian {seen[0]:.4f},", end=" ")
    print(f"Rician {seen[1]:.4f}, skimage {asked:.4f}")
    assert np.allclose(seen, variance**2, rtol=0.02)
    assert np.isclose(asked, variance, rtol=0.02)
print("seen: the variance is taken for the deviation")
PYTHON
