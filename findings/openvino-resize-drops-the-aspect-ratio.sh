#!/usr/bin/env bash
# OpenVINO reads an ONNX Resize with keep_aspect_ratio_policy and resizes to the sizes as they
# stand: the image is squeezed or stretched.
#
# Why it matters: "not_larger" and "not_smaller" are how letterboxing and resizing by the
# shorter side are written into an ONNX file. The policy is lost without a message, the
# output has another shape than by other runtimes, and where a pad or a crop to a fixed
# size follows, the model sees squeezed images.
#
# Versions: openvino 2026.4.1, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.3.5.
# Expected: an image of 4x8 fitted into 16x16 is 8x16, one that covers it 16x32.
# Seen: that by ONNX Runtime and ONNX's reference; 16x16 in both cases by OpenVINO, its
#   square no longer a square.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile openvino==2026.4.1 onnx==1.23.2 \
  onnxruntime==1.32.0 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, checker, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

image = np.zeros((1, 1, 4, 8), "float32")
image[0, 0, 1:3, 3:5] = 1  # a square


def side(values):
    """Height and width of the square, in pixels."""
    inside = values[0, 0] > 0.5
    return int(inside.any(axis=1).sum()), int(inside.any(axis=0).sum())


def answers(policy):
    node = helper.make_node(
        "Resize",
        ["image", "", "", "sizes"],
        ["fitted"],
        mode="nearest",
        axes=[2, 3],
        keep_aspect_ratio_policy=policy,
    )
    graph = helper.make_graph(
        [node],
        "fit",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, image.shape)],
        [helper.make_tensor_value_info("fitted", TensorProto.FLOAT, [1, 1, "h", "w"])],
        [numpy_helper.from_array(np.array([16, 16]), "sizes")],
    )
    opset = helper.make_opsetid("", 18)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    checker.check_model(model, full_check=True)
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(content), "CPU")
    found = {
        "reference": ReferenceEvaluator(model).run(None, {"image": image})[0],
        "onnxruntime": session.run(None, {"image": image})[0],
        "openvino": compiled([image])[0],
    }
    return {name: (values.shape[2:], side(values)) for name, values in found.items()}


for policy, shape in (("not_larger", (8, 16)), ("not_smaller", (16, 32))):
    found = answers(policy)
    for name, (size, square) in found.items():
        print(f"{policy:11} by {name:11}: {size}, the square is {square}")
    square = (shape[0] // 2, shape[0] // 2)
    assert found["reference"] == found["onnxruntime"] == (shape, square)
    assert found["openvino"] == ((16, 16), (8, 4))
print("seen: OpenVINO squeezes the image")
PYTHON
