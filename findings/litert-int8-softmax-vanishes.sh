#!/usr/bin/env bash
# An int8 softmax of LiteRT has the fixed scale 1/256. Attention over more than 512
# positions that is near flat rounds to zero at every one of them.
#
# Why it matters: a softmax over 32 x 32 cells is what spatial attention is. The converter
# reports no loss; weights that should sum to 1 sum to 0.18 or to 0, and what is pooled by
# them is scaled by that. Calibration can't help: the scale is in the operator's rules.
#
# Versions: tensorflow-cpu 2.21.0 (its converter and interpreter).
# Expected: weights that sum to about 1, or a scale chosen from the calibration data.
# Seen: sum 0 for equal scores; for normal scores of spread 0.5, 95% zeros and a sum of
#   0.18. With 64 positions: within 2% of 1.
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


def int8_softmax(positions):
    samples = [random.normal(size=(1, positions)).astype("float32") / 2 for _ in range(16)]
    spec = tf.TensorSpec((1, positions), tf.float32)
    function = tf.function(lambda x: tf.nn.softmax(x)).get_concrete_function(spec)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    model = tf.lite.Interpreter(model_content=converter.convert())
    model.allocate_tensors()
    scales = {d["quantization"][0] for d in model.get_tensor_details() if d["dtype"] == np.int8}

    def run(scores):
        model.set_tensor(model.get_input_details()[0]["index"], scores)
        model.invoke()
        return model.get_tensor(model.get_output_details()[0]["index"])

    return run(samples[0]), run(np.zeros_like(samples[0])), 1 / 256 in scales


sums = {}
for positions in (64, 1024):
    spread, flat, fixed = int8_softmax(positions)
    sums[positions] = float(spread.sum()), float(flat.sum())
    print(f"{positions:4} positions: sum {spread.sum():.3f}, {(spread == 0).mean():.0%} zeros;",
          f"equal scores: sum {flat.sum():.3f}; a scale of 1/256: {fixed}")
    assert fixed
assert abs(sums[64][0] - 1) < 0.1 and abs(sums[64][1] - 1) < 0.1
assert sums[1024][0] < 0.5 and sums[1024][1] == 0.0
print("seen: int8 attention over 1,024 positions vanishes")
PYTHON
