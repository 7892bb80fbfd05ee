#!/usr/bin/env bash
# keras.ops.quantile on TensorFlow: of the eleven numbers 0 to 10 the 0.1-quantile is 1 by
# every method, as it lies on one of them. method="higher" gives 2, "midpoint" 1.5; of the
# 0.7-quantile "lower" gives 6. The position, 0.1 * 10, is worked out in float32, where it
# is 1.0000000149, and then rounded up.
#
# Why it matters: "higher" and "lower" are asked for where the threshold must be a value
# that is there, as when a map is cut at a quantile, or a conformal set is calibrated,
# whose guarantee is that of one exact rank. On TensorFlow the rank is one off, for some
# quantiles and not for others, and the same code on JAX is right.
#
# Versions: keras 3.15.1 on tensorflow-cpu 2.21.0, jax 0.10.2; numpy 2.4.6.
# Expected: what numpy.quantile gives, as on JAX.
# Seen on TensorFlow, at 0.1, 0.2, 0.3, 0.6, 0.7, 0.9: lower 1 2 3 6 6 8, higher
#   2 3 4 7 7 9, midpoint 1.5 2.5 3.5 6.5 6.5 8.5; linear and nearest are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 tensorflow-cpu==2.21.0 \
  jax==0.10.2 numpy==2.4.6
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
cat >quantiles.py <<'PYTHON'
import keras
import numpy as np

values = np.arange(11, dtype="float32")
at = (0.1, 0.2, 0.3, 0.6, 0.7, 0.9)
wrong = {}
for method in ("linear", "nearest", "lower", "higher", "midpoint"):
    found = [float(keras.ops.quantile(values, q, method=method)) for q in at]
    print(f"{keras.backend.backend():10} {method:9}", *found)
    if found != [float(np.quantile(values, q, method=method)) for q in at]:
        wrong[method] = found
assert wrong == (
    {}
    if keras.backend.backend() == "jax"
    else {
        "lower": [1, 2, 3, 6, 6, 8],
        "higher": [2, 3, 4, 7, 7, 9],
        "midpoint": [1.5, 2.5, 3.5, 6.5, 6.5, 8.5],
    }
)
PYTHON
for backend in jax tensorflow; do
  KERAS_BACKEND=$backend venv/bin/python quantiles.py 2>log || { cat log; exit 1; }
done
echo "seen: a value that is there is stepped past"
