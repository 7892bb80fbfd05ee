#!/usr/bin/env bash
# tf.one_hot of a negative index is a row of zeros; ONNX counts negative indices from the
# end, and tf2onnx converts one to the other as it is: -1 becomes the last class.
#
# Why it matters: -1 (or 255 shifted to -1) is the usual label for "ignore" or "padding".
# In TensorFlow it drops out of a one-hot sum, in the converted model it is a vote for the
# last class.
#
# Versions: tensorflow-cpu 2.21.0, tf2onnx 1.17.0, onnx 1.23.2, onnxruntime 1.32.0.
# Expected: zeros for -1 and for an index past the end, as TensorFlow gives.
# Seen: past the end, zeros in both; -1 and -2 give the last and the last but one class.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile tensorflow-cpu==2.21.0 \
  tf2onnx==1.17.0 onnx==1.23.2 onnxruntime==1.32.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx


def rows(index):
    return tf.one_hot(index, 3)


spec = [tf.TensorSpec((5,), tf.int32, name="index")]
model, _ = tf2onnx.convert.from_function(tf.function(rows), spec, opset=18)
session = onnxruntime.InferenceSession(model.SerializeToString())
indices = np.array([0, 2, 3, -1, -2], "int32")
reference = rows(indices).numpy().astype(int)
converted = session.run(None, {"index": indices})[0].astype(int)
for index, before, after in zip(indices, reference, converted):
    print(f"{index:2}: TensorFlow {before}, onnxruntime {after}")
#  3: TensorFlow [0 0 0], onnxruntime [0 0 0]
# -1: TensorFlow [0 0 0], onnxruntime [0 0 1]
# -2: TensorFlow [0 0 0], onnxruntime [0 1 0]
assert np.array_equal(reference[:3], converted[:3])
assert not reference[3:].any()
assert converted[3:].tolist() == [[0, 0, 1], [0, 1, 0]]
print("seen: label -1 becomes the last class in ONNX")
PYTHON
