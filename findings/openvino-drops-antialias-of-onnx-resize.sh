#!/usr/bin/env bash
# OpenVINO reads an ONNX Resize with antialias=1, linear or cubic, and resizes without.
#
# Why it matters: this is how preprocessing with antialiasing (Keras's Resizing, tf.image,
# jax.image, torchvision) becomes part of an ONNX file. Of a photo made an eighth as large
# most pixels are then never looked at: fine texture turns into wrong shapes, the model sees
# other images than in training and answers otherwise, without a message.
#
# Versions: openvino 2026.4.1, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.3.5.
# Expected: grey from stripes of black and white, as by ONNX's reference and ONNX Runtime.
# Seen: 0.41 to 0.53 by those two, 0 to 1 by OpenVINO, the very numbers of antialias=0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, checker, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

columns = np.arange(64) // 3 % 2  # stripes, three pixels wide
image = np.tile(columns, (64, 1))[None, None].astype("float32")


def resize(mode, antialias):
    node = helper.make_node(
        "Resize", ["image", "", "", "sizes"], ["small"], mode=mode, antialias=antialias
    )
    graph = helper.make_graph(
        [node],
        "resize",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 64, 64])],
        [helper.make_tensor_value_info("small", TensorProto.FLOAT, [1, 1, 8, 8])],
        [numpy_helper.from_array(np.array([1, 1, 8, 8]), "sizes")],
    )
    opset = helper.make_opsetid("", 18)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=9)
    checker.check_model(model, full_check=True)
    return model


def answers(model):
    """Row 0 by each of the three."""
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(
        content, providers=["CPUExecutionProvider"]
    )
    core = openvino.Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(content), "CPU", settings)
    found = {
        "reference": ReferenceEvaluator(model).run(None, {"image": image})[0],
        "onnxruntime": session.run(None, {"image": image})[0],
        "openvino": compiled([image])[0],
    }
    return {name: np.array(values)[0, 0, 0] for name, values in found.items()}


for mode in ("linear", "cubic"):
    smooth, plain = (answers(resize(mode, antialias)) for antialias in (1, 0))
    for name, row in smooth.items():
        print(f"{mode:6} antialias=1, {name:11}", row.round(2))
    np.testing.assert_allclose(smooth["onnxruntime"], smooth["reference"], atol=1e-4)
    assert np.ptp(smooth["onnxruntime"]) < 0.4
    np.testing.assert_allclose(smooth["openvino"], plain["openvino"], atol=1e-4)
    np.testing.assert_allclose(plain["onnxruntime"], plain["openvino"], atol=1e-4)
    assert np.ptp(smooth["openvino"]) > 0.9
print("seen: OpenVINO resizes without antialiasing")
PYTHON
