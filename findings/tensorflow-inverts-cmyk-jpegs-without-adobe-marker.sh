#!/usr/bin/env bash
# tf.io.decode_jpeg and Pillow read a CMYK JPEG without Adobe's marker as each other's
# negative. With the marker they agree.
#
# Why it matters: print shops' and stock photos' files are CMYK, and converters that strip
# metadata take the marker away, too. Pillow and browsers look for it. A data set that was
# cleaned of metadata trains on negatives.
#
# Versions: tensorflow-cpu 2.21.0, pillow 12.0.0.
# Expected: the same colour as Pillow's, with the marker and without.
# Seen: with it both give (255, 55, 55); the same values without it are (255, 55, 55) to
#   Pillow and (0, 0, 0) to TensorFlow; with all values turned over it is TensorFlow that
#   gives (255, 55, 55), and Pillow (0, 0, 0).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile tensorflow-cpu==2.21.0 pillow==12.0.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/venv/bin/python" - 2>"$folder/log" <<'PYTHON' || { cat "$folder/log"; exit 1; }
import io

import tensorflow as tf
from PIL import Image, ImageChops


def jpeg(image):
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=95)
    return stream.getvalue()


def without_marker(data):
    start = data.index(b"\xff\xee")  # APP14, where Adobe's marker is
    length = int.from_bytes(data[start + 2 : start + 4], "big")
    return data[:start] + data[start + 2 + length :]


def by_tensorflow(data):
    return tf.io.decode_jpeg(data, channels=3)[8, 8].numpy().tolist()


def by_pillow(data):
    return list(Image.open(io.BytesIO(data)).convert("RGB").getpixel((8, 8)))


red = Image.new("CMYK", (16, 16), (0, 200, 200, 0))
files = {
    "marked": jpeg(red),
    "unmarked": without_marker(jpeg(red)),
    "unmarked, turned": without_marker(jpeg(ImageChops.invert(red))),
}
found = {name: (by_tensorflow(data), by_pillow(data)) for name, data in files.items()}
for name, colours in found.items():
    print(f"{name}: TensorFlow, Pillow {colours}")
# marked: TensorFlow, Pillow ([255, 55, 55], [255, 55, 55])
# unmarked: TensorFlow, Pillow ([0, 0, 0], [255, 55, 55])
# unmarked, turned: TensorFlow, Pillow ([255, 55, 55], [0, 0, 0])
assert found["marked"] == ([255, 55, 55], [255, 55, 55])
assert found["unmarked"] == ([0, 0, 0], [255, 55, 55])
assert found["unmarked, turned"] == ([255, 55, 55], [0, 0, 0])
print("seen: without the marker the two decoders give each other's negative")
PYTHON
