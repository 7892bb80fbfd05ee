#!/usr/bin/env bash
# On Keras's OpenVINO backend keras.ops.average and keras.ops.moments of uint8 images stay in
# uint8: the sum stops at 255 before it is divided. rgb_to_grayscale, and the layer
# RandomGrayscale, round their weights 0.30, 0.59 and 0.11 to uint8, which is 0.
#
# Why it matters: OpenVINO is Keras's backend for serving on CPUs, and images arrive as bytes.
# A channel's mean, by which images are centred, depends on the number of pixels instead of
# the pixels, and each grey image is black. keras.ops.mean is right, as are floats.
#
# Versions: keras 3.15.1 on openvino 2026.4.1, on jax 0.10.2 and on its numpy backend,
#   numpy 2.3.5.
# Expected: a plain image of 200 averages to 200 and is 199 or 200 as grey.
# Seen: 127 for 1x2 pixels, 63 for 2x2, 15 for 4x4 and 0 for 16x16; as grey 0, for any image.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 openvino==2026.4.1 \
  jax==0.10.2 numpy==2.3.5
export KERAS_HOME="$folder"
cd "$folder"
cat >seen.py <<'PYTHON'
import keras
import numpy as np
from keras import ops


def number(tensor):
    return float(np.unique(ops.convert_to_numpy(tensor))[0])


openvino = keras.backend.backend() == "openvino"
print(f"{keras.backend.backend():8}", end=" ")
for rows, columns in ((1, 2), (2, 2), (4, 4), (16, 16)):
    plain = np.full((1, rows, columns, 3), 200, "uint8")
    flat = plain.reshape(1, rows * columns, 3)
    average = number(ops.average(flat, axis=1))
    centre = number(ops.moments(plain, axes=[1, 2])[0])
    print(f"{rows}x{columns}: {average:.0f} and {centre:.0f}", end=", ")
    assert average == centre == (255 // (rows * columns) if openvino else 200)
    assert number(ops.mean(plain, axis=(1, 2))) == 200
    assert number(ops.average(flat.astype("float32"), axis=1)) == 200

images = np.random.default_rng(0).integers(1, 256, (4, 8, 8, 3), "uint8")
defined = images @ [0.299, 0.587, 0.114]
grey = ops.convert_to_numpy(ops.image.rgb_to_grayscale(images))[..., 0]
layer = keras.layers.RandomGrayscale(1.0)
layered = ops.convert_to_numpy(layer(images, training=True))[..., 0]
floats = ops.convert_to_numpy(ops.image.rgb_to_grayscale(images.astype("float32")))
print(f"grey: {grey.min()} to {grey.max()}")
assert np.abs(floats[..., 0] - defined).max() < 0.1
if openvino:
    assert not grey.any() and not layered.any()
else:
    assert max(np.abs(grey - defined).max(), np.abs(layered - defined).max()) < 1.1
PYTHON
for backend in openvino jax numpy; do
  KERAS_BACKEND=$backend venv/bin/python seen.py 2>log || { cat log; exit 1; }
done
echo "seen: bytes average to 255 over their number, and are black as grey"
