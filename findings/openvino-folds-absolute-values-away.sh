#!/usr/bin/env bash
# OpenVINO computes constant parts of a model when it compiles it. The absolute value of a
# computed constant with a single axis is left out there: |-3| is -3.
#
# Why it matters: distances to a middle, tent and Laplace windows and penalties of distance
# are |position - middle|, which exporters leave in the graph as Range, Sub and Abs. Their
# left half has the wrong sign: a window that falls to both sides rises to the left, and an
# attention that should look at the middle looks at the edge. The same distances with two
# axes, of a constant that wasn't computed, or of the model's input are right.
#
# Versions: openvino 2026.4.1, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.3.5.
# Expected: exp(-|i - 7|) for 14 columns, as numpy and onnxruntime have it.
# Seen: exp(-(i - 7)) instead: 1,097 in the first column, where 0.0009 belongs; from the
#   middle on it is right. So with float32, float16, int32 and int64 distances.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile openvino==2026.4.1 onnx==1.23.2 \
  onnxruntime==1.32.0 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import helper, numpy_helper

core = openvino.Core()
node = helper.make_node
columns = np.arange(14)


def weights(kind, shape, first):
    """What both runtimes multiply ones by, for exp(-|positions - 7|) of the given kind."""
    values = np.arange(14, dtype=kind).reshape(shape)
    constants = {"positions": values, "middle": np.array(7, kind)}
    if first == "Range":
        sizes = {"start": 0, "stop": 14, "step": 1}
        constants = {name: np.array(size, kind) for name, size in sizes.items()}
        constants["middle"] = np.array(7, kind)
    nodes = [node("Range", list(constants)[:3], ["positions"])] if first == "Range" else []
    if first == "stored":
        constants["offsets"] = values - np.array(7, kind)
    else:
        nodes.append(node("Sub", ["positions", "middle"], ["offsets"]))
    nodes += [
        node("Abs", ["offsets"], ["distances"]),
        node("Cast", ["distances"], ["as floats"], to=1),
        node("Neg", ["as floats"], ["negative"]),
        node("Exp", ["negative"], ["weights"]),
        node("Mul", ["maps", "weights"], ["answer"]),
    ]
    graph = helper.make_graph(
        nodes,
        "window",
        [helper.make_tensor_value_info("maps", 1, [1, 14])],
        [helper.make_tensor_value_info("answer", 1, [1, 14])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    versions = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=versions, ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    file, maps = model.SerializeToString(), {"maps": np.ones((1, 14), "float32")}
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    by_openvino = core.compile_model(core.read_model(file, b""), "CPU", exact)(maps)[0]
    return np.array(by_openvino)[0], onnxruntime.InferenceSession(file).run(None, maps)[0][0]


expected = np.exp(-np.abs(columns - 7.0))
signed = np.exp(-(columns - 7.0))
for kind, shape, first in (
    ("float32", (14,), "Range"),
    ("float32", (14,), "Sub"),
    ("float16", (14,), "Sub"),
    ("int32", (14,), "Sub"),
    ("int64", (14,), "Range"),
    ("float32", (1, 14), "Sub"),
    ("int64", (1, 14), "Sub"),
    ("float32", (14,), "stored"),
):
    seen, reference = weights(kind, shape, first)
    wrong = len(shape) == 1 and first != "stored"
    print(f"{kind:7} {shape!s:7} {first:6}: {seen[0]:9.4f} {seen[7]:.1f} {seen[13]:.4f}", end="")
    print(f", onnxruntime {reference[0]:.4f} {reference[7]:.1f} {reference[13]:.4f}")
    assert np.allclose(reference, expected, rtol=1e-4)
    assert np.allclose(seen, signed if wrong else expected, rtol=1e-4)
print("seen: the absolute value of a computed row is the row")
PYTHON
