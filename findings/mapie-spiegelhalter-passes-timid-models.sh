#!/usr/bin/env bash
# MAPIE's spiegelhalter_p_value looks at one side of the normal distribution: probabilities
# that are too near to one half get a p-value of 1, whatever the evidence.
#
# Why it matters: it is documented as the probability of the statistic "under the null
# hypothesis of perfect calibration". A model that is too timid, as one is after label
# smoothing, MixUp or a temperature above the right one, is certified as calibrated, and a
# temperature that makes things worse is taken for a success.
#
# Versions: MAPIE 1.6.0, scikit-learn 1.9.1, numpy 2.3.5, scipy 1.17.1.
# Expected: near 0 for a statistic of -17 and of 29, as by scipy's two-sided normal.
# Seen: 1.0 for -17, 0.0 for 29; Kuiper's p-value, of the same library, is 0 for both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  MAPIE==1.6.0 scikit-learn==1.9.1 numpy==2.3.5 scipy==1.17.1
cd "$folder"
PYTHONWARNINGS=ignore venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from mapie.metrics.calibration import (
    kuiper_p_value,
    spiegelhalter_p_value,
    spiegelhalter_statistic,
)
from scipy.special import expit, logit
from scipy.stats import norm

random = np.random.default_rng(0)
true = random.random(5000)
labels = (random.random(5000) < true).astype(int)
found = {}
for name, sharpness in (("timid", 0.5), ("right", 1.0), ("sure", 2.0)):
    scores = expit(sharpness * logit(true))
    z = spiegelhalter_statistic(labels, scores)
    by_hand = ((labels - scores) * (1 - 2 * scores)).sum()
    by_hand /= np.sqrt(((1 - 2 * scores) ** 2 * scores * (1 - scores)).sum())
    assert np.isclose(z, by_hand)
    p, two_sided = spiegelhalter_p_value(labels, scores), 2 * norm.sf(abs(z))
    kuiper = kuiper_p_value(labels, scores)
    found[name] = z, p, two_sided, kuiper
    print(f"{name}: z {z:6.1f}, p {p:.3f},", end=" ")
    print(f"two-sided {two_sided:.3f}, Kuiper {kuiper:.3f}")
assert found["timid"][0] < -10 and found["timid"][1] > 0.999
assert found["sure"][0] > 10 and found["sure"][1] < 1e-6
for name in ("timid", "sure"):
    assert found[name][2] < 1e-6 and found[name][3] < 1e-6
assert abs(found["right"][0]) < 2
print("seen: timid models are never rejected")
PYTHON
