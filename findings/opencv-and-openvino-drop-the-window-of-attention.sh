#!/usr/bin/env bash
# ONNX's Attention has left_window_size and right_window_size since opset 25. OpenCV and
# OpenVINO read such a model without a word and attend to everything.
#
# Why it matters: local attention is told by these two numbers alone. The model loads, the
# shapes are right, and each position is a mean over all instead of over its neighbours: the
# longer the sequence, the flatter the maps. Both heed softcap and scale.
#
# Versions: opencv-python-headless 5.0.0.93, openvino 2026.4.1, onnx 1.23.2,
#   onnxruntime 1.32.0, numpy 2.3.5.
# Expected: the answers of softmax over the window, or a refusal.
# Seen: both give full attention, off by 1 to 2 where values are of about 1; the weight that
#   belongs to 1 neighbour on each side is spread over all 64 positions.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile opencv-python-headless==5.0.0.93 \
  openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import cv2
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import helper

shape = [1, 1, 64, 8]
random = np.random.default_rng(0)
given = {name: random.normal(size=shape).astype("float32") for name in "qkv"}
steps = np.arange(64) - np.arange(64)[:, None]


def defined(left, right):
    """Softmax of the scaled scores from `left` before to `right` behind, times values."""
    q, k, v = (value[0, 0].astype("float64") for value in given.values())
    powers = np.exp(q @ k.T / np.sqrt(8)) * ((steps >= -left) & (steps <= right))
    return (powers / powers.sum(1, keepdims=True) @ v)[None, None]


def answers(**window):
    graph = helper.make_graph(
        [helper.make_node("Attention", list("qkv"), ["answer"], **window)],
        "attention",
        [helper.make_tensor_value_info(name, 1, shape) for name in "qkv"],
        [helper.make_tensor_value_info("answer", 1, shape)],
    )
    versions = [helper.make_opsetid("", 25)]
    model = helper.make_model(graph, opset_imports=versions, ir_version=12)
    onnx.checker.check_model(model, full_check=True)
    file = model.SerializeToString()
    core = openvino.Core()
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(file, b""), "CPU", exact)
    net = cv2.dnn.readNetFromONNX(np.frombuffer(file, "uint8"))
    for name, value in given.items():
        net.setInput(value, name)
    return {
        "onnxruntime": onnxruntime.InferenceSession(file).run(None, given)[0],
        "openvino": compiled(given)[0],
        "opencv": net.forward(),
    }


full = defined(64, 64)
for name, answer in answers().items():
    assert np.allclose(answer, full, atol=1e-5), name
for left, right in ((1, 1), (8, 0), (4, 4)):
    window = defined(left, right)
    seen = answers(left_window_size=left, right_window_size=right)
    off = {name: float(np.abs(answer - window).max()) for name, answer in seen.items()}
    print(f"{left} before, {right} behind:", {name: round(far, 3) for name, far in off.items()})
    assert off["onnxruntime"] < 1e-5
    for name in ("openvino", "opencv"):
        assert off[name] > 0.5 and np.allclose(seen[name], full, atol=1e-5), name
print("seen: the window is dropped, every position attends to all")
PYTHON
