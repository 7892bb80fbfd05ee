#!/usr/bin/env bash
# scikit-optimize's initial designs (lhs, sobol, halton, hammersly, grid) draw categories and
# integers by rounding a position between the first and the last: these two get half a share
# each, and the priors of categories are not looked at.
#
# Why it matters: of three optimizers, depths or augmentations the one that happens to be
# named in the middle is tried as often as the others together, in another order another one.
# A space-filling design is chosen to be even, and a prior of 90% is a wish to be heard.
#
# Versions: scikit-optimize 0.10.2, scikit-learn 1.9.1, scipy 1.17.1, numpy 2.3.5.
# Expected: a third each without priors, the priors with them, as from the random design.
# Seen: lhs and sobol give 64, 128 and 64 of 256 trials to three categories and to the
#   integers 1 to 3, whatever the prior; random follows a prior of 90%.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile scikit-optimize==0.10.2 scikit-learn==1.9.1 \
    scipy==1.17.1 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
from collections import Counter

from skopt import forest_minimize
from skopt.space import Categorical, Integer


def trials(design, names, prior=None):
    """How often each category and each integer are tried in 256 initial points."""
    space = [Categorical(names, prior=prior), Integer(1, 3)]
    result = forest_minimize(
        lambda point: 0.0,
        space,
        n_calls=256,
        n_initial_points=256,
        initial_point_generator=design,
        random_state=0,
    )
    chosen = Counter(str(name) for name, _ in result.x_iters)
    integers = Counter(int(number) for _, number in result.x_iters)
    return [chosen[name] for name in names], [integers[number] for number in (1, 2, 3)]


names = ["sgd", "adam", "lion"]
for design in ("lhs", "sobol"):
    seen = trials(design, names)
    print(f"{design}: {dict(zip(names, seen[0]))}, integers {seen[1]}")
    assert all(abs(a - b) <= 3 for a, b in zip(sum(seen, []), [64, 128, 64] * 2))
    seen, _ = trials(design, names, prior=[0.05, 0.05, 0.9])
    print(f"{design}, priors 5%, 5%, 90%: {dict(zip(names, seen))}")
    assert all(abs(a - b) <= 3 for a, b in zip(seen, [64, 128, 64]))
    turned = ["adam", "sgd", "lion"]
    seen, _ = trials(design, turned)
    assert max(zip(seen, turned))[1] == "sgd"

chosen, integers = trials("random", names)
print(f"random: {dict(zip(names, chosen))}, integers {integers}")
assert max(chosen + integers) < 110 and min(chosen + integers) > 64
chosen, _ = trials("random", names, prior=[0.05, 0.05, 0.9])
print(f"random, priors 5%, 5%, 90%: {dict(zip(names, chosen))}")
assert chosen[2] > 210
print("seen: the first and the last choice get half a share, priors none")
PYTHON
