#!/usr/bin/env bash
# puncc's APS and RAPS cap the labels of a prediction set by the number of images that are
# asked about at once: of two images, no set has more than two labels.
#
# Why it matters: calibrated and tested in one large batch, the sets cover what they should.
# A server that asks about few images at a time gets smaller sets from the same predictor,
# without a warning, and the guarantee for which one uses conformal sets is gone. (A single
# image is refused by a TypeError.)
#
# Versions: puncc 0.9.3, numpy 2.3.5 (it asks for 1.x, and gives the same with 1.26.4),
#   scikit-learn 1.9.1.
# Expected: an image's set doesn't depend on the images beside it; alpha=0.1 covers 90% or more.
# Seen: with rand=False, 97% in one batch, 94% five by five, 71% two by two; the largest sets
#   have 9, 5 and 2 labels.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile numpy==2.3.5 pandas==2.3.3 \
  scikit-learn==1.9.1 matplotlib==3.10.8 tqdm==4.67.1 joblib==1.5.3
"$folder/venv/bin/pip" install -qq --no-compile --no-deps puncc==0.9.3
cd "$folder"
MPLBACKEND=agg venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
from deel.puncc.api.prediction import BasePredictor
from deel.puncc.classification import APS, RAPS

generator = np.random.default_rng(0)


class Model:
    """Ten classes; the input is the logits, whose softmax is exactly right."""

    def predict(self, logits):
        grown = np.exp(logits - logits.max(axis=1, keepdims=True))
        return grown / grown.sum(axis=1, keepdims=True)


def draw(count):
    logits = generator.normal(size=(count, 10)) * 2
    chances = Model().predict(logits)
    return logits, np.array([generator.choice(10, p=chance) for chance in chances])


calibration, images = draw(2000), draw(1000)
methods = {
    "APS": APS(BasePredictor(Model(), is_trained=True), train=False, rand=False),
    "RAPS": RAPS(
        BasePredictor(Model(), is_trained=True), train=False, lambd=0.001, rand=False
    ),
}
found = {}
for name, method in methods.items():
    method.fit(X_calib=calibration[0], y_calib=calibration[1])
    for batch in (1000, 5, 2):
        sets = []
        for start in range(0, 1000, batch):
            _, answers = method.predict(images[0][start : start + batch], alpha=0.1)
            sets.extend(answers)
        covered = np.mean([label in labels for label, labels in zip(images[1], sets)])
        largest = max(map(len, sets))
        found[name, batch] = covered, largest
        print(f"{name:4} by {batch:4}: {covered:.3f} covered, largest set {largest}")
for name in ("APS", "RAPS"):
    assert found[name, 1000][0] > 0.9 and found[name, 1000][1] > 5
    assert found[name, 5][1] == 5
    assert found[name, 2][0] < 0.75 and found[name, 2][1] == 2
print("seen: a set has no more labels than the batch has images")
PYTHON
