#!/usr/bin/env bash
# keras.metrics.MeanIoU(ignore_class=0) leaves out the pixels whose label is 0. Where the
# model answers 0 on one of the other pixels, class 0 has a union and no intersection: it
# enters the mean with an IoU of 0.
#
# Why it matters: one ignores the background to see how well objects are found. A single
# pixel of it in the answers takes 1/num_classes off the score, so that with two kinds of
# objects a near perfect model has 0.66, and a worse one that never says "background" wins.
#
# Versions: keras 3.15.1 on jax 0.10.2, scikit-learn 1.9.1.
# Expected: the mean over the classes that aren't ignored, of the pixels that aren't.
# Seen: 1.0 without a mistake, 0.666 with one of 1,000 pixels called background, 0.818 with
#   100 given to the other class; of the two classes themselves 1.0, 0.999 and 0.818.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2 scikit-learn==1.9.1
export KERAS_BACKEND=jax PYTHONWARNINGS=ignore
"$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np
from sklearn.metrics import jaccard_score

labels = np.repeat([0, 1, 2], 500)
one_missed = labels.copy()
one_missed[500] = 0  # one pixel of an object is called background
confused = labels.copy()
confused[950:1050] = np.repeat([2, 1], 50)  # a hundred are given to the other class


def scores(answers):
    metric = keras.metrics.MeanIoU(3, ignore_class=0)
    metric.update_state(labels, answers)
    objects = labels != 0
    true = jaccard_score(
        labels[objects], answers[objects], labels=[1, 2], average="macro"
    )
    return round(float(metric.result()), 3), round(float(true), 3)


found = {
    "all right": scores(labels),
    "one of 1,000 wrong": scores(one_missed),
    "100 of 1,000 wrong": scores(confused),
}
for name, (of_keras, of_objects) in found.items():
    print(f"{name:18} keras {of_keras}, the two classes of objects {of_objects}")
assert found["all right"] == (1.0, 1.0)
assert found["one of 1,000 wrong"] == (0.666, 0.999)
assert found["100 of 1,000 wrong"][0] == found["100 of 1,000 wrong"][1] < 0.85
print("seen: the ignored class counts as one that is always wrong")
PYTHON
