#!/usr/bin/env bash
# onnx2torch reads a CumSum without a "reverse" attribute as reverse=1. ONNX's default is 0,
# and PyTorch's exporter leaves it out: each running sum starts at the end.
# NonZero is handed on as torch.nonzero, which has rows and columns the other way round.
#
# Why it matters: running sums of a mask are how detection and attention models (DETR and its
# kin) number the rows and columns for their position encodings. After the conversion the
# positions are mirrored; all shapes fit and the answers are those of another model.
#
# Versions: onnx2torch 1.5.15, onnx 1.23.2, torch 2.13.0, numpy 2.3.5, without torchvision,
#   from which it only takes boxes.
# Expected: numpy's cumsum and nonzero, as from ONNX's reference.
# Seen: ones of a row add up to 6, 5, 4, 3, 2, 1, with reverse=0 written out to 1 to 6; the
#   two places of a mask come as 2 x 2 coordinates, transposed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile onnx==1.23.2 torch==2.13.0 numpy==2.3.5
"$folder/venv/bin/pip" install -qq --no-compile --no-deps onnx2torch==1.5.15
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import sys
import types

import numpy as np
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

vision, operations = types.ModuleType("torchvision"), types.ModuleType("torchvision.ops")
vision.ops, operations.roi_align = operations, None
sys.modules.update({"torchvision": vision, "torchvision.ops": operations})
from onnx2torch import convert  # noqa: E402


def answers(kind, values, output_type, axis=None, **attributes):
    """What ONNX's reference and the converted module say for one node."""
    inputs, constants = ["x"], []
    if axis is not None:
        inputs.append("axis")
        constants.append(numpy_helper.from_array(np.array(axis), "axis"))
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, ["y"], **attributes)],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, values.shape)],
        [helper.make_tensor_value_info("y", output_type, None)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    (reference,) = ReferenceEvaluator(model).run(None, {"x": values})
    return reference, convert(model).eval()(torch.from_numpy(values)).numpy()


mask = np.ones((2, 6), "float32")
positions = np.cumsum(mask, 1)
reference, converted = answers("CumSum", mask, TensorProto.FLOAT, axis=1)
print("positions in a row:", *converted[0].astype(int), "expected:", *positions[0].astype(int))
assert np.array_equal(reference, positions)
assert np.array_equal(converted, positions[:, ::-1])

reference, written_out = answers("CumSum", mask, TensorProto.FLOAT, axis=1, reverse=0)
assert np.array_equal(reference, positions) and np.array_equal(written_out, positions)

mask = np.zeros((2, 6), "float32")
mask[0, 4] = mask[1, 2] = 1
places = np.stack(np.nonzero(mask))
reference, converted = answers("NonZero", mask, TensorProto.INT64)
print("rows and columns:", converted.tolist(), "expected:", places.tolist())
assert np.array_equal(reference, places) and np.array_equal(converted, places.T)
print("seen: running sums from the end, coordinates transposed")
PYTHON
