#!/usr/bin/env bash
# Up to opset 12 ONNX's Softmax(axis=1) normalizes over all axes from 1 on. OpenVINO does so
# up to opset 10; in opset 11 and 12 it takes axis 1 alone, as OpenCV does in all of them.
#
# Why it matters: over a map of [batch, 1, height, width] this is spatial attention, one
# weight a position. OpenVINO and OpenCV make each of them 1, so the pooled features are
# many times too large, and the map shows nothing. Both read the file without a message,
# and with opset 13, where the same node means another thing, they are right.
#
# Versions: openvino 2026.4.1, opencv 5.0.0.93, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.3.5.
# Expected: weights that add up to 1, as by ONNX Runtime, as the standard says: "coerced into
#   2-D".
# Seen: the weights of 3x4 positions add up to 1 by ONNX Runtime; by OpenVINO to 1 in opset
#   10, to 12 in opset 11 and 12; by OpenCV to 12 in all of them.
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
from onnx import TensorProto, checker, helper

shape = [1, 1, 3, 4]
scores = np.random.default_rng(0).normal(size=shape).astype("float32")


def attention(opset):
    graph = helper.make_graph(
        [helper.make_node("Softmax", ["scores"], ["weights"], axis=1)],
        "attention",
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("weights", TensorProto.FLOAT, shape)],
    )
    versions = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=versions, ir_version=5)
    checker.check_model(model, full_check=True)
    return model.SerializeToString()


def sums(opset):
    """The sum of all weights by each of the three."""
    content = attention(opset)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(content), "CPU")
    net = cv2.dnn.readNetFromONNX(np.frombuffer(content, "uint8"))
    net.setInput(scores)
    weights = {
        "onnxruntime": session.run(None, {"scores": scores})[0],
        "openvino": compiled([scores])[0],
        "opencv": net.forward(),
    }
    return {name: round(float(np.sum(found)), 3) for name, found in weights.items()}


found = {opset: sums(opset) for opset in (10, 11, 12, 13)}
for opset, by in found.items():
    print("opset", opset, by)
for opset in (11, 12):
    assert found[opset] == {"onnxruntime": 1, "openvino": 12, "opencv": 12}
assert found[10] == {"onnxruntime": 1, "openvino": 1, "opencv": 12}
assert set(found[13].values()) == {12}
print("seen: attention of opset 11 and 12 is one everywhere")
PYTHON
