#!/usr/bin/env bash
# keras.ops.saturate_cast clips a float to the largest int32 before it converts. 2147483647 is no
# float32: the limit is rounded up to 2147483648, one too many for int32, and what was too large
# comes out as the smallest number there is. As uint32 it is 0.
#
# Why it matters: saturating is what one asks for so that too much stays much. Scores, counts and
# sums of pixels that are kept in fixed point turn from the highest to the lowest, an infinite
# score sorts behind all others. Conversions to 8 and 16 bits are right, as their limits are
# floats, and so no test of those shows it; nor does one on JAX.
#
# Versions: keras 3.15.1, tensorflow-cpu 2.21.0, jax 0.10.2, on x86-64.
# Expected: 2147483647 of int32 and 4294967295 of uint32, or the next float below, as by JAX and
#   by TensorFlow's own tf.saturate_cast.
# Seen: 3e9 and infinity are -2147483648 as int32, 5e9 is 0 as uint32, on TensorFlow and NumPy.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 tensorflow-cpu==2.21.0 jax==0.10.2
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
cat >saturate.py <<'PYTHON'
import keras
import numpy as np

values = np.array([-np.inf, -6e9, 300, 6e9, np.inf], "float32")
name = keras.backend.backend()
casts = {name: lambda x, dtype: keras.ops.convert_to_numpy(keras.ops.saturate_cast(x, dtype))}
if name == "tensorflow":
    import tensorflow as tf

    casts["TensorFlow's own"] = lambda x, dtype: tf.saturate_cast(x, dtype).numpy()
for who, cast in casts.items():
    for dtype in ("uint8", "int16", "int32", "uint32"):
        got, limits = cast(values, dtype).astype("int64").tolist(), np.iinfo(dtype)
        print(f"{who:16} {dtype:6} {got}")
        low, small, _, large, high = got
        assert low == small == limits.min
        if who in ("tensorflow", "numpy") and dtype.endswith("32"):
            assert large == high == limits.min
        else:
            assert large == high and limits.max - high <= 2**8 - 1
PYTHON
for backend in jax numpy tensorflow; do
  KERAS_BACKEND=$backend venv/bin/python saturate.py 2>log || { cat log; exit 1; }
done
echo "seen: what is too large for int32 becomes its smallest number"
