#!/usr/bin/env bash
# tract computes ONNX's Celu as exp(x / alpha) - 1 below zero. The factor alpha before it is
# left out, so that negative values come out divided by alpha.
#
# Why it matters: with alpha=1, the default, nothing is off, and with any other value nothing
# fails: a model with CELU(alpha=0.075), as in David Page's fast networks for CIFAR-10, sees
# its negative activations 13 times as large.
#
# Versions: tract 0.23.9, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.3.5.
# Expected: max(0, x) + min(0, alpha * (exp(x / alpha) - 1)), as from ONNX's own text, its
#   reference and onnxruntime.
# Seen: -0.777 instead of -1.554 for -3 with alpha=2, -1 instead of -0.075 with alpha=0.075.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile tract==0.23.9 onnx==1.23.2 \
  onnxruntime==1.32.0 numpy==2.3.5
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import onnx
import onnxruntime
import tract
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

x = np.linspace(-3, 3, 13).astype("float32")


def answers(alpha):
    """What ONNX's reference, onnxruntime and tract make of x."""
    x_info, y_info = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [13]) for name in "xy"
    )
    node = helper.make_node("Celu", ["x"], ["y"], alpha=alpha)
    graph = helper.make_graph([node], "graph", [x_info], [y_info])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, "model.onnx")
    (reference,) = ReferenceEvaluator(model).run(None, {"x": x})
    (runtime,) = onnxruntime.InferenceSession("model.onnx").run(None, {"x": x})
    runnable = tract.onnx().load("model.onnx").into_model().into_runnable()
    return reference, runtime, runnable.run([x])[0].to_numpy()


for alpha in 1.0, 2.0, 0.5, 0.075:
    expected = np.maximum(0, x) + np.minimum(0, alpha * np.expm1(x / alpha))
    without = np.maximum(0, x) + np.minimum(0, np.expm1(x / alpha))
    reference, runtime, found = answers(alpha)
    print(f"alpha={alpha}: {found[0]:.3f} for -3, expected {expected[0]:.3f}")
    assert np.allclose(reference, expected, atol=1e-5)
    assert np.allclose(runtime, expected, atol=1e-5)
    assert np.allclose(found, without, atol=1e-5)
print("seen: alpha only divides")
PYTHON
