#!/usr/bin/env bash
# onnxslim folds a product behind a convolution into its kernel if the factor has as many
# values as there are channels, without a look at the axis they lie on. A mask over columns
# or rows becomes weights of the channels.
#
# Why it matters: fixed masks over feature maps, as windows, centre priors and coordinate
# gates are, have that shape, and sides of 8, 16 or 32 often equal the channels. The slimmed
# file loads, has the same shapes and gives other answers. Of 8x8 maps with 16 channels the
# same model is slimmed right. The sum behind a convolution is looked at more closely.
#
# Versions: onnxslim 0.1.98, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.3.5.
# Expected: the same answers before and after.
# Seen: right for factors of 1x8x1x1 and 8x1x1, off by 3 to 8, as much as the values
#   themselves, if the factor is 8, 1x1x1x8, 1x1x8x1 or 8x1.
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

random = np.random.default_rng(0)
images = random.normal(size=(1, 3, 8, 8)).astype("float32")


def run(model):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"images": images})[0]


def masked(channels, shape):
    """Convolution to 8x8 maps, times a constant of the given shape."""
    constants = {
        "kernel": random.normal(size=(channels, 3, 3, 3)).astype("float32"),
        "mask": random.uniform(size=shape).astype("float32"),
    }
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Conv", ["images", "kernel"], ["maps"], pads=[1] * 4),
            onnx.helper.make_node("Mul", ["maps", "mask"], ["answer"]),
        ],
        "masked",
        [onnx.helper.make_tensor_value_info("images", 1, [1, 3, 8, 8])],
        [onnx.helper.make_tensor_value_info("answer", 1, [1, channels, 8, 8])],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    versions = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=versions, ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


def off(channels, shape):
    model = masked(channels, shape)
    slim = onnxslim.slim(model)
    difference = float(np.abs(run(model) - run(slim)).max())
    operations = [node.op_type for node in slim.graph.node]
    print(f"{channels:2} channels, factor of {shape!s:12}: {difference:5.2f}", operations)
    return difference


for shape in ((1, 8, 1, 1), (8, 1, 1)):
    assert off(8, shape) < 1e-4
for shape in ((8,), (1, 1, 1, 8), (1, 1, 8, 1), (8, 1)):
    assert off(8, shape) > 2
    assert off(16, shape) < 1e-4
print("seen: a mask over columns or rows becomes one over channels")
PYTHON
