#!/usr/bin/env bash
# optax.contrib.reduce_on_plateau asks for a value below (1 - rtol) * best. Of a negative best
# that is a value above it: standing still counts as an improvement, and so does a decline by
# less than rtol, which then becomes the best. The learning rate is never reduced.
#
# Why it matters: it has no mode, so that an accuracy has to be given with its sign turned; and
# losses such as the negative cosine similarity or a density's negative log-likelihood are
# below zero by themselves. There the schedule does nothing and says nothing.
#
# Versions: optax 0.2.8, jax 0.10.2, numpy 2.3.5.
# Expected: "if no improvement is seen for a patience number of epochs, the learning rate is
#   reduced": halved by each 3 of the evaluations that bring no new least value.
# Seen: 30 times 0.9 leave 1/512 of the learning rate, 30 times -0.9 all of it; so does an
#   accuracy that falls from 0.9 to 0.55 by 0.5% at a time, with rtol=0.01.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile optax==0.2.8 jax==0.10.2 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import jax
import jax.numpy as jnp
import numpy as np
import optax


def scale(values, rtol):
    """What is left of the learning rate after these evaluations."""
    plateau = optax.contrib.reduce_on_plateau(factor=0.5, patience=3, rtol=rtol)
    updates = {"w": jnp.ones(2)}
    state = plateau.init(updates)
    update = jax.jit(plateau.update)
    for value in values:
        scaled, state = update(updates, state, value=float(value))
    return float(scaled["w"][0])


def expected(values):
    """The same, where an improvement is a new least value."""
    best, waited, left = np.inf, 0, 1.0
    for value in values:
        best, waited = (value, 0) if value < best else (best, waited + 1)
        if waited == 3:
            waited, left = 0, left / 2
    return left


still = np.full(30, 0.9)
falling = 0.9 * 0.995 ** np.arange(100)  # an accuracy that gets worse all the time
cases = {
    "0.9 each time": (still, 1e-4, 2.0**-9),
    "-0.9 each time": (-still, 1e-4, 1.0),
    "0.1 to 0.45, the error of an accuracy that falls": (1 - falling, 0.01, 2.0**-33),
    "-0.9 to -0.55, that accuracy": (-falling, 0.01, 1.0),
}
for name, (values, rtol, seen) in cases.items():
    found = scale(values, rtol)
    print(f"{name}: {found:.3g} of the learning rate, expected {expected(values):.3g}")
    assert found == seen and expected(values) == 2.0 ** -((len(values) - 1) // 3)
print("seen: below zero all is improvement")
PYTHON
