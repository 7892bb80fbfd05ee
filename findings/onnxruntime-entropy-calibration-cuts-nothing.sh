#!/usr/bin/env bash
# CalibrationMethod.Entropy of onnxruntime's quantize_static looks for the range that loses least
# when its histogram is merged to 128 bins. The histogram has 128 bins from the start: there is
# one candidate, the full range. Entropy is MinMax.
#
# Why it matters: entropy is chosen because a few outliers shouldn't set the scale of all values.
# Here one value of 100 among 5,120 normal ones leaves 15 of 256 levels to those from -3 to 3, as
# with MinMax. quantize_static has no option for the bins: it drops num_bins without a word; only
# a calibrator made by hand takes it.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.3.5.
# Expected: a range of a few standard deviations, as with a histogram of 2,048 bins.
# Seen: -4 to 100 by either method; a calibrator with 2,048 bins cuts at 9.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile onnxruntime==1.32.0 onnx==1.23.2 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import contextlib
import io

import numpy as np
import onnx
from onnx.helper import make_node, make_tensor_value_info
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, quantize_static
from onnxruntime.quantization.calibrate import create_calibrator

graph = onnx.helper.make_graph(
    [make_node("Sigmoid", ["x"], ["y"])],
    "gate",
    [make_tensor_value_info("x", 1, [1, 256])],
    [make_tensor_value_info("y", 1, [1, 256])],
)
versions = [onnx.helper.make_opsetid("", 17)]
model = onnx.helper.make_model(graph, opset_imports=versions, ir_version=8)
onnx.checker.check_model(model, full_check=True)
onnx.save(model, "model.onnx")


class Samples(CalibrationDataReader):
    def __init__(self, outlier):
        samples = np.random.default_rng(0).normal(size=(20, 1, 256)).astype("float32")
        samples[7, 0, 0] = outlier
        self.rest = iter(samples)

    def get_next(self):
        x = next(self.rest, None)
        return None if x is None else {"x": x}


def quantized_range(method, outlier, **options):
    with contextlib.redirect_stdout(io.StringIO()):
        quantize_static(
            "model.onnx",
            "quantized.onnx",
            Samples(outlier),
            calibrate_method=method,
            extra_options=options,
        )
    graph = onnx.load("quantized.onnx").graph
    values = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    node = next(n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[0] == "x")
    scale, zero = (values[name].astype("float64") for name in node.input[1:])
    levels = np.iinfo(values[node.input[2]].dtype)
    return [round(float(scale * (end - zero)), 2) for end in (levels.min, levels.max)]


def calibrated_range(outlier, bins):
    with contextlib.redirect_stdout(io.StringIO()):
        calibrator = create_calibrator(
            "model.onnx",
            calibrate_method=CalibrationMethod.Entropy,
            extra_options={"num_bins": bins},
        )
        calibrator.collect_data(Samples(outlier))
        found = calibrator.compute_data()["x"].range_value
    return [round(float(end), 2) for end in found]


for outlier in (3, 30, 100, 1000):
    plain = quantized_range(CalibrationMethod.MinMax, outlier)
    entropy = quantized_range(CalibrationMethod.Entropy, outlier)
    asked = quantized_range(CalibrationMethod.Entropy, outlier, num_bins=2048)
    fine = calibrated_range(outlier, 2048)
    print(f"largest value {outlier:4}: MinMax {plain}, Entropy {entropy}, with num_bins=2048 {asked};",
          f"by a calibrator with 2,048 bins {fine}")
    assert plain == entropy == asked
    if outlier >= 30:
        assert fine[1] < 0.5 * outlier
print("seen: entropy calibration gives the range of MinMax")
PYTHON
