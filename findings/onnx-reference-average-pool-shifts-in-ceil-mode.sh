#!/usr/bin/env bash
# ONNX's reference evaluator, AveragePool with ceil_mode=1: where the last window needs two or
# more elements beyond the end, it lays half of them before the beginning. All windows move.
#
# Why it matters: the reference evaluator is what a converter's or a runtime's output is
# checked against. Here it is the one that is wrong, with no padding asked for: each average
# is one of other elements. MaxPool, right in the same case, hides it.
#
# Versions: onnx 1.23.2, onnxruntime 1.32.0, openvino 2026.4.1, numpy 2.3.5.
# Expected: of 1 to 7 in windows of three 2, 5 and, the last window being cut off, 7.
# Seen: that by ONNX Runtime and OpenVINO, 1.5, 4 and 6 by the reference evaluator. With 8
#   elements, of which the last window lacks one only, the three agree.
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
from onnx import TensorProto, checker, helper
from onnx.reference import ReferenceEvaluator


def pools(kind, size, window):
    """Pools of 1 to size by each of the three."""
    x = np.arange(1, size + 1, dtype="float32")[None, None]
    settings = dict(kernel_shape=[window], strides=[window], ceil_mode=1)
    outputs = [1, 1, -(-size // window)]
    graph = helper.make_graph(
        [helper.make_node(kind, ["x"], ["y"], **settings)],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, outputs)],
    )
    opset = helper.make_opsetid("", 19)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=9)
    checker.check_model(model, full_check=True)
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(content), "CPU")
    found = {
        "reference": ReferenceEvaluator(model).run(None, {"x": x})[0],
        "onnxruntime": session.run(None, {"x": x})[0],
        "openvino": compiled([x])[0],
    }
    print(f"{kind} of 1 to {size} by {window}:", end=" ")
    print({name: values.ravel().tolist() for name, values in found.items()})
    return {name: values.ravel().tolist() for name, values in found.items()}


agreed = pools("AveragePool", 8, 3)
assert agreed["reference"] == agreed["onnxruntime"] == agreed["openvino"]
agreed = pools("MaxPool", 7, 3)
assert agreed["reference"] == agreed["onnxruntime"] == agreed["openvino"]
for size, window, truth, seen in (
    (7, 3, [2, 5, 7], [1.5, 4, 6]),
    (10, 4, [2.5, 6.5, 9.5], [2, 5.5, 8.5]),
):
    found = pools("AveragePool", size, window)
    assert found["onnxruntime"] == found["openvino"] == truth
    assert found["reference"] == seen
print("seen: the reference's average pool is shifted")
PYTHON
