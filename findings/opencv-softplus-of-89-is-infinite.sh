#!/usr/bin/env bash
# OpenCV's DNN module works out Softplus as log(1 + exp(x)) and ReduceLogSumExp as
# log(sum(exp(x))), as written: from 89 on exp leaves float32 and the answer is infinite.
#
# Why it matters: softplus of 89 is 89. One large activation, with no trouble in training or
# in other runtimes, makes the answer infinite here, and NaN once it is normalized. The sums
# of exponentials are how one writes energy scores and soft attention by hand.
#
# Versions: opencv 5.0.0.93, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.3.5.
# Expected: softplus(100) = 100, log(exp(100) + exp(100)) = 100.69; OpenCV's own Mish, that
#   contains a softplus, and Softmax are right there.
# Seen: both are right up to 88 and infinite from 89 on; so is LogSumExp of -200 and -200
#   at the other end, -infinity instead of -199.31.
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
from onnx import TensorProto, checker, helper

OUTPUTS = {"Softplus": [1, 2], "Mish": [1, 2], "ReduceLogSumExp": [1, 1]}


def answers(kind, value):
    """The first number by ONNX Runtime and by OpenCV, of two times the value."""
    graph = helper.make_graph(
        [helper.make_node(kind, ["x"], ["y"])],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, OUTPUTS[kind])],
    )
    opset = helper.make_opsetid("", 18)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    checker.check_model(model, full_check=True)
    content = model.SerializeToString()
    x = np.full((1, 2), value, "float32")
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    net = cv2.dnn.readNetFromONNX(np.frombuffer(content, "uint8"))
    net.setInput(x)
    found = session.run(None, {"x": x})[0], net.forward()
    return [round(float(np.ravel(values)[0]), 2) for values in found]


for value, kind in ((88, "Softplus"), (100, "Mish"), (88, "ReduceLogSumExp")):
    by_onnxruntime, by_opencv = answers(kind, value)
    print(f"{kind} of {value}: {by_onnxruntime} and {by_opencv} by OpenCV")
    assert by_onnxruntime == by_opencv
for value, kind, truth, seen in (
    (89, "Softplus", 89, np.inf),
    (89, "ReduceLogSumExp", 89.69, np.inf),
    (-200, "ReduceLogSumExp", -199.31, -np.inf),
):
    by_onnxruntime, by_opencv = answers(kind, value)
    print(f"{kind} of {value}: {by_onnxruntime} and {by_opencv} by OpenCV")
    assert by_onnxruntime == truth and by_opencv == seen
print("seen: softplus and LogSumExp overflow")
PYTHON
