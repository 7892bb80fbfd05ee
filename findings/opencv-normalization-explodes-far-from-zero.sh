#!/usr/bin/env bash
# OpenCV's new DNN engine takes a variance as the mean of squares less the square of the
# mean, in float32. LayerNormalization and InstanceNormalization of values that lie far from
# zero compared with their spread come out wrong, up to several hundred times too large.
#
# Why it matters: normalization is what takes away an offset. A feature map with a large
# common part, as a bias or a residual stream leaves behind, gets through ONNX Runtime,
# OpenVINO and Keras unharmed, and here it blows up, without NaN or message.
#
# Versions: opencv 5.0.0.93, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.3.5.
# Expected: about the same normalized values at any offset, none beyond 4.
# Seen: right to 0.01 at an offset of 100; off by up to 0.7 at 1,000 and by about 1,000 at
#   10,000. By ONNX Runtime the error stays below 0.002.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile onnx==1.23.2 onnxruntime==1.32.0 \
  opencv-python-headless==5.0.0.93 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import cv2
import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper, numpy_helper

LAYERS = {
    "LayerNormalization": ([16, 64], 64, {"axis": -1}),
    "InstanceNormalization": ([1, 16, 8, 8], 16, {}),
}
noise = np.random.default_rng(0).normal(size=(16, 64))


def normalize(kind):
    """An ONNX file of one normalization, and the shape it takes."""
    shape, size, settings = LAYERS[kind]
    node = helper.make_node(
        kind, ["x", "scale", "bias"], ["y"], epsilon=1e-5, **settings
    )
    graph = helper.make_graph(
        [node],
        "normalize",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [
            numpy_helper.from_array(np.ones(size, "float32"), "scale"),
            numpy_helper.from_array(np.zeros(size, "float32"), "bias"),
        ],
    )
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    checker.check_model(model, full_check=True)
    return model.SerializeToString(), shape


for kind in LAYERS:
    content, shape = normalize(kind)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    net = cv2.dnn.readNetFromONNX(np.frombuffer(content, "uint8"))
    for offset in (0, 100, 1000, 10000):
        x = (noise + offset).astype("float32")
        exact = x.astype("float64")
        exact = exact - exact.mean(axis=1, keepdims=True)
        exact /= np.sqrt(exact.var(axis=1, keepdims=True) + 1e-5)
        net.setInput(x.reshape(shape))
        answers = {
            "onnxruntime": session.run(None, {"x": x.reshape(shape)})[0],
            "opencv": net.forward(),
        }
        error = {
            name: float(np.abs(values.reshape(16, 64) - exact).max())
            for name, values in answers.items()
        }
        print(f"{kind} at {offset:5}: largest error by", end=" ")
        print(", ".join(f"{name} {value:.5f}" for name, value in error.items()))
        assert error["onnxruntime"] < 0.01
        if offset <= 100:
            assert error["opencv"] < 0.05
        if offset == 10000:
            assert error["opencv"] > 100
print("seen: OpenCV's normalization explodes far from zero")
PYTHON
