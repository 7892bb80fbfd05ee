#!/usr/bin/env bash
# keras.metrics.MeanIoU keeps its confusion matrix in integers and casts sample weights to
# them: weights below 1 count as 0, those from 1 to 2 as 1. The same with OneHotMeanIoU.
#
# Why it matters: weights of pixels, for borders, doubtful labels or rare classes, or those
# that are scaled to add up to 1, are fractions. Half weights for all give a mean IoU of 0
# for a perfect model. The docstring's own example has fractions, too, and says 0.238.
#
# Versions: keras 3.15.1 on jax 0.10.2, scikit-learn 1.9.1, numpy 2.3.5.
# Expected: scikit-learn's jaccard_score with the weights; for equal ones that without.
# Seen: 0.0 for a perfect answer with weights of 0.5 and for the docstring's example; weights
#   of 1.9 and 1 make no difference. BinaryIoU and IoU share it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2 \
    scikit-learn==1.9.1 numpy==2.3.5
cd "$folder"
KERAS_BACKEND=jax JAX_PLATFORMS=cpu venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import keras
import numpy as np
from sklearn.metrics import jaccard_score

labels = np.array([0, 0, 1, 1])


def mean_iou(answers, weights=None, metric=None):
    """The mean over two classes by Keras and by scikit-learn."""
    metric = metric or keras.metrics.MeanIoU(num_classes=2)
    metric.update_state(labels, answers, sample_weight=weights)
    expected = jaccard_score(labels, answers, average="macro", sample_weight=weights)
    return float(metric.result()), expected


def show(text, seen):
    """A line for one case."""
    print(f"{text}: {seen[0]:.3f}, expected {seen[1]:.3f}")


perfect, fair = labels, np.array([0, 1, 0, 1])
halves = np.full(4, 0.5, np.float32)
seen = mean_iou(perfect)
show("perfect", seen)
assert np.allclose(seen, [1, 1], atol=1e-6)
seen = mean_iou(perfect, halves)
show("perfect, all weights 0.5", seen)
assert seen == (0, 1)
for kind in (keras.metrics.BinaryIoU([0, 1]), keras.metrics.IoU(2, [0, 1])):
    assert mean_iou(perfect, halves, kind) == (0, 1)
one_hot = keras.metrics.OneHotMeanIoU(2)
one_hot.update_state(np.eye(2)[labels], np.eye(2)[labels], sample_weight=halves)
assert float(one_hot.result()) == 0

seen = mean_iou(fair, np.array([0.3, 0.3, 0.3, 0.1], np.float32))
show("the docstring's weights", seen)
assert seen[0] == 0 and abs(seen[1] - 0.238) < 1e-3
seen = mean_iou(fair, np.array([1.9, 1, 1, 1.9], np.float32))
show("weights of 1.9 where right, 1 where wrong", seen)
assert abs(seen[0] - 1 / 3) < 1e-6 and abs(seen[1] - 1.9 / 3.9) < 1e-6
seen = mean_iou(fair, np.array([2, 1, 1, 2], np.float32))
show("weights of 2 and 1", seen)
assert np.allclose(seen, 0.5, atol=1e-6)
print("seen: weights are cut to integers")
PYTHON
