#!/usr/bin/env bash
# Gemm is alpha * A * B + beta * C. onnxruntime's quantize_static takes beta into the scale of the
# 8-bit bias the wrong way round and writes beta=1: as a quantized operator the bias is divided
# by beta instead of multiplied, and multiplied by alpha in addition; in the QDQ format it is
# what it was without beta, until the runtime fuses it.
#
# Why it matters: alpha and beta are where a temperature, a scaled bias or a weighted sum of two
# heads end up. The bias of a classifier is the prior of its classes; with beta=2 a quarter of it
# is left, and all numbers look plausible.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.3.5.
# Expected: the bias of an answer is beta * C, to within a step of 8 bits.
# Seen: for (alpha, beta) of (1, 2), (1, 4) and (0.5, 1) it is 0.5, 0.25 and 0.5 times C instead
#   of 2, 4 and 1 times; in QDQ, with the runtime's optimizations off, 1, 1 and 1 times.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile onnxruntime==1.32.0 onnx==1.23.2 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import onnx
import onnxruntime
from onnx.helper import make_node, make_tensor_value_info
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

random = np.random.default_rng(0)
features = [random.uniform(-1, 1, size=(1, 16)).astype("float32") for _ in range(16)]
weights = random.uniform(-1, 1, size=(16, 4)).astype("float32")
bias = np.array([40, -40, 20, 0], "float32")


class Features(CalibrationDataReader):
    def __init__(self):
        self.rest = iter(features)

    def get_next(self):
        x = next(self.rest, None)
        return None if x is None else {"x": x}


def write(alpha, beta):
    graph = onnx.helper.make_graph(
        [make_node("Gemm", ["x", "weights", "bias"], ["y"], alpha=alpha, beta=beta)],
        "classifier",
        [make_tensor_value_info("x", 1, [1, 16])],
        [make_tensor_value_info("y", 1, [1, 4])],
        [onnx.numpy_helper.from_array(v, n) for n, v in (("weights", weights), ("bias", bias))],
    )
    versions = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=versions, ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, "model.onnx")


def bias_of(path, optimized=True):
    options = onnxruntime.SessionOptions()
    if not optimized:
        level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(path, options)
    answer = session.run(None, {"x": np.zeros((1, 16), "float32")})[0][0]
    return round(float(answer @ bias / (bias @ bias)), 2)


seen = {}
for alpha, beta in ((1.0, 1.0), (1.0, 2.0), (1.0, 4.0), (0.5, 1.0)):
    write(alpha, beta)
    factors = [bias_of("model.onnx")]
    for form in (QuantFormat.QDQ, QuantFormat.QOperator):
        quantize_static(
            "model.onnx",
            "quantized.onnx",
            Features(),
            quant_format=form,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        factors += [bias_of("quantized.onnx", optimized=False), bias_of("quantized.onnx")]
    seen[alpha, beta] = factors
    print(f"alpha {alpha}, beta {beta}: the bias comes {factors[0]} times, quantized {factors[3]} times",
          f"(QDQ: {factors[1]}, fused {factors[2]})")
right = {(1.0, 1.0): 1, (1.0, 2.0): 2, (1.0, 4.0): 4, (0.5, 1.0): 1}
quantized = {(1.0, 1.0): 1, (1.0, 2.0): 0.5, (1.0, 4.0): 0.25, (0.5, 1.0): 0.5}
for case, (plain, unfused, _, operator, _) in seen.items():
    assert plain == right[case]
    assert abs(unfused - 1) < 0.05 and abs(operator - quantized[case]) < 0.05 * quantized[case]
print("seen: the bias of a quantized Gemm is divided by beta")
PYTHON
