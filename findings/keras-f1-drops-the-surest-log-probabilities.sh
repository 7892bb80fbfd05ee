#!/usr/bin/env bash
# keras.metrics.F1Score and FBetaScore without a threshold take the largest value of each row
# as the answer, unless that value is 0. A log-probability is 0 exactly where the model is
# sure: its best answers count as none.
#
# Why it matters: models that end in log_softmax train with the usual losses, accuracy reads
# their output rightly, and F1 starts out right, too. The better the model gets the more answers
# are dropped, so that early stopping or the choice of a checkpoint by F1 takes a worse one.
#
# Versions: keras 3.15.1 on jax 0.10.2, scikit-learn 1.9.1, numpy 2.3.5.
# Expected: "If threshold is None, the argmax of y_pred is converted to 1, and the rest to 0":
#   the F1 of scikit-learn for the argmax, and of Keras itself for the probabilities.
# Seen: 0.85 by both for an unsure model; for the same one with margins of 20 and 40 between
#   its logits 0.03 and 0.00 where all 1,000 answers are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2 \
  scikit-learn==1.9.1 numpy==2.3.5
cd "$folder"
KERAS_BACKEND=jax venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import keras
import numpy as np
from sklearn.metrics import f1_score

rng = np.random.default_rng(0)
labels = rng.integers(0, 3, 1000)
one_hot = np.eye(3, dtype="float32")[labels]


def measured(metric, outputs):
    metric.update_state(one_hot, outputs)
    return round(float(metric.result()), 2)


found = {}
for margin in 2, 10, 20, 40:
    logits = margin * one_hot + rng.normal(size=(1000, 3)).astype("float32")
    logs = keras.ops.convert_to_numpy(keras.ops.log_softmax(logits))
    of_logs = measured(keras.metrics.F1Score(average="macro"), logs)
    of_probabilities = measured(keras.metrics.F1Score(average="macro"), np.exp(logs))
    true = round(f1_score(labels, logs.argmax(1), average="macro"), 2)
    accuracy = measured(keras.metrics.CategoricalAccuracy(), logs)
    zeros = (logs.max(1) == 0).mean()
    found[margin] = of_logs
    print(f"margin {margin}: F1 {of_logs:.2f} of the log-probabilities,", end=" ")
    print(f"{of_probabilities:.2f} of the probabilities, {true:.2f} by scikit-learn,", end=" ")
    print(f"accuracy {accuracy:.2f}; {zeros:.0%} of the rows have a 0 as their largest value")
    assert of_probabilities == true and true >= 0.85
assert found[2] == 0.85 and found[10] == 1 and found[20] < 0.1 and found[40] == 0
print("seen: sure answers count as none")
PYTHON
