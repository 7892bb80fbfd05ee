#!/usr/bin/env bash
# foolbox's L2FMNAttack (Fast Minimum-Norm) projects onto a ball by the factor norms / norms,
# which is one: the radius it shrinks is never used, and it just walks on from the image.
#
# Why it matters: the attack's distances are what a model's robustness is read from. Those of
# this one are its 100 steps up the gradient, up to the corners of the image's range, and a
# model looks ten times as robust as it is. The attack succeeds, so nothing shows it.
#
# Versions: foolbox 3.3.4, jax 0.10.2, numpy 2.3.5.
# Expected: near the least distance, which for a linear model is the margin over the norm of
#   the difference of two weights, and which DeepFool and LInfFMNAttack find to a few percent.
# Seen: 21 times the least distance, with 100 steps as with 1000.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile foolbox==3.3.4 jax==0.10.2 numpy==2.3.5
cd "$folder"
JAX_PLATFORMS=cpu venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import jax.numpy as jnp
import numpy as np
from eagerpy import astensor
from foolbox import JAXModel
from foolbox.attacks import L2DeepFoolAttack, L2FMNAttack, LInfFMNAttack

rng = np.random.default_rng(0)
weights = rng.normal(size=(64, 4)).astype(np.float32)
images = jnp.asarray(rng.uniform(0.3, 0.7, (32, 1, 8, 8)).astype(np.float32))


def logits(x):
    """A linear model's scores of images."""
    return (x - 0.5).reshape(len(x), -1) @ weights


model = JAXModel(logits, bounds=(0, 1))
scores = np.asarray(logits(images))
labels = scores.argmax(-1)


def least(dual):
    """The exact distance to the nearest other class, the range of pixels aside."""
    others = [[j for j in range(4) if j != label] for label in labels]
    return np.array(
        [
            min(
                (score[i] - score[j]) / np.linalg.norm(weights[:, i] - weights[:, j], dual)
                for j in other
            )
            for score, i, other in zip(scores, labels, others)
        ]
    )


def ratio(attack, order, dual):
    """How many times too far an attack's images are, in the middle of all images."""
    (attacked,), _, (fooled,) = attack(model, images, jnp.asarray(labels), epsilons=[None])
    assert np.all(fooled)
    change = np.asarray(attacked - images).reshape(len(images), -1)
    return np.median(np.linalg.norm(change, order, axis=1) / least(dual))


deep_fool = ratio(L2DeepFoolAttack(), 2, 2)
by_maximum = ratio(LInfFMNAttack(), np.inf, 1)
print(f"DeepFool: {deep_fool:.2f} times the least distance, LInfFMN: {by_maximum:.2f}")
assert 0.99 < deep_fool < 1.1 and 0.99 < by_maximum < 1.2
for steps in (100, 1000):
    seen = ratio(L2FMNAttack(steps=steps), 2, 2)
    print(f"L2FMN, {steps} steps: {seen:.2f} times the least distance")
    assert seen > 10

far, near, radius = map(astensor, (images + 0.1, images, jnp.full(32, 0.01)))
projected = L2FMNAttack().project(far, near, radius).raw
distance = np.linalg.norm(np.asarray(projected - images).reshape(32, -1), axis=1)
print(f"projected onto a ball of radius 0.01: at a distance of {distance.max():.2f}")
assert np.allclose(distance, 0.8, atol=1e-3)
print("seen: nothing is projected")
PYTHON
