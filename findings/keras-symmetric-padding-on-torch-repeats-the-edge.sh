#!/usr/bin/env bash
# Keras on PyTorch: ops.pad(mode="symmetric") repeats the edge instead of mirroring.
#
# Why it matters: symmetric padding keeps texture going at the border; it is what filters,
# crops beyond the border and test-time shifts pad by. On PyTorch they get streaks of the
# last pixel, without a message; on JAX, TensorFlow and NumPy the image's mirror.
#
# Versions: keras 3.15.1, torch 2.13.0, numpy 2.3.5.
# Expected: 1 2 3 4 padded by three and two is 3 2 1 1 2 3 4 4 3, as by numpy.pad.
# Seen: 1 1 1 1 2 3 4 4 4, the answer of numpy.pad(mode="edge"). "reflect" is right.
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

line = np.array([1, 2, 3, 4], "float32")


def padded(mode):
    return keras.ops.convert_to_numpy(keras.ops.pad(line, [[3, 2]], mode=mode))


for mode in ("symmetric", "reflect"):
    print(f"{mode:9}: {padded(mode)}, numpy: {np.pad(line, (3, 2), mode=mode)}")
np.testing.assert_array_equal(padded("reflect"), np.pad(line, (3, 2), mode="reflect"))
assert not np.array_equal(padded("symmetric"), np.pad(line, (3, 2), mode="symmetric"))
np.testing.assert_array_equal(padded("symmetric"), np.pad(line, (3, 2), mode="edge"))
print("seen: symmetric padding repeats the edge")
PYTHON
