#!/usr/bin/env bash
# TensorFlow's softmax on a CPU: with one logit that is NaN that class alone is NaN, all others
# are exactly 0. tf.argmax leaves the NaN out, so the predicted class, the largest of the other
# logits, has the finite probability 0. Compiled by XLA all are NaN, as with log_softmax, with
# NumPy, and with keras.ops.softmax on JAX.
#
# Why it matters: who watches what is answered, the best class and its probability, sees a
# number and no NaN; the mean over models or views has halves that look like doubt. In
# attention one NaN score leaves a map that is 0 wherever it is finite, where any other
# backend shows the whole map broken. The same model answers NaN once it is compiled.
#
# Versions: tensorflow-cpu 2.21.0, keras 3.15.1, jax 0.10.2, numpy 2.4.6.
# Expected: NaN for every class, or for none, in eager mode as under XLA.
# Seen: softmax([3, NaN, 2, 5]) is [0, NaN, 0, 0], its argmax by tf.argmax is 3, by NumPy 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile tensorflow-cpu==2.21.0 keras==3.15.1 \
  jax==0.10.2 numpy==2.4.6
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
cat >by_tensorflow.py <<'PYTHON'
import keras
import numpy as np
import tensorflow as tf

logits = np.array([[3, np.nan, 2, 5]], "float32")
found = {
    "tf.nn.softmax": tf.nn.softmax(logits),
    "in a tf.function": tf.function(tf.nn.softmax)(logits),
    "keras.layers.Softmax": keras.layers.Softmax()(logits),
    "in a tf.data pipeline": tf.data.Dataset.from_tensors(logits)
    .map(tf.nn.softmax)
    .get_single_element(),
}
for name, probabilities in found.items():
    print(f"{name:22}", probabilities.numpy()[0])
    np.testing.assert_array_equal(probabilities, [[0, np.nan, 0, 0]])
compiled = tf.function(tf.nn.softmax, jit_compile=True)(logits).numpy()
print(f"{'compiled by XLA':22}", compiled[0])
logarithms = tf.nn.log_softmax(logits).numpy()
print(f"{'tf.nn.log_softmax':22}", logarithms[0])
assert np.isnan(compiled).all() and np.isnan(logarithms).all()

powers = np.exp(logits - logits.max())
assert np.isnan(powers / powers.sum()).all()
best = int(tf.argmax(logits, -1)[0])
answer = float(found["tf.nn.softmax"][0, best])
print(f"the predicted class is {best}, of probability {answer}; np.argmax says", end=" ")
print(int(np.argmax(logits)))
assert (best, answer, int(np.argmax(logits))) == (3, 0.0, 1)
scores = np.random.default_rng(0).normal(size=(1, 64)).astype("float32")
scores[0, 10] = np.nan
attention = tf.nn.softmax(scores).numpy()
print("an attention map of 64 scores: the sum of its finite ones is", np.nansum(attention))
assert np.isnan(attention).sum() == 1 and np.nansum(attention) == 0
PYTHON
cat >by_jax.py <<'PYTHON'
import keras
import numpy as np

probabilities = np.asarray(keras.ops.softmax(np.array([[3, np.nan, 2, 5]], "float32")))
print(f"{'keras.ops on JAX':22}", probabilities[0])
assert np.isnan(probabilities).all()
PYTHON
venv/bin/python by_tensorflow.py 2>log || { cat log; exit 1; }
KERAS_BACKEND=jax venv/bin/python by_jax.py 2>log || { cat log; exit 1; }
echo "seen: the others are 0"
