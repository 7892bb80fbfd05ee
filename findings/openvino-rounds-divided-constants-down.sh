#!/usr/bin/env bash
# Integers are divided towards zero in ONNX, and in OpenVINO while a model runs: -7 / 2 is -3.
# Where both sides are constants, OpenVINO divides as it compiles, and rounds down: -4.
#
# Why it matters: indices of windows, patches and relative positions are divided offsets, which
# are negative on one side, and constants as soon as the image's size is fixed. The same
# model looks up other rows of its position table when it is exported for one size than when
# the positions are an input. Values that divide without a rest are right.
#
# Versions: openvino 2026.4.1, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.3.5.
# Expected: the same quotients either way, as onnxruntime has them.
# Seen: of the 49 offsets between 7 rows, divided by 2, 12 are one lower: those of -1, -3 and -5.
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
table = np.arange(100, 113, dtype="float32")
rows = np.arange(7)


def looked_up(kind, constant):
    """The table's entry for half of each offset between rows, in both runtimes."""
    offsets = (rows - rows[:, None]).astype(kind)
    tensor = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    stored = {"two": np.array(2, kind), "zero": np.array(6, kind), "table": table}
    inputs = {"offsets": offsets, "gain": np.ones((7, 7), "float32")}
    if constant:
        stored["offsets"] = inputs.pop("offsets")
    types = {"offsets": tensor, "gain": 1}
    graph = helper.make_graph(
        [
            helper.make_node("Div", ["offsets", "two"], ["halves"]),
            helper.make_node("Add", ["halves", "zero"], ["places"]),
            helper.make_node("Gather", ["table", "places"], ["biases"]),
            helper.make_node("Mul", ["biases", "gain"], ["answer"]),
        ],
        "positions",
        [helper.make_tensor_value_info(name, types[name], [7, 7]) for name in inputs],
        [helper.make_tensor_value_info("answer", 1, [7, 7])],
        [numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    versions = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=versions, ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    file = model.SerializeToString()
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(file, b""), "CPU", exact)
    expected = table[np.trunc(offsets / 2).astype(int) + 6]
    reference = onnxruntime.InferenceSession(file).run(None, inputs)[0]
    assert np.array_equal(reference, expected)
    return np.array(compiled(inputs)[0]) - expected, offsets


for kind in ("int32", "int64"):
    at_run, offsets = looked_up(kind, constant=False)
    folded, _ = looked_up(kind, constant=True)
    lower = sorted({int(offset) for offset in offsets[folded != 0]})
    print(f"{kind}: at run time {np.count_nonzero(at_run)} differ,", end=" ")
    print(f"folded {np.count_nonzero(folded)} of 49 by {folded.min():.0f}, offsets {lower}")
    assert not at_run.any()
    assert np.array_equal(folded, -((offsets < 0) & (offsets % 2 == 1)).astype(int))
print("seen: a quotient of constants is rounded down, any other towards zero")
PYTHON
