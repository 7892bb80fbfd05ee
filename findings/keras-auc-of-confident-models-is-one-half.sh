#!/usr/bin/env bash
# keras.metrics.AUC cuts [0, 1] at 200 evenly spaced thresholds. Scores that all lie
# between two of them look equal, and a good ranking is reported as 0.5.
#
# Why it matters: probabilities of a confident classifier, or of a rare class, live within
# 1/199 of an end of the scale. The curve of a model that separates its classes well then
# says that it guesses.
#
# Versions: keras 3.15.1 on jax 0.10.2, scikit-learn 1.9.1.
# Expected: AUC depends on the order of the scores alone.
# Seen: 0.877 by scikit-learn, 0.500 by Keras, 0.564 with 10,000 cuts; of the scores'
#   ranks, which are spread evenly, 0.877 by Keras, too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2 scikit-learn==1.9.1
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np
from sklearn.metrics import roc_auc_score

random = np.random.default_rng(0)
labels = random.integers(0, 2, 2000)
logits = (random.normal(size=2000) + 1.6 * labels - 12).astype("float32")
scores = 1 / (1 + np.exp(-logits))


def auc(values, **settings):
    metric = keras.metrics.AUC(**settings)
    metric.update_state(labels, values)
    return round(float(metric.result()), 3)


exact = round(roc_auc_score(labels, scores), 3)
keras_auc, ranked = auc(scores), auc(scores.argsort().argsort() / 1999)
print("largest score        ", f"{scores.max():.1e}")
print("scikit-learn         ", exact)
print("keras                ", keras_auc)
print("keras, 10,000 cuts   ", auc(scores, num_thresholds=10000))
print("keras, of the ranks  ", ranked)
assert scores.max() < 1 / 199
assert exact > 0.85 and keras_auc == 0.5
assert abs(ranked - exact) < 0.005
print("seen: a ranking worth", exact, "is reported as 0.5")
PYTHON
