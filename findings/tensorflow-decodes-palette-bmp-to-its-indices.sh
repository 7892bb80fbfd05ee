#!/usr/bin/env bash
# tf.io.decode_bmp and tf.io.decode_image take a BMP with a palette and return the indices
# into it as grey values: the picture is nearly black, and nothing is said.
#
# Why it matters: 8-bit BMPs are what many microscopes, scanners and older data sets hold.
# tf.keras.utils.image_dataset_from_directory lists .bmp among its formats and decodes by
# the same function, so a model trains on palettes' numbering.
#
# Versions: tensorflow-cpu 2.21.0, files written by pillow 12.0.0.
# Expected: the colours of the palette, as of the same picture as PNG or GIF; or an error.
# Seen: red and blue, (200, 30, 40) and (20, 60, 220), come out as (0, 0, 0) and (1, 1, 1);
#   asked for as many channels as the file has, one: a grey image of zeros and ones.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile tensorflow-cpu==2.21.0 pillow==12.0.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/venv/bin/python" - 2>"$folder/log" <<'PYTHON' || { cat "$folder/log"; exit 1; }
import io

import tensorflow as tf
from PIL import Image

picture = Image.new("P", (8, 4))
picture.putpalette([200, 30, 40, 20, 60, 220])
picture.paste(1, (4, 0, 8, 4))  # the right half has the second colour


def encoded(kind):
    stream = io.BytesIO()
    picture.save(stream, kind)
    return stream.getvalue()


def corners(image):
    return image[0, 0].numpy().tolist(), image[0, -1].numpy().tolist()


found = {
    kind: corners(
        tf.io.decode_image(encoded(kind), channels=3, expand_animations=False)
    )
    for kind in ("BMP", "PNG", "GIF")
}
for kind, colours in found.items():
    print(kind, colours)
own = tf.io.decode_bmp(encoded("BMP"))
print("decode_bmp:", own.shape, corners(own))
# BMP ([0, 0, 0], [1, 1, 1])
# PNG ([200, 30, 40], [20, 60, 220])
# GIF ([200, 30, 40], [20, 60, 220])
# decode_bmp: (4, 8, 1) ([0], [1])
assert found["PNG"] == found["GIF"] == ([200, 30, 40], [20, 60, 220])
assert found["BMP"] == ([0, 0, 0], [1, 1, 1])
assert corners(own) == ([0], [1])
print("seen: a palette's indices as grey values, without an error")
PYTHON
