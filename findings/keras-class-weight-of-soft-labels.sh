#!/usr/bin/env bash
# With soft labels (MixUp, CutMix, distillation) fit's class_weight looks up the weight of
# the largest label alone: the whole example takes it, whatever its share.
#
# Why it matters: class weights against imbalance, beside mixing augmentation, is a common
# recipe. The weight of an example then jumps tenfold between shares of 0.49 and 0.51, and
# rare classes below one half count nothing extra.
#
# Versions: keras 3.15.1 on jax 0.10.2 (the code is the same on every backend).
# Expected: the weights averaged by the label's shares, 4.6 and 6.4 here (as PyTorch's
#   cross entropy with class weights does); or an error.
# Seen: 1 and 10.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

model = keras.Sequential(
    [
        keras.Input((1,)),
        keras.layers.Dense(2, kernel_initializer="zeros", activation="softmax"),
    ]
)
model.compile(keras.optimizers.SGD(0.0), "categorical_crossentropy")
weights = {0: 1.0, 1: 10.0}
x = np.zeros((1, 1), "float32")
factors = {}
for rare in (0.4, 0.49, 0.51, 0.6):
    label = np.array([[1 - rare, rare]], "float32")
    loss = model.train_on_batch(x, label, class_weight=weights)
    factors[rare] = round(float(loss / np.log(2)), 3)  # log(2): the loss without weights
    print(f"share of the rare class {rare}: weighted by {factors[rare]}")
# share of the rare class 0.4: weighted by 1.0
# share of the rare class 0.49: weighted by 1.0
# share of the rare class 0.51: weighted by 10.0
# share of the rare class 0.6: weighted by 10.0
assert factors[0.4] == factors[0.49] == 1.0
assert factors[0.51] == factors[0.6] == 10.0
print("seen: the largest share takes all of the weight")
PYTHON
