#!/usr/bin/env bash
# keras.ops.image.gaussian_blur, called as in its docstring, takes images for channels-first
# on JAX: it blurs along width and colours, and not along height. On TensorFlow a kernel of
# unequal sides is laid out in the wrong order: a square of scrambled weights, no Gaussian.
#
# Why it matters: blurred images are baselines of insertion, RISE and integrated gradients,
# and augmentation. Colours run into each other, and plain areas get darker, with shapes as
# they should be and no error. keras.layers.RandomGaussianBlur has TensorFlow's fault, too.
#
# Versions: keras 3.15.1 on jax 0.10.2 and on tensorflow-cpu 2.21.0.
# Expected: "(batch, height, width, channels)", the default; a grey image stays grey; a
#   kernel that falls from its middle, "height and width": 3 rows and 5 columns.
# Seen on JAX: of a red point 27% turns green and 27% is lost, none goes to the rows beside
#   it, a plain image of 1 becomes 0.45; (3, 5) means 5 rows and 3 columns. On TensorFlow
#   with (3, 5), the middle column has the least weight of five.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  keras==3.15.1 jax==0.10.2 tensorflow-cpu==2.21.0
cat >"$folder/blur.py" <<'PYTHON'
import keras
import numpy as np

backend = keras.backend.backend()


def blurred(image, **settings):
    result = keras.ops.image.gaussian_blur(image[None], **settings)
    return keras.ops.convert_to_numpy(result)[0]


plain = np.ones((9, 9, 1), "float32")
point = np.zeros((9, 9, 3), "float32")
point[4, 4, 0] = 1
middle = float(blurred(plain)[4, 4, 0])
spread = blurred(point)
rows, colours = spread.sum((1, 2)).round(2), spread.sum((0, 1)).round(2)
print(f"{backend}: middle of a plain image of 1: {middle:.2f}")
print(f"{backend}: a red point by rows {rows[3:6]}, by colours {colours}")
named = blurred(point, data_format="channels_last", kernel_size=(3, 5), sigma=(1, 2))
columns = named[:, :, 0].sum(0).round(3)[2:7]
print(f"{backend}: kernel_size=(3, 5), sigma=(1, 2), by columns {columns}")
gaussian = np.exp(-0.5 * (np.arange(-2, 3) / 2) ** 2)
print(f"        as it would be:                          {gaussian / gaussian.sum()}")
if backend == "jax":
    assert 0.4 < middle < 0.5
    assert rows[3] == rows[5] == 0 and colours[1] > 0.1
    assert columns[0] == columns[4] == 0  # three columns and five rows
else:
    assert round(middle, 3) == 1
    assert colours[1] == colours[2] == 0 and rows[3] > 0.2
    assert columns[2] < columns[0]
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
for backend in jax tensorflow; do
  KERAS_BACKEND=$backend venv/bin/python blur.py 2>log || { cat log; exit 1; }
done
echo "seen: JAX blurs colours and not rows, TensorFlow's uneven kernel is scrambled"
