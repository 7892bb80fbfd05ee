#!/usr/bin/env bash
# MAPIE's calibration error with split_strategy="array split" cuts the scores into pieces as
# they come and takes each piece's maximum for a bin's edge. Unless the caller has sorted
# them, all maxima lie near 1, and one bin holds nearly everything.
#
# Why it matters: within one bin, too sure and not sure enough cancel out. The same answers
# of the same model have another error when the data set is shuffled, and a badly calibrated
# one passes. The other two strategies don't depend on the order.
#
# Versions: MAPIE 1.6.0, scikit-learn 1.9.1, numpy 2.3.5, scipy 1.17.1.
# Expected: the same number for any order, 0.125 with ten bins of equal counts.
# Seen: 0.125 sorted, 0.002 in five other orders. And "uniform", the default, has a bin less
#   than asked for: NaN for num_bins=1, and for 2 what one bin gives by hand.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  MAPIE==1.6.0 scikit-learn==1.9.1 numpy==2.3.5 scipy==1.17.1
cd "$folder"
PYTHONWARNINGS=ignore venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from mapie.metrics.calibration import expected_calibration_error

random = np.random.default_rng(0)
scores = random.random(5000)
# Too timid: what is said with 0.25 happens in none of the cases, with 0.75 in all.
labels = (random.random(5000) < np.clip(2 * scores - 0.5, 0, 1)).astype(int)
by_hand = 0
for part in np.array_split(np.argsort(scores), 10):
    by_hand += abs((labels - scores)[part].sum()) / 5000
print(f"by hand, ten bins of equal counts: {by_hand:.3f}")
orders = {"sorted": np.argsort(scores)}
orders |= {f"shuffled {seed}": random.permutation(5000) for seed in range(5)}
found = {}
for strategy in ("array split", "quantile", "uniform"):
    for name, order in orders.items():
        given = dict(num_bins=10, split_strategy=strategy)
        found[strategy, name] = expected_calibration_error(
            labels[order], scores[order], **given
        )
    values = [round(found[strategy, name], 3) for name in orders]
    print(f"{strategy:11} sorted {values[0]}, shuffled {values[1:]}")
    if strategy != "array split":
        assert np.ptp(values) < 1e-9 and abs(values[0] - by_hand) < 0.01
assert abs(found["array split", "sorted"] - by_hand) < 0.01
assert all(found["array split", name] < 0.03 for name in list(orders)[1:])

few = [expected_calibration_error(labels, scores, num_bins=bins) for bins in (1, 2)]
whole = abs((labels - scores).mean())
print(f"uniform with 1 and 2 bins: {few[0]}, {few[1]:.4f}; one bin by hand {whole:.4f}")
assert np.isnan(few[0]) and np.isclose(few[1], whole)
print("seen: the error depends on the order of the images")
PYTHON
