#!/usr/bin/env bash
# OpenCV's DNN module reads auto_pad=SAME_LOWER in an ONNX file as SAME_UPPER: of an odd
# padding the larger half goes to the end instead of the beginning.
#
# Why it matters: features and maps lie one step beside those of the trained model, after a
# few such layers several; classes change a little, boxes and attention maps move.
# Convolutions and pools with even kernels or strides are concerned.
#
# Versions: opencv 5.0.0.93, onnx 1.23.2, onnxruntime 1.32.0, openvino 2026.4.1, numpy 2.3.5.
# Expected: a kernel of two sees the pixel itself and the one before it.
# Seen: of 0, 1, 2, 3 max pooling makes 0, 1, 2, 3 by ONNX Runtime and OpenVINO and 1, 2, 3, 3
#   by OpenCV, the answer of SAME_UPPER; likewise AveragePool and Conv.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile openvino==2026.4.1 onnx==1.23.2 \
  onnxruntime==1.32.0 opencv-python-headless==5.0.0.93 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import cv2
import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, checker, helper, numpy_helper

shape = [1, 1, 4, 4]
image = np.tile(np.arange(4, dtype="float32"), (4, 1))[None, None]
kernel = np.full((1, 1, 2, 2), 0.25, "float32")


def answers(kind, padding):
    """The last row by each of the three."""
    inputs, weights = ["x"], []
    settings = {"auto_pad": padding, "kernel_shape": [2, 2]}
    if kind == "Conv":
        inputs, weights = ["x", "kernel"], [numpy_helper.from_array(kernel, "kernel")]
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, ["y"], **settings)],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        weights,
    )
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    checker.check_model(model, full_check=True)
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(content), "CPU")
    net = cv2.dnn.readNetFromONNX(np.frombuffer(content, "uint8"))
    net.setInput(image)
    found = {
        "onnxruntime": session.run(None, {"x": image})[0],
        "openvino": compiled([image])[0],
        "opencv": net.forward(),
    }
    return {name: np.round(values, 2)[0, 0] for name, values in found.items()}


for kind in ("MaxPool", "AveragePool", "Conv"):
    upper, lower = (answers(kind, f"SAME_{side}") for side in ("UPPER", "LOWER"))
    for name, values in lower.items():
        print(f"{kind:11} SAME_LOWER by {name:11}", values[1])
    np.testing.assert_array_equal(lower["onnxruntime"], lower["openvino"])
    assert not np.array_equal(lower["onnxruntime"], upper["onnxruntime"])
    for values in (*upper.values(), lower["opencv"]):
        np.testing.assert_array_equal(values, upper["onnxruntime"])
print("seen: SAME_LOWER is SAME_UPPER")
PYTHON
