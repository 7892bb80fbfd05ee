#!/usr/bin/env bash
# Softmax of opset 13 works along one axis, that of opset 12 over all axes from the given one
# on. onnx's version_converter takes models down from 13 to 12 by changing the number alone,
# so a softmax over channels becomes one over channels, rows and columns together.
#
# Why it matters: older runtimes and compilers ask for opset 11 or 12, and the converter is
# onnx's own answer. Attention over channels, and classes of a segmentation map, sum to 1
# over the whole image instead of at each pixel; the checker passes and shapes are the same.
# Upwards from 12 to 13 the converter puts a Flatten and a Reshape around it, as it should.
# Hardmax is refused, softmax along the last axis is right.
#
# Versions: onnx 1.23.2, onnxruntime 1.32.0, numpy 2.3.5.
# Expected: the same answers at both opsets, or a refusal.
# Seen: shares of 4 classes at each of 16x16 pixels sum to 256 before and to 1 after; each is
#   smaller by a factor of 59 to 1,289; LogSoftmax is off by 5 to 6.
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
from onnx import helper, version_converter

shape = [1, 4, 16, 16]
maps = np.random.default_rng(0).normal(size=shape).astype("float32")


def along(axes):
    """Softmax by its definition over the given axes."""
    powers = np.exp(maps.astype("float64"))
    return powers / powers.sum(axes, keepdims=True)


def model(operation, axis, opset):
    graph = helper.make_graph(
        [helper.make_node(operation, ["maps"], ["shares"], axis=axis)],
        "attention",
        [helper.make_tensor_value_info("maps", 1, shape)],
        [helper.make_tensor_value_info("shares", 1, shape)],
    )
    versions = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=versions, ir_version=8)


def run(model):
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"maps": maps})[0]


new = model("Softmax", 1, 13)
old = version_converter.convert_version(new, 12)
before, after = run(new), run(old)
ratio = before / after
print("nodes after:", [(node.op_type, node.attribute[0].i) for node in old.graph.node])
print(f"sums: {before.sum():.2f} at opset 13, {after.sum():.2f} at opset 12")
print(f"each share is smaller by a factor of {ratio.min():.0f} to {ratio.max():.0f}")
assert np.allclose(before, along(1), atol=1e-6)
assert np.allclose(after, along((1, 2, 3)), atol=1e-6)
assert ratio.min() > 50

logarithm = model("LogSoftmax", 1, 13)
moved = run(logarithm) - run(version_converter.convert_version(logarithm, 12))
print(f"LogSoftmax is off by {moved.min():.1f} to {moved.max():.1f}")
assert moved.min() > 4

last = model("Softmax", -1, 13)
assert np.array_equal(run(last), run(version_converter.convert_version(last, 12)))
up = version_converter.convert_version(model("Softmax", 1, 12), 13)
assert [node.op_type for node in up.graph.node][-3:] == ["Flatten", "Softmax", "Reshape"]
assert np.allclose(run(up), along((1, 2, 3)), atol=1e-6)
print("seen: converted down, shares of classes are shares of the whole image")
PYTHON
