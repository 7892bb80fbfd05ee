#!/usr/bin/env bash
# onnxslim folds the factor behind Gemm and Reshape into the weights of the Gemm, whoever
# else reads what the Gemm gives. The other readers get the scaled values.
#
# Why it matters: a projection that is reshaped into heads and scaled by 1/sqrt(d) is how
# attention begins. If it feeds anything else, a gate, a residual or a second head, that
# part of the model is quietly scaled as well. As an output of the model the projection is
# spared, so that looking at it shows nothing.
#
# Versions: onnxslim 0.1.98, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.3.5.
# Expected: two outputs, the scaled heads and a gate of the unscaled projection, unchanged.
# Seen: the heads are right, the gate is an eighth of itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile onnxslim==0.1.98 onnx==1.23.2 \
  onnxruntime==1.32.0 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import onnx
import onnxruntime
import onnxslim
from onnx.helper import make_node, make_tensor_value_info

random = np.random.default_rng(0)
tokens = random.normal(size=(4, 8)).astype("float32")
constants = {
    "weights": random.normal(size=(64, 8)).astype("float32"),
    "bias": random.normal(size=64).astype("float32"),
    "shape": np.array([1, 4, 64]),
    "scale": np.array(0.125, "float32"),
}


def run(model):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"tokens": tokens})


def attention(second, *nodes):
    graph = onnx.helper.make_graph(
        [
            make_node("Gemm", ["tokens", "weights", "bias"], ["query"], transB=1),
            make_node("Reshape", ["query", "shape"], ["heads"]),
            make_node("Mul", ["heads", "scale"], ["scaled"]),
            *nodes,
        ],
        "attention",
        [make_tensor_value_info("tokens", 1, [4, 8])],
        [
            make_tensor_value_info("scaled", 1, [1, 4, 64]),
            make_tensor_value_info(second, 1, [4, 64]),
        ],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    versions = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=versions, ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


ratios = {}
for second, nodes in (
    ("gate", [make_node("Relu", ["query"], ["gate"])]),
    ("query", []),
):
    model = attention(second, *nodes)
    slim = onnxslim.slim(model)
    (heads, other), (slim_heads, slim_other) = run(model), run(slim)
    assert np.allclose(heads, slim_heads, atol=1e-5)
    used = other != 0
    ratios[second] = slim_other[used] / other[used]
    operations = [node.op_type for node in slim.graph.node]
    print(f"{second:5} after slimming: {ratios[second].mean():.3f} of itself", operations)
assert np.allclose(ratios["gate"], 0.125, atol=1e-3)
assert np.allclose(ratios["query"], 1, atol=1e-3)
print("seen: what is scaled for one reader is scaled for all")
PYTHON
