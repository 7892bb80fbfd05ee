#!/usr/bin/env bash
# quantize_static of onnxruntime, writing quantized operators (QOperator), leaves out a Relu or
# Clip behind a convolution and trusts the range of the 8 bits to cut as it would. Where
# something else reads the convolution too, the range is the convolution's own: nothing cuts.
#
# Why it matters: pre-activation blocks, skip connections around the activation and gates of
# attention read a convolution twice. Their activation is gone, ReLU6's upper bound as well:
# no error, no warning, and asymmetric uint8, for which leaving it out is meant to be safe. In
# the QDQ format the activation is kept in such a place.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.3.5.
# Expected: of a 1x1 convolution c both relu(c) and tanh(c), to within a few steps of 8 bits.
# Seen: tanh(c) is right, relu(c) is c itself, down to below -8, for Relu and Clip, by tensor
#   and by channel. Without the second reader, and in QDQ, it is relu(c).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile onnxruntime==1.32.0 onnx==1.23.2 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import itertools

import numpy as np
import onnx
import onnxruntime
from onnx.helper import make_node, make_tensor_value_info
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

random = np.random.default_rng(0)
images = [random.normal(size=(1, 3, 8, 8)).astype("float32") for _ in range(16)]
constants = {
    "weights": random.normal(size=(4, 3, 1, 1)).astype("float32"),
    "low": np.float32(0),
    "high": np.float32(6),
}


class Images(CalibrationDataReader):
    def __init__(self):
        self.rest = iter(images)

    def get_next(self):
        image = next(self.rest, None)
        return None if image is None else {"image": image}


def run(path):
    session = onnxruntime.InferenceSession(path)
    return [np.stack(y) for y in zip(*(session.run(None, {"image": x}) for x in images))]


def write(activation, twice):
    nodes = [
        make_node("Conv", ["image", "weights"], ["conv"]),
        make_node(activation, ["conv", *bounds[activation]], ["activated"]),
        make_node("Tanh", ["conv"], ["gate"]),
    ]
    used = {name for node in nodes for name in node.input}
    graph = onnx.helper.make_graph(
        nodes if twice else nodes[:2],
        "block",
        [make_tensor_value_info("image", 1, [1, 3, 8, 8])],
        [make_tensor_value_info(n, 1, [1, 4, 8, 8]) for n in ("activated", "gate")[: 1 + twice]],
        [onnx.numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items() if n in used],
    )
    versions = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=versions, ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(onnx.shape_inference.infer_shapes(model), "model.onnx")


bounds = {"Relu": [], "Clip": ["low", "high"]}
for activation, twice, form, per_channel in itertools.product(
    bounds, (False, True), (QuantFormat.QDQ, QuantFormat.QOperator), (False, True)
):
    write(activation, twice)
    quantize_static(
        "model.onnx",
        "quantized.onnx",
        Images(),
        quant_format=form,
        per_channel=per_channel,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    true, got = run("model.onnx"), run("quantized.onnx")
    errors = [round(float(np.abs(g - t).max()), 2) for g, t in zip(got, true)]
    print(f"{activation} of a convolution read {'twice' if twice else 'once':5} as {form.name:9}",
          f"by {'channel' if per_channel else 'tensor':7}: errors {errors}, from {got[0].min():.2f}")
    assert true[0].min() == 0 and errors[1:] <= [0.15]
    if twice and form == QuantFormat.QOperator:
        assert errors[0] > 5 and got[0].min() < -5
    else:
        assert errors[0] < 0.3 and got[0].min() == 0
print("seen: a convolution that is read twice loses its activation")
PYTHON
