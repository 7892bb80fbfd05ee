#!/usr/bin/env bash
# keras.callbacks.SwapEMAWeights puts the averaged weights in for `evaluate` and for
# `predict`, and takes them out again after `evaluate` only: the condition of
# on_predict_end is the wrong way round. After a prediction the model is another.
#
# Why it matters: whoever looks at predictions between two rounds of training goes on from
# the average, and the optimizer's average is now the raw weights. The next `evaluate`
# with the callback then measures the average without having swapped, swaps afterwards,
# and so on: what is saved depends on how often one has looked.
#
# Versions: keras 3.15.1 on jax 0.10.2 (the code is the same on every backend).
# Expected: predict, like evaluate, leaves the weights as they were.
# Seen: same weights after evaluate; after predict the weights are the average and the
#   average is the weights.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

keras.utils.set_random_seed(0)
x = np.random.normal(size=(64, 3)).astype("float32")
y = x.sum(1, keepdims=True)


def trained():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    optimizer = keras.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.95)
    model.compile(optimizer, "mse")
    for _ in range(10):
        model.train_on_batch(x, y)
    return model


def state(model):
    average = model.optimizer._model_variables_moving_average[0]
    return model.get_weights()[0].ravel(), np.asarray(average).ravel()


for name in "evaluate", "predict":
    model, swap = trained(), keras.callbacks.SwapEMAWeights()
    before = state(model)
    if name == "evaluate":
        model.evaluate(x, y, callbacks=[swap], verbose=0)
    else:
        model.predict(x, callbacks=[swap], verbose=0)
    after = state(model)
    print(f"{name:8} weights", before[0].round(3), "->", after[0].round(3))
    print(f"{name:8} average", before[1].round(3), "->", after[1].round(3))
    assert np.abs(before[0] - before[1]).max() > 0.1
    kept, swapped = np.allclose(before, after), np.allclose(before, after[::-1])
    assert (kept, swapped) == ((True, False) if name == "evaluate" else (False, True))
print("seen: predict leaves the average in the model and the weights in the optimizer")
PYTHON
