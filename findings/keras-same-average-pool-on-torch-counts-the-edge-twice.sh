#!/usr/bin/env bash
# Keras on PyTorch, average pooling with padding="same": where the padding is uneven, the
# border is repeated into it and counted, instead of left out of the average.
#
# Why it matters: a model trained on TensorFlow or JAX and loaded on PyTorch gets other
# features at the lower and right border, a .keras file is no longer one model. Images
# whose size the pool divides, or even paddings, show nothing.
#
# Versions: keras 3.15.1, torch 2.13.0, numpy 2.3.5.
# Expected: of 1 to 5 in windows of three 2 and, as the last window has two elements, 4.5.
# Seen: 4.67, in which the 5 counts twice; of 0, 0, 0, 0, 6, 0, 6 by four 0 and 4.5 instead
#   of 4. With the even padding of windows of three by steps of two all is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 torch==2.13.0 numpy==2.3.5
export KERAS_BACKEND=torch CUDA_VISIBLE_DEVICES=-1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import keras
import numpy as np


def pools(values, window, step):
    """By Keras, and the mean of what each window holds."""
    column = np.array(values, "float32")[None, :, None]
    layer = keras.layers.AveragePooling1D(window, step, padding="same")
    seen = keras.ops.convert_to_numpy(layer(column))[0, :, 0]
    count = -(-len(values) // step)
    missing = max(0, (count - 1) * step + window - len(values))
    starts = [place * step - missing // 2 for place in range(count)]
    parts = [values[max(0, start) : start + window] for start in starts]
    means = [float(np.mean(part)) for part in parts]
    print(f"{values} in windows of {window} by {step}:", end=" ")
    print(f"{seen.round(2).tolist()}, means {np.round(means, 2).tolist()}")
    return seen, means


seen, means = pools([1, 2, 3, 4, 5], 3, 2)
np.testing.assert_allclose(seen, means)
seen, means = pools([1, 2, 3, 4, 5], 3, 3)
assert means == [2, 4.5]
np.testing.assert_allclose(seen, [2, 14 / 3], rtol=1e-6)
seen, means = pools([0, 0, 0, 0, 6, 0, 6], 4, 4)
assert means == [0, 4]
np.testing.assert_allclose(seen, [0, 4.5])
print("seen: the border counts twice")
PYTHON
