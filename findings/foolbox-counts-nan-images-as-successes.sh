#!/usr/bin/env bash
# foolbox's NewtonFoolAttack and VirtualAdversarialAttack divide by the norm of the gradient.
# Where a model is sure, softmax's gradient is zero, the attacked image is NaN, and as the
# class of NaN scores is 0 that counts as a success for images of all other classes.
#
# Why it matters: the surer and further from the boundary a model is, the more images are
# "fooled", and with a budget that changes nothing. Robust accuracy drops to the share of
# class 0; only who looks into the attacked images sees why.
#
# Versions: foolbox 3.3.4, jax 0.10.2, numpy 2.3.5.
# Expected: no successes with a budget of 1e-6, where no class is nearer than 0.01, and images
#   within the budget, as from PGD.
# Seen: both return NaN for all images of a sure model and call all those not of class 0
#   successes; of the same model with its scores divided by 1000 none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile foolbox==3.3.4 jax==0.10.2 numpy==2.3.5
cd "$folder"
JAX_PLATFORMS=cpu venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import jax.numpy as jnp
import numpy as np
from foolbox import JAXModel
from foolbox.attacks import L2PGD, NewtonFoolAttack, VirtualAdversarialAttack

BUDGET = 1e-6

# Each image is one of four patterns and some noise, and its score for each class is how
# much of the pattern is in it: a model that is right and sure.
rng = np.random.default_rng(0)
patterns = np.eye(4, 16, dtype=np.float32)
labels = np.arange(40) % 4
images = (0.2 + 0.6 * patterns[labels] + rng.uniform(0, 0.1, (40, 16))).astype(np.float32)
scores = images @ patterns.T
best, second = np.sort(scores, 1)[:, ::-1][:, :2].T
assert np.array_equal(scores.argmax(1), labels) and np.all((best - second) / np.sqrt(2) > 0.01)
images = jnp.asarray(images.reshape(-1, 1, 4, 4))

for scale in (1, 1000):
    model = JAXModel(lambda x: scale * x.reshape(len(x), -1) @ patterns.T, bounds=(0, 1))
    for attack in (L2PGD(), NewtonFoolAttack(), VirtualAdversarialAttack(steps=10)):
        _, attacked, fooled = attack(model, images, jnp.asarray(labels), epsilons=BUDGET)
        unknown = np.isnan(np.asarray(attacked)).any((1, 2, 3))
        name = type(attack).__name__
        print(f"scores times {scale}, {name}: {unknown.mean():.0%} NaN", end=", ")
        print(f"{np.asarray(fooled).mean():.0%} successes")
        if scale == 1 or isinstance(attack, L2PGD):
            assert not unknown.any() and not np.any(fooled)
        else:
            assert unknown.all() and np.array_equal(fooled, labels != 0)
print("seen: images of NaN are successes")
PYTHON
