#!/usr/bin/env bash
# On TensorFlow a max pooling drops NaN: the largest of (NaN, 1, 1, 1) is 1. The same Keras
# model on JAX, PyTorch or NumPy answers NaN, and so does onnxruntime.
#
# Why it matters: a feature map with NaN in it (an overflow in float16, a corrupt input)
# gives finite logits and a finite loss, so TerminateOnNaN and check_numerics on the loss
# see nothing, and one checkpoint evaluates to different numbers on two backends.
# argmax differs as well: TensorFlow passes over NaN, JAX and NumPy point at it.
#
# Versions: keras 3.15.1, tensorflow-cpu 2.21.0, jax 0.10.2.
# Expected: NaN propagates, as it does through every other layer.
# Seen: max_pool and argmax of TensorFlow hide it, with and without XLA.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 tensorflow-cpu==2.21.0 jax==0.10.2
cat > "$folder/pool.py" <<'PYTHON'
import keras
import numpy as np

image = np.ones((1, 2, 2, 1), "float32")
image[0, 0, 0, 0] = np.nan
pooled = {
    "max": keras.ops.max_pool(image, 2, 2),
    "average": keras.ops.average_pool(image, 2, 2),
    "global max": keras.ops.max(image),
}
print(*(float(np.squeeze(keras.ops.convert_to_numpy(v))) for v in pooled.values()), end=" ")
print(int(keras.ops.argmax(np.array([1.0, np.nan, 3.0], "float32"))))
PYTHON
cd "$folder"
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
tensorflow=$(KERAS_BACKEND=tensorflow venv/bin/python pool.py 2>/dev/null)
jax=$(KERAS_BACKEND=jax venv/bin/python pool.py)
xla=$(venv/bin/python - 2>/dev/null <<'PYTHON'
import numpy as np
import tensorflow as tf

image = np.ones((1, 2, 2, 1), "float32")
image[0, 0, 0, 0] = np.nan
pool = tf.function(lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"), jit_compile=True)
print(float(tf.squeeze(pool(image))))
PYTHON
)
echo "             max average global-max argmax of (1, NaN, 3)"
echo "tensorflow   $tensorflow"
echo "  with XLA   $xla"
echo "jax          $jax"
# tensorflow   1.0 nan nan 2
#   with XLA   1.0
# jax          nan nan nan 1
[ "$tensorflow" = "1.0 nan nan 2" ]
[ "$xla" = "1.0" ]
[ "$jax" = "nan nan nan 1" ]
echo "seen: TensorFlow's max pooling turns NaN into a number"
