#!/usr/bin/env bash
# uncertainty-calibration gives an interval for the calibration error "of 1 - alpha". The
# share is handed on as it is to a function that counts in percent: alpha=0.1 makes an
# interval of 99.9%, which of its 100 resamples is from the least to the largest.
#
# Why it matters: the interval tells whether a recalibration has changed anything. It is
# nearly twice as wide as it says, real changes drown in it, and its width depends on two
# extreme resamples, so it changes with each call. alpha=0.05 and alpha=0.3 hardly differ.
#
# Versions: uncertainty-calibration 0.1.4, scikit-learn 1.9.1, numpy 2.3.5.
# Expected: alpha=0.5 gives a much narrower interval than alpha=0.1, as a plain bootstrap does.
# Seen: widths of 0.050 for 0.1 and of 0.048 for 0.5, where the plain bootstrap gives 0.030
#   and 0.014. alpha=10, which is no probability, gives the 90%.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  uncertainty-calibration==0.1.4 scikit-learn==1.9.1 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import calibration
import numpy as np

random = np.random.default_rng(0)
scores = random.random(2000)
labels = (random.random(2000) < scores**1.3).astype(int)


def width(alpha, seed):
    np.random.seed(seed)
    low, _, high = calibration.get_calibration_error_uncertainties(
        scores, labels, alpha=alpha
    )
    return high - low


def by_hand(alpha, seed):
    """The width of the middle 1 - alpha of 100 resampled errors."""
    generator = np.random.default_rng(seed)
    error, errors = calibration.get_calibration_error, []
    for _ in range(100):
        chosen = generator.integers(0, 2000, 2000)
        errors.append(error(scores[chosen], labels[chosen], debias=False))
    return np.diff(np.quantile(errors, [alpha / 2, 1 - alpha / 2]))[0]


def mean(function, alpha):
    return float(np.mean([function(alpha, seed) for seed in range(5)]))


found = {}
for alpha in (0.1, 0.5):
    found[alpha] = mean(width, alpha), mean(by_hand, alpha)
    print(f"alpha {alpha}: width {found[alpha][0]:.3f}, by hand {found[alpha][1]:.3f}")
percent = mean(width, 10)
print(f"alpha 10:  width {percent:.3f}")
assert found[0.1][0] > 1.3 * found[0.1][1] and found[0.5][0] > 3 * found[0.5][1]
assert found[0.5][0] > 0.85 * found[0.1][0] and found[0.5][1] < 0.5 * found[0.1][1]
assert abs(percent - found[0.1][1]) < 0.15 * percent
print("seen: alpha counts in percent")
PYTHON
