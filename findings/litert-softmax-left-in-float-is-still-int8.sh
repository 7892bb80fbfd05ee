#!/usr/bin/env bash
# A softmax that the quantizer is told to leave in float32 still goes through int8 with
# the softmax's own scale of 1/256, where a reshape follows it.
#
# Why it matters: denying the operator is the documented way to keep one part of a network
# out of int8, and attention reshapes its softmax into a map. The file says that SOFTMAX
# is float32; the map that leaves it is zeros all the same, by a QUANTIZE and a DEQUANTIZE
# that the converter puts around the RESHAPE. Denying RESHAPE too brings the map back.
#
# Versions: tensorflow-cpu 2.21.0 (its converter and interpreter).
# Expected: a float softmax over 1,024 positions sums to 1 in float, reshaped or not.
# Seen: SOFTMAX denied: sum 1.000 if it is the output itself, 0.027 after a reshape;
#   SOFTMAX and RESHAPE denied: 1.000.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile tensorflow-cpu==2.21.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import tensorflow as tf

random = np.random.default_rng(0)
features = random.normal(size=(1, 32, 32, 8)).astype("float32")
kernel = tf.constant(random.normal(size=(1, 1, 8, 1)).astype("float32") / 10)
spec = tf.TensorSpec(features.shape, tf.float32)


def total(reshaped, denied):
    def attention(x):
        scores = tf.reshape(tf.nn.conv2d(x, kernel, 1, "SAME"), (1, 1024))
        weights = tf.nn.softmax(scores)
        return tf.reshape(weights, (1, 32, 32)) if reshaped else weights

    function = tf.function(attention).get_concrete_function(spec)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([features] for _ in range(4))
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=denied)
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter, debug_options=options, debug_dataset=lambda: iter(()))
    model = tf.lite.Interpreter(model_content=debugger.get_nondebug_quantized_model())
    model.allocate_tensors()
    model.set_tensor(model.get_input_details()[0]["index"], features)
    model.invoke()
    found = float(model.get_tensor(model.get_output_details()[0]["index"]).sum())
    print(f"reshaped: {reshaped!s:5}  left in float32: {denied}: sum {found:.3f}")
    return found


assert abs(total(False, ["SOFTMAX"]) - 1) < 0.01
assert total(True, ["SOFTMAX"]) < 0.5
assert abs(total(True, ["SOFTMAX", "RESHAPE"]) - 1) < 0.01
print("seen: a softmax left in float32 is rounded to 1/256 by the reshape behind it")
PYTHON
