#!/usr/bin/env bash
# TensorFlow turns a number beside a uint8 tensor into a uint8 without a word, at whatever
# size: labels == -1 finds the labels 255, labels > -1 none, image < 256 none, and
# tf.clip_by_value(image, 0, 256) is black. JAX compares so, too; NumPy is right.
#
# Why it matters: -1 is how "not labelled" is asked for, and uint8 how masks and labels are
# stored. tf.where(labels == -1, ...) in a tf.data pipeline throws the class 255 away and
# labels != -1 keeps the rest, so that all looks well. The same comparison of int8 with 200
# is wrong, too, while a fraction, 127.5, is refused. keras.ops.equal is right on TensorFlow
# and wrong on JAX, so that a metric or a mask differs by the backend.
#
# Versions: tensorflow-cpu 2.21.0, keras 3.15.1, jax 0.10.2, numpy 2.4.6.
# Expected: what NumPy has, none is -1, all are above -1 and below 256; or an error.
# Seen: 255 is -1 and no byte is above -1 or below 256, in eager mode, in a tf.function and in
#   tf.data alike; tf.constant(300, tf.uint8) is 44.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile tensorflow-cpu==2.21.0 keras==3.15.1 \
  jax==0.10.2 numpy==2.4.6
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
cat >by_tensorflow.py <<'PYTHON'
import numpy as np
import tensorflow as tf

values = np.array([0, 1, 127, 128, 255], "uint8")
labels = tf.constant(values)
asked = {
    "labels == -1": (lambda x: x == -1, [0, 0, 0, 0, 1]),
    "labels != -1": (lambda x: x != -1, [1, 1, 1, 1, 0]),
    "labels > -1": (lambda x: x > -1, [0, 0, 0, 0, 0]),
    "labels < 256": (lambda x: x < 256, [0, 0, 0, 0, 0]),
    "clip to 0..256": (lambda x: tf.clip_by_value(x, 0, 256), [0, 0, 0, 0, 0]),
    "fill up with -1": (lambda x: tf.pad(x, [[0, 1]], constant_values=-1)[1:], None),
}
for name, (function, wrong) in asked.items():
    eager = function(labels).numpy()
    compiled = tf.function(function)(labels).numpy()
    data = tf.data.Dataset.from_tensors(values).map(function).get_single_element().numpy()
    print(f"{name:16}", eager.astype(int).tolist())
    assert (eager == compiled).all() and (eager == data).all()
    assert eager.astype(int).tolist() == (wrong or [1, 127, 128, 255, 255])
assert not (values == -1).any() and (values > -1).all() and (values < 256).all()
assert not (tf.constant([-5, 5], tf.int8) < 200).numpy().any()
assert tf.constant(300, tf.uint8) == 44
try:
    labels > 127.5
except TypeError as error:
    print("labels > 127.5  ", error)
else:
    raise AssertionError("a fraction was taken")
PYTHON
cat >by_keras.py <<'PYTHON'
import jax.numpy as jnp
import keras
import numpy as np

labels = np.array([0, 255], "uint8")
backend = keras.backend.backend()
found = [np.asarray(f(labels, -1)).tolist() for f in (keras.ops.equal, keras.ops.greater)]
print(f"keras.ops on {backend}: equal to -1", found[0], "above -1", found[1])
assert found == (
    [[False, False], [True, True]]
    if backend == "tensorflow"
    else [[False, True], [False, False]]
)
assert (jnp.asarray(labels) == -1).tolist() == [False, True]
assert (jnp.asarray(labels) > -1).tolist() == [False, False]
PYTHON
venv/bin/python by_tensorflow.py 2>log || { cat log; exit 1; }
for backend in tensorflow jax; do
  KERAS_BACKEND=$backend venv/bin/python by_keras.py 2>log || { cat log; exit 1; }
done
echo "seen: the label 255 is taken for -1"
