#!/usr/bin/env bash
# tf.image.convert_image_dtype scales in the image's own precision. From bfloat16 to uint8 it
# multiplies by 255.5, which bfloat16 rounds to 256: 1.0 is 0, white is black. A float16 image
# is 0 or the limit of float16 as uint16 whatever it shows, and 16-bit images are infinite
# as float16 wherever they are nearly white.
#
# Why it matters: with mixed_bfloat16, the precision TensorFlow advises on TPUs and newer
# chips, outputs and maps in 0 to 1 are bfloat16. Written as images exactly the strongest
# places turn black, and a pipeline that reads 16-bit images as float16 hands infinity to the
# model. saturate=True, off by default, covers the first; nothing covers the others.
#
# Versions: tensorflow-cpu 2.21.0, numpy 2.4.6, on x86-64.
# Expected: 255 and 65535 for 1.0, and no more than 1.0 for 65535.
# Seen: 0 as uint8 from bfloat16, where 0.996 is 255; float16 0.5 as uint16 is 0, or 65504 with
#   saturate=True; uint16 65535 as float16 is infinite, and so is any from 65520 on.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile tensorflow-cpu==2.21.0 numpy==2.4.6
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import tensorflow as tf


def converted(values, source, target, **options):
    image = tf.reshape(tf.constant(values, source), (1, -1, 1))
    eager = tf.image.convert_image_dtype(image, target, **options)
    graph = tf.function(lambda x: tf.image.convert_image_dtype(x, target, **options))(image)
    np.testing.assert_array_equal(eager, graph)
    result = eager.numpy().ravel().tolist()
    print(f"{source.name} {values} as {target.name}: {result}", *options)
    return result


ramp = [0.0, 0.5, 0.99609375, 1.0]
assert converted(ramp, tf.float32, tf.uint8) == [0, 127, 254, 255]
assert converted(ramp, tf.bfloat16, tf.uint8) == [0, 128, 255, 0]
assert converted(ramp, tf.bfloat16, tf.uint8, saturate=True) == [0, 128, 255, 255]
assert converted(ramp, tf.float32, tf.uint16)[-1] == 65535
assert converted(ramp, tf.float16, tf.uint16) == [0, 0, 0, 0]
assert converted(ramp, tf.float16, tf.uint16, saturate=True) == [0, 65504, 65504, 65504]
bright = [40000, 65519, 65520, 65535]
assert max(converted(bright, tf.uint16, tf.float32)) == 1
found = converted(bright, tf.uint16, tf.float16)
assert np.isinf(found).tolist() == [False, False, True, True]
print("seen: white is black")
PYTHON
