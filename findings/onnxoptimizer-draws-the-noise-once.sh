#!/usr/bin/env bash
# onnxoptimizer and onnxslim take two random nodes with the same input for the same thing
# and keep one. Two independent draws become one.
#
# Why it matters: without a seed the standard has each node draw its own. Noise added at two
# places, two stochastic masks or two Monte Carlo paths over one tensor are one and the same
# after "optimization": what should average out adds up, and the difference of two draws is
# exactly 0. An uncertainty taken from the two paths is 0 for any image.
#
# Versions: onnxoptimizer 0.4.2 with its fuse and eliminate passes, onnxslim 0.1.98, onnx
#   1.23.2, onnxruntime 1.32.0, numpy 2.3.5.
# Expected: a difference of two draws of N(0, 1) has the standard deviation 1.41.
# Seen: 0 after either; two of three nodes are left. The same for uniform noise.
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

images = np.random.default_rng(0).uniform(0.4, 0.6, (64, 64)).astype("float32")
versions = [onnx.helper.make_opsetid("", 17)]
expected = {"RandomNormalLike": 1.414, "RandomUniformLike": 0.408}
for operation, true in expected.items():
    graph = onnx.helper.make_graph(
        [
            make_node(operation, ["images"], ["first"]),
            make_node(operation, ["images"], ["second"]),
            make_node("Sub", ["first", "second"], ["difference"]),
        ],
        "noise",
        [make_tensor_value_info("images", 1, [64, 64])],
        [make_tensor_value_info("difference", 1, [64, 64])],
    )
    model = onnx.helper.make_model(graph, opset_imports=versions, ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    passes = onnxoptimizer.get_fuse_and_elimination_passes()
    deviations = {}
    for name, made in (
        ("as made", model),
        ("onnxoptimizer", onnxoptimizer.optimize(model, passes)),
        ("onnxslim", onnxslim.slim(model)),
    ):
        session = onnxruntime.InferenceSession(made.SerializeToString())
        draws = [session.run(None, {"images": images})[0] for _ in range(8)]
        deviations[name] = float(np.std(draws))
        nodes = len(made.graph.node)
        print(f"{operation:17} {name:13} {nodes} nodes, deviation {deviations[name]:.2f}")
    assert abs(deviations["as made"] - true) < 0.03
    assert deviations["onnxoptimizer"] == deviations["onnxslim"] == 0
print("seen: two draws become one")
PYTHON
