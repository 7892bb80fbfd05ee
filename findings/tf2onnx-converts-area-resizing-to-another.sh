#!/usr/bin/env bash
# tf2onnx converts tf.image.resize(method="area") to an operator that computes something
# else: downsizing picks single pixels where TensorFlow averages.
#
# Why it matters: "area" is the usual choice for shrinking photos and attention maps before
# a model. The conversion succeeds, the file is valid, and the served network gets an
# aliased picture. Bilinear and nearest convert exactly at these sizes.
#
# Versions: tensorflow-cpu 2.21.0, tf2onnx 1.17.0, onnx 1.23.2, onnxruntime 1.32.0.
# Expected: the same pixels to rounding, or a refusal.
# Seen: up to 0.67 apart on an image in [0, 1] for 8 -> 5; a checkerboard shrunk by
#   two should be 0.5 everywhere, and isn't. Enlarging to a multiple is exact.
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


def both(image, size, method):
    def resize(x):
        return tf.image.resize(x, size, method)

    spec = [tf.TensorSpec(image.shape, tf.float32, name="x")]
    model, _ = tf2onnx.convert.from_function(tf.function(resize), spec, opset=18)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return resize(image).numpy(), session.run(None, {"x": image})[0]


image = np.random.default_rng(0).random((1, 8, 8, 1)).astype("float32")
apart = {}
for method in ("nearest", "bilinear", "area"):
    for size in ((4, 4), (5, 5), (16, 16)):
        reference, converted = both(image, size, method)
        apart[method, size] = float(np.abs(reference - converted).max())
        print(f"{method:9}8x8 -> {size[0]}x{size[1]}: {apart[method, size]:.3f} apart")
board = (np.indices((8, 8)).sum(0) % 2).reshape(1, 8, 8, 1).astype("float32")
reference, converted = both(board, (4, 4), "area")
print("checkerboard shrunk by two:", set(reference.flat), set(converted.flat))
assert all(value < 1e-6 for (method, _), value in apart.items() if method != "area")
assert apart["area", (5, 5)] > 0.3
assert set(reference.ravel()) == {0.5} and set(converted.ravel()) != {0.5}
print("seen: area resizing converts to another resizing")
PYTHON
