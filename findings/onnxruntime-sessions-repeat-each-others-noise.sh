#!/usr/bin/env bash
# Each ONNX Runtime session of a process starts its unseeded random nodes at the same state:
# the second session repeats the draws of the first.
#
# Why it matters: Monte Carlo answers from a pool of sessions, one for each thread, are the
# same answers several times. Their spread, taken for the uncertainty, is 0, and an average
# over eight of them is as noisy as one. The standard says of a missing seed that one is
# made; here it is made once per process, so that a new process draws otherwise.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.3.5.
# Expected: eight sessions give eight different draws.
# Seen: one draw eight times, for normal and uniform noise and Bernoulli masks. Eight runs of
#   one session differ, and so do eight sessions with dropout in training mode.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile onnx==1.23.2 onnxruntime==1.32.0 \
  numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import onnx
import onnxruntime
from onnx.helper import make_node, make_tensor_value_info

rates = np.full((32, 32), 0.5, "float32")
constants = {"rate": np.array(0.5, "float32"), "training": np.array(True)}
for operation in ("RandomNormalLike", "RandomUniformLike", "Bernoulli", "Dropout"):
    extra = list(constants) if operation == "Dropout" else []
    graph = onnx.helper.make_graph(
        [make_node(operation, ["rates", *extra], ["drawn"])],
        "noise",
        [make_tensor_value_info("rates", 1, [32, 32])],
        [make_tensor_value_info("drawn", 1, [32, 32])],
        [onnx.numpy_helper.from_array(constants[name], name) for name in extra],
    )
    versions = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=versions, ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    sessions = [onnxruntime.InferenceSession(data) for _ in range(8)]

    def different(draws):
        return len({draw.tobytes() for draw in draws})

    each = different([session.run(None, {"rates": rates})[0] for session in sessions])
    one = different([sessions[0].run(None, {"rates": rates})[0] for _ in range(8)])
    print(f"{operation:17} {each} different draws of 8 sessions, {one} of 8 runs of one")
    assert (each, one) == (8 if operation == "Dropout" else 1, 8)
print("seen: sessions of a process draw the same")
PYTHON
