#!/usr/bin/env bash
# ai-edge-quantizer's calibration starts from the range of the first sample and moves 5% of
# the way to the range of each further one. Of 20 samples the first weighs 38%, the last 5%;
# what is brighter than that average is cut off.
#
# Why it matters: the same images in another order make another model. A calibration set that
# begins with a dark image, or that is sorted by class, quantizes bright images to less than
# two thirds of their range, and a few samples, as usual for calibration, hardly count at all.
# TensorFlow's converter takes the widest range of all.
#
# Versions: ai-edge-quantizer 0.10.0, ai-edge-litert 2.3.0, tensorflow-cpu 2.21.0.
# Expected: the model's range covers the calibration images, in any order.
# Seen: 20 images, one of which ends at 0.1 and the others at 1: values up to 0.66 if the
#   dark one is the first, 0.96 if it is the last, 1.00 by TensorFlow's converter.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile ai-edge-quantizer==0.10.0 \
  ai-edge-litert==2.3.0 tensorflow-cpu==2.21.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import contextlib
import io

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import quantizer, recipe

ramp = np.linspace(0, 1, 64, dtype="float32").reshape(1, 8, 8, 1)
dark, bright = ramp / 10, ramp


class Network(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec(ramp.shape, tf.float32, name="image")])
    def __call__(self, image):
        kernel = tf.constant(1.0, shape=(1, 1, 1, 1))
        return {"out": tf.nn.relu(tf.nn.conv2d(image, kernel, 1, "VALID"))}


network = Network()
tf.saved_model.save(network, "model", signatures={"serving_default": network.__call__})


def largest_answer(content):
    model = Interpreter(model_content=bytes(content))
    model.allocate_tensors()
    source, target = model.get_input_details()[0], model.get_output_details()[0]
    image = bright
    if source["dtype"] == np.int8:
        scale, zero = source["quantization"]
        image = np.clip(np.round(bright / scale + zero), -128, 127).astype("int8")
    model.set_tensor(source["index"], image)
    model.invoke()
    answer = model.get_tensor(target["index"])
    if target["dtype"] == np.int8:
        scale, zero = target["quantization"]
        answer = scale * (answer.astype("float32") - zero)
    return float(answer.max())


def by_quantizer(images):
    plain = tf.lite.TFLiteConverter.from_saved_model("model").convert()
    with contextlib.redirect_stdout(io.StringIO()):
        work = quantizer.Quantizer(bytearray(plain), recipe.static_wi8_ai8())
        ranges = work.calibrate({"serving_default": [{"image": image} for image in images]})
        return largest_answer(work.quantize(ranges).quantized_model)


def by_converter(images):
    converter = tf.lite.TFLiteConverter.from_saved_model("model")
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image] for image in images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return largest_answer(converter.convert())


seen = {}
for order, images in (
    ("dark one first", [dark] + [bright] * 19),
    ("dark one last", [bright] * 19 + [dark]),
):
    seen[order] = by_quantizer(images), by_converter(images)
    print(f"{order:14}: white comes out as %.3f, by TensorFlow's converter %.3f" % seen[order])
assert abs(seen["dark one first"][0] - (1 - 0.9 * 0.95**19)) < 0.01
assert abs(seen["dark one last"][0] - 0.955) < 0.01
assert all(abs(converter - 1) < 0.01 for _, converter in seen.values())
print("seen: the first sample's range weighs as much as the next thirteen")
PYTHON
