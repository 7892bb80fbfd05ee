#!/usr/bin/env bash
# onnxoptimizer moves a Pad of zeros into the max pooling behind it. A pool's own padding
# never wins, zeros do win over negative values: the border changes.
#
# Why it matters: ZeroPadding2D and a pool without padding is how the ResNets of Keras begin,
# those of version 2 right behind a convolution. Behind a ReLU both are the same; behind a
# convolution, a leaky ReLU or swish they aren't. The file is valid, its shapes are right,
# and only the outermost row and column on each side are others.
#
# Versions: onnxoptimizer 0.4.2, default passes, onnx 1.23.2, onnxruntime 1.32.0,
#   numpy 2.3.5.
# Expected: the same answers before and after.
# Seen: of normal values around 0 one in fifty of the border is another, by up to 1.1; of
#   negative values the whole border, which was 0, is negative. Average pools stay the same,
#   but a pool with auto_pad takes its padding for the other: maps of 18x18 become 16x16.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile onnxoptimizer==0.4.2 onnx==1.23.2 \
  onnxruntime==1.32.0 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import onnx
import onnxoptimizer
import onnxruntime
from onnx.helper import make_node, make_tensor_value_info

random = np.random.default_rng(0)
around = random.normal(size=(1, 16, 16, 16)).astype("float32")
border = np.ones((16, 16), bool)
border[1:-1, 1:-1] = False


def padded(pool, side=16, **settings):
    graph = onnx.helper.make_graph(
        [
            make_node("Pad", ["maps", "pads"], ["padded"]),
            make_node(pool, ["padded"], ["answer"], kernel_shape=[3, 3], **settings),
        ],
        "pool",
        [make_tensor_value_info("maps", 1, around.shape)],
        [make_tensor_value_info("answer", 1, [1, 16, side, side])],
        [onnx.numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1]), "pads")],
    )
    versions = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=versions, ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


def run(model, maps):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"maps": maps})[0]


found = {}
for pool in ("MaxPool", "AveragePool"):
    model = padded(pool)
    fused = onnxoptimizer.optimize(model)
    assert [node.op_type for node in fused.graph.node] == [pool]
    for name, maps in (("around 0", around), ("below 0", -np.abs(around))):
        before, after = run(model, maps), run(fused, maps)
        changed = np.abs(before - after) > 1e-5
        found[pool, name] = changed[..., border].mean(), changed[..., ~border].mean()
        outer, inner = found[pool, name]
        print(f"{pool:11} of values {name:8}: {outer:4.0%} of the border changed,", end=" ")
        print(f"{inner:.0%} inside, by up to {np.abs(before - after).max():.2f}")
assert 0.01 < found["MaxPool", "around 0"][0] < 0.04
assert found["MaxPool", "below 0"] == (1, 0)
assert found["MaxPool", "around 0"][1] == 0
model = padded("AveragePool", side=18, auto_pad="SAME_UPPER")
before, after = run(model, around), run(onnxoptimizer.optimize(model), around)
print("AveragePool with auto_pad:", before.shape, "becomes", after.shape)
assert before.shape[2:] == (18, 18) and after.shape[2:] == (16, 16)
assert found["AveragePool", "around 0"] == found["AveragePool", "below 0"] == (0, 0)
print("seen: max pooling loses the zeros around the image")
PYTHON
