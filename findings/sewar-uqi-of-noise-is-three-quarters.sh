#!/usr/bin/env bash
# sewar's uqi puts the means of each window where its formula has sums: N E[xy] - E[x] E[y],
# for 8 x 8 pixels the covariance plus 63 E[xy], stands for the covariance, and likewise for
# the variances. Any two images that are about equally bright are alike.
#
# Why it matters: two images of independent noise have a quality of 0.74, an image and its
# negative one of 0.47 to 0.99, where 0 and -1 are right. As a measure of corruption or of a
# reconstruction it hardly sees structure, which is what it is for.
#
# Versions: sewar 0.4.10, scipy 1.17.1, numpy 2.3.5.
# Expected: 4 cov(x, y) E[x] E[y] / ((var x + var y) (E[x]^2 + E[y]^2)), the mean over all
#   windows (Wang and Bovik 2002, equation 1).
# Seen: 0.741 instead of 0.011 for noise; 0.986 instead of -1.000 for a pale negative.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile sewar==0.4.10 scipy==1.17.1 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sewar.full_ref import uqi

SIDE = 8


def by_the_paper(one, other):
    """Mean quality index of all windows of 8 x 8 pixels."""
    x, y = (
        sliding_window_view(image.astype(float), (SIDE, SIDE)).reshape(-1, SIDE**2)
        for image in (one, other)
    )
    x_mean, y_mean = x.mean(axis=1), y.mean(axis=1)
    both = (x * y).mean(axis=1) - x_mean * y_mean
    spread = x.var(axis=1) + y.var(axis=1)
    return np.mean(4 * both * x_mean * y_mean / (spread * (x_mean**2 + y_mean**2)))


random = np.random.default_rng(0)
noise, other = random.integers(0, 256, (2, 64, 64), dtype=np.uint8)
pale = 100 + noise // 8
seen = {}
for name, one, two in (
    ("itself", noise, noise),
    ("other noise", noise, other),
    ("its negative", noise, 255 - noise),
    ("a pale negative", pale, 231 - pale),
):
    seen[name] = uqi(one, two), by_the_paper(one, two)
    print(f"{name}: {seen[name][0]:.3f}, by the paper {seen[name][1]:.3f}")
assert np.allclose(seen["itself"], 1)
assert np.allclose(seen["other noise"], (0.741, 0.011), atol=0.001)
assert np.allclose(seen["its negative"], (0.475, -0.989), atol=0.001)
assert np.allclose(seen["a pale negative"], (0.986, -1.000), atol=0.001)
print("seen: noise has a quality of 0.74, a negative one of 0.99")
PYTHON
