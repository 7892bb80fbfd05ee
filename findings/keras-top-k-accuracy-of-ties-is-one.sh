#!/usr/bin/env bash
# Keras's top-k accuracies count a class as found if fewer than k are strictly more
# probable: of a model that answers the same for every class, top-1 is 100%.
#
# Why it matters: a collapsed model shows the best figure there is. And a sure model in
# half precision has many classes at exactly 0, all of them tied: each of its errors
# counts as right in the top 5. `CategoricalAccuracy` takes the first of the largest
# instead, so that two metrics of the same k = 1 answer 100% and 1%.
#
# Versions: keras 3.15.1 on jax 0.10.2 and tensorflow-cpu 2.21.0.
# Expected: about 1% in the top 1 of answers that say nothing, 5% in the top 5.
# Seen: 100% of both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2 tensorflow-cpu==2.21.0
cat >"$folder/ties.py" <<'PYTHON'
import keras
import numpy as np

classes = np.arange(100)
flat = np.full((100, 100), 0.01, "float32")
logits = keras.ops.cast(np.eye(100)[np.zeros(100, int)] * 20, "float16")
sure = keras.ops.cast(keras.ops.softmax(logits), "float32")
metrics = keras.metrics
top1 = float(metrics.SparseTopKCategoricalAccuracy(k=1)(classes, flat))
first = float(metrics.SparseCategoricalAccuracy()(classes, flat))
top5 = float(metrics.SparseTopKCategoricalAccuracy(k=5)(classes, sure))
print(keras.backend.backend(), "flat answer: top-1", top1, "accuracy", round(first, 2))
print(keras.backend.backend(), "always class 0, logit 20, float16: top-5", top5)
assert (top1, round(first, 2), top5) == (1.0, 0.01, 1.0)
PYTHON
for backend in jax tensorflow; do
  KERAS_BACKEND=$backend TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" "$folder/ties.py" 2>"$folder/log" || { tail -3 "$folder/log"; exit 1; }
done
echo "seen: ties count as found, in every metric of the top k"
