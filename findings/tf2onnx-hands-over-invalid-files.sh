#!/usr/bin/env bash
# tf2onnx returns a model although it couldn't convert an operator: it logs an error and
# leaves the operator in the file under a name that no ONNX runtime knows.
#
# Why it matters: the exact GELU (the one of ViT, ConvNeXt, and Keras's default) is such a
# case with TensorFlow 2.21, where it uses Erfc; so is tf.image.resize with antialias. A
# release script that converts and copies succeeds, and the server fails to load.
#
# Versions: tensorflow-cpu 2.21.0, tf2onnx 1.17.0, onnx 1.23.2, onnxruntime 1.32.0.
# Expected: an exception at the conversion.
# Seen: a file for all three; onnxruntime refuses the first two as INVALID_GRAPH. The
#   approximate GELU (tanh) loads and agrees.
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

image = np.random.default_rng(0).normal(size=(1, 8, 8, 1)).astype("float32")
functions = {
    "exact GELU": lambda x: tf.nn.gelu(x, approximate=False),
    "antialiased resize": lambda x: tf.image.resize(x, (5, 5), antialias=True),
    "tanh GELU": lambda x: tf.nn.gelu(x, approximate=True),
}
loads = {}
for name, function in functions.items():
    spec = [tf.TensorSpec(image.shape, tf.float32, name="x")]
    model, _ = tf2onnx.convert.from_function(tf.function(function), spec, opset=18)
    assert len(model.SerializeToString()) > 100, "a file is handed over"
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString())
    except Exception as error:
        loads[name] = type(error).__name__
    else:
        answer = session.run(None, {"x": image})[0]
        loads[name] = bool(np.allclose(answer, function(image), atol=1e-5))
    print(f"{name:18} converted; loads:", loads[name])
# exact GELU         converted; loads: InvalidGraph
# antialiased resize converted; loads: InvalidGraph
# tanh GELU          converted; loads: True
assert loads["exact GELU"] == loads["antialiased resize"] == "InvalidGraph"
assert loads["tanh GELU"] is True
print("seen: the conversion hands over files that don't load")
PYTHON
