#!/usr/bin/env bash
# onnxslim removes each Dropout, also one whose training_mode is true. A Monte Carlo dropout
# model becomes a plain one.
#
# Why it matters: dropout that stays on at serving is how such a model tells its uncertainty,
# as the spread of many answers. Slimmed, all answers are equal, and the model seems to be
# certain of everything. onnxoptimizer leaves the same node alone.
#
# Versions: onnxslim 0.1.98, onnxoptimizer 0.4.2, onnx 1.23.2, onnxruntime 1.32.0,
#   numpy 2.3.5.
# Expected: half of the features is dropped, each time others.
# Seen: after onnxslim none is, and 20 answers are the same one; their standard deviation
#   was about the features' mean.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile onnxslim==0.1.98 onnxoptimizer==0.4.2 \
  onnx==1.23.2 onnxruntime==1.32.0 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import onnx
import onnxoptimizer
import onnxruntime
import onnxslim
from onnx.helper import make_node, make_tensor_value_info

features = np.full((64, 64), 3, "float32")
graph = onnx.helper.make_graph(
    [
        make_node("Dropout", ["features", "ratio", "training"], ["dropped"]),
        make_node("Relu", ["dropped"], ["answer"]),
    ],
    "monte-carlo",
    [make_tensor_value_info("features", 1, [64, 64])],
    [make_tensor_value_info("answer", 1, [64, 64])],
    [
        onnx.numpy_helper.from_array(np.array(0.5, "float32"), "ratio"),
        onnx.numpy_helper.from_array(np.array(True), "training"),
    ],
)
versions = [onnx.helper.make_opsetid("", 17)]
model = onnx.helper.make_model(graph, opset_imports=versions, ir_version=9)
onnx.checker.check_model(model, full_check=True)

found = {}
for name, made in (
    ("as made", model),
    ("onnxoptimizer", onnxoptimizer.optimize(model)),
    ("onnxslim", onnxslim.slim(model)),
):
    session = onnxruntime.InferenceSession(made.SerializeToString())
    answers = [session.run(None, {"features": features})[0] for _ in range(20)]
    dropped, spread = np.mean(np.equal(answers, 0)), np.std(answers, axis=0).mean()
    found[name] = dropped, spread
    operations = [node.op_type for node in made.graph.node]
    print(f"{name:13} {dropped:.0%} dropped, spread {spread:.2f}", operations)
for name in ("as made", "onnxoptimizer"):
    dropped, spread = found[name]
    assert 0.45 < dropped < 0.55 and 2.5 < spread < 3.5
assert found["onnxslim"] == (0, 0)
print("seen: dropout in training mode is removed")
PYTHON
