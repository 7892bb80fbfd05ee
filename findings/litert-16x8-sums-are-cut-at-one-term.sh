#!/usr/bin/env bash
# Quantized with 16-bit activations and 8-bit weights, a LiteRT sum gets its input's scale for
# its output. A sum can't become larger than the largest term of the calibration.
#
# Why it matters: 16x8 is what one takes when 8 bits cost too much accuracy, and it is far
# worse here. The sum over positions of weighted features is how attention pools them; L2
# norms, sums of squares and hand-written global pooling are sums, too. Nothing is reported,
# and reduce_mean beside it is right.
#
# Versions: tensorflow-cpu 2.21.0 (its converter and interpreter).
# Expected: 64 numbers from 0 to 1 sum to about 32, as they do with int8.
# Seen: 1.0 for 2, 4, 64 and 1,024 of them, whatever they are; within 1% with int8.
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
kinds = {
    "int8": tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
    "16x8": tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
}


def quantized(reduce, kind, samples):
    spec = tf.TensorSpec(samples[0].shape, tf.float32)
    function = tf.function(lambda x: reduce(x, axis=1)).get_concrete_function(spec)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample] for sample in samples)
    converter.target_spec.supported_ops = [kinds[kind]]
    model = tf.lite.Interpreter(model_content=converter.convert())
    model.allocate_tensors()
    model.set_tensor(model.get_input_details()[0]["index"], samples[0])
    model.invoke()
    return model.get_tensor(model.get_output_details()[0]["index"])


seen = {}
for count in (2, 4, 64, 1024):
    samples = [random.random((1, count, 8)).astype("float32") for _ in range(16)]
    for name, reduce in (("sum", tf.reduce_sum), ("mean", tf.reduce_mean)):
        true = samples[0].mean(1) if name == "mean" else samples[0].sum(1)
        for kind in kinds:
            got = quantized(reduce, kind, samples)
            seen[count, name, kind] = got, true
            print(f"{name:4} of {count:4}, {kind}: {got.max():9.4f} at most, should be {true.max():9.4f}")
for (count, name, kind), (got, true) in seen.items():
    if (name, kind) == ("sum", "16x8"):
        assert 0.9 < got.max() <= 1
        assert np.all(np.abs(got[true > 1] - 1) < 0.1)
    else:
        assert np.all(np.abs(got - true) < 0.02 * true.max())
print("seen: a 16x8 sum ends at the largest of its terms")
PYTHON
