#!/usr/bin/env bash
# preprocess_input of keras.applications changes a float array in place, and leaves a
# uint8 array or a tensor alone.
#
# Why it matters: an explanation is drawn over the array that went into the model. After
# the call that array holds -1..1 or mean-free BGR: the overlay is black, and a second
# call (one for the prediction, one for the saliency) feeds the model a constant.
#
# Versions: keras 3.15.1 on jax 0.10.2 (arrays are handled by NumPy on every backend).
# Expected: the argument is left alone, as with uint8; preprocessing the same picture
#   twice gives the same result.
# Seen: 100 becomes -0.216 in the caller's array, the second call turns it into -1.002.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

changed = {}
for name in ("mobilenet_v2", "resnet", "resnet_v2", "vgg16", "densenet", "efficientnet"):
    preprocess = getattr(keras.applications, name).preprocess_input
    floats = np.full((1, 2, 2, 3), 100, "float32")
    levels = np.full((1, 2, 2, 3), 100, "uint8")
    preprocess(levels)
    first = preprocess(floats).copy()
    second = preprocess(floats)
    changed[name] = not np.all(floats == 100)
    print(f"{name:13} first {first[0, 0, 0].round(3)} second {second[0, 0, 0].round(3)}")
    assert np.all(levels == 100)
print("writes into a float array:", [name for name, yes in changed.items() if yes])
# writes into a float array: ['mobilenet_v2', 'resnet', 'resnet_v2', 'vgg16', 'densenet']
assert [name for name, yes in changed.items() if not yes] == ["efficientnet"]
print("seen: the caller's float array is overwritten")
PYTHON
