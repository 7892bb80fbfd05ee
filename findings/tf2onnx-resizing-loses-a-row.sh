#!/usr/bin/env bash
# tf2onnx writes tf.image.resize as a factor in float32, of which the size is made again
# by rounding down: images come out a row and a column smaller than TensorFlow makes them.
#
# Why it matters: the sizes are constants of the graph, yet some pairs of them are hit and
# others aren't. A model whose next layer takes any size (convolutions, global pooling)
# answers from the smaller image without a word. Where converter and runtime round to
# different sizes the file fails at its first request, not while it is converted.
#
# Versions: tensorflow-cpu 2.21.0, tf2onnx 1.17.0, onnx 1.23.2, onnxruntime 1.32.0.
# Expected: 11x11 resized to 13x13 is 13x13, 96x96 to 71x71 is 71x71, by any method.
# Seen: 12x12 by bilinear, bicubic and nearest; and an error at 96 to 71.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile tensorflow-cpu==2.21.0 \
  tf2onnx==1.17.0 onnx==1.23.2 onnxruntime==1.32.0
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>"$folder/log" <<'PYTHON' || { tail -5 "$folder/log"; exit 1; }
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx


def sizes(method, before, after):
    """The side that TensorFlow makes of an image, and that ONNX Runtime makes of it."""

    @tf.function(input_signature=[tf.TensorSpec((1, before, before, 1))])
    def resized(images):
        return tf.image.resize(images, (after, after), method=method)

    model, _ = tf2onnx.convert.from_function(
        resized, input_signature=resized.input_signature, opset=18
    )
    session = onnxruntime.InferenceSession(model.SerializeToString())
    images = np.zeros((1, before, before, 1), "float32")
    (found,) = session.run(None, {session.get_inputs()[0].name: images})
    return resized(images).shape[1], found.shape[1]


for method in ("bilinear", "bicubic", "nearest"):
    seen = sizes(method, 11, 13)
    print(method, "11 to 13: TensorFlow", seen[0], "ONNX Runtime", seen[1])
    assert seen == (13, 12)
try:
    print("96 to 71:", sizes("bilinear", 96, 71))
except onnxruntime.capi.onnxruntime_pybind11_state.Fail as error:
    print("96 to 71: an error,", str(error).split("Input shape")[1])
else:
    raise SystemExit("no error any more")
print("seen: images are a row and a column short")
PYTHON
