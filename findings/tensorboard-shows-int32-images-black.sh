#!/usr/bin/env bash
# tf.summary.image writes int32 pixels as black, and float pixels above 1 as white: every
# integer type but uint8 is taken to span its own full range.
#
# Why it matters: label maps, rounded images and masks are int32 in TensorFlow (tf.cast,
# tf.argmax, NumPy's default on some systems). The picture in TensorBoard is black for any
# valid pixel, which reads as a dead layer or as missing data.
#
# Versions: tensorflow-cpu 2.21.0, tensorboard 2.21.0.
# Expected: 0, 128, 255 as they are, or an error about the type.
# Seen: uint8 0, 128, 255; int32 0, 0, 0; uint16 0, 0, 0; float 0.5 as 127.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile tensorflow-cpu==2.21.0 tensorboard==2.21.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

pixels = np.array([0, 128, 255]).reshape(1, 1, 3, 1)
types = ("uint8", "uint16", "int32", "float32")
with tf.summary.create_file_writer("run").as_default():
    for dtype in types:
        tf.summary.image(dtype, pixels.astype(dtype), step=0)
    tf.summary.image("unit", (pixels / 256).astype("float32"), step=0)
events = EventAccumulator("run")
events.Reload()


def shown(tag):
    png = tf.make_ndarray(events.Tensors(tag)[0].tensor_proto)[2]
    return tf.io.decode_png(png).numpy().ravel().tolist()


for dtype in types:
    print(f"{dtype:8} 0, 128, 255 ->", shown(dtype))
print("float32  0, 0.5, 0.996 ->", shown("unit"))
# uint8    0, 128, 255 -> [0, 128, 255]
# uint16   0, 128, 255 -> [0, 0, 0]
# int32    0, 128, 255 -> [0, 0, 0]
# float32  0, 128, 255 -> [0, 255, 255]
assert shown("uint8") == [0, 128, 255]
assert shown("uint16") == shown("int32") == [0, 0, 0]
assert shown("float32") == [0, 255, 255]
print("seen: int32 pixels are logged as black")
PYTHON
