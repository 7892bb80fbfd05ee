#!/usr/bin/env bash
# In a Reshape 0 means "as in the input". onnxoptimizer drops the first of two Reshapes in a
# row and leaves the second as it is, whose zeros then mean the sizes of another tensor.
#
# Why it matters: group normalization, as ONNX spells it out in its own function body, is two
# such Reshapes, to groups and to [0, 0, -1]. Optimized with the default passes, each channel
# is normalized by itself: other answers, same shapes, no warning. Where the sizes don't fit,
# the optimized model fails at its first image.
#
# Versions: onnxoptimizer 0.4.2, onnxslim 0.1.98, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.3.5.
# Expected: the same answers before and after, as onnxslim and the definition have them.
# Seen: the means of 2 groups of 3 channels are told as those of 6 channels; a division by the
#   groups' deviations is off by more than 1. Without zeros in the second shape it is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile onnxoptimizer==0.4.2 onnxslim==0.1.98 \
  onnx==1.23.2 onnxruntime==1.32.0 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import onnx
import onnxoptimizer
import onnxruntime
import onnxslim
from onnx import helper, numpy_helper

random = np.random.default_rng(0)
images = random.normal(size=(2, 6, 4, 4)) + np.arange(6).reshape(6, 1, 1)
images = images.astype("float32")
parts = images.reshape(2, 2, 48)
defined = (parts - parts.mean(2, keepdims=True)) / parts.std(2, keepdims=True)
defined = defined.reshape(images.shape)


def model(second):
    """Each image's groups, normalized as ONNX's GroupNormalization does it inside."""
    sizes = {"to_groups": [2, 2, -1, 4], "flat": second, "to_image": images.shape}
    node = helper.make_node
    nodes = [
        node("Reshape", ["images", "to_groups"], ["groups"]),
        node("Reshape", ["groups", "flat"], ["rows"]),
        node("MeanVarianceNormalization", ["rows"], ["normal"], axes=[2]),
        node("Reshape", ["normal", "to_image"], ["answer"]),
    ]
    graph = helper.make_graph(
        nodes,
        "groups",
        [helper.make_tensor_value_info("images", 1, images.shape)],
        [helper.make_tensor_value_info("answer", 1, images.shape)],
        [numpy_helper.from_array(np.array(size), name) for name, size in sizes.items()],
    )
    versions = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=versions, ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


def off(model):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return float(np.abs(session.run(None, {"images": images})[0] - defined).max())


for second in ([2, 2, -1], [0, 0, -1]):
    original = model(second)
    slim, optimized = onnxslim.slim(original), onnxoptimizer.optimize(original)
    left = [node.op_type for node in optimized.graph.node].count("Reshape")
    found = off(original), off(slim), off(optimized)
    print(f"second shape {second!s:10}: off by {found[0]:.4f}, slimmed {found[1]:.4f},", end="")
    print(f" optimized {found[2]:.4f} with {left} Reshapes")
    assert max(found[:2]) < 1e-3 and left == 2
    assert (found[2] > 1) == (0 in second)
print("seen: groups are lost, each channel is normalized by itself")
PYTHON
