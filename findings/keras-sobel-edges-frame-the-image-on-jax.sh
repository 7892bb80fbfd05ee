#!/usr/bin/env bash
# keras.ops.image.sobel_edges finds edges in a plain image on JAX: all around its border. It
# takes what is beyond the image for zeros there; TensorFlow's mirrors the image.
#
# Why it matters: an edge detector is the baseline that saliency maps are compared with
# (Adebayo et al. 2018), and a term of losses for dense outputs. The frame is the strongest
# edge of most pictures: after division by the maximum everything within is faint, and a
# model trained on one backend is fed other edges on the other.
#
# Versions: keras 3.15.1 on jax 0.10.2 and on tensorflow-cpu 2.21.0.
# Expected: no edge in an image of one colour, as by TensorFlow, SciPy and scikit-image.
# Seen on JAX: of an image of 200 everywhere, 800 along all four sides; of a picture with a
#   step from 100 to 150 in its middle, the step has 200 and the border up to 600.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  keras==3.15.1 jax==0.10.2 tensorflow-cpu==2.21.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
cat > sobel.py <<'PYTHON'
import keras
import numpy as np


def edges(image):
    """The larger one of the vertical and the horizontal change at each pixel."""
    found = keras.ops.image.sobel_edges(image[None, :, :, None])
    return np.abs(keras.ops.convert_to_numpy(found))[0, :, :, 0].max(-1)


plain = np.full((8, 8), 200, "float32")
step = np.repeat([100.0, 150.0], 4).astype("float32") * np.ones((8, 1), "float32")
flat, stepped = edges(plain), edges(step)
inner, border = stepped[1:-1, 1:-1].max(), max(stepped[0].max(), stepped[:, -1].max())
print(f"{keras.backend.backend():10} plain image: up to {flat.max()}")
print(f"{keras.backend.backend():10} step: {inner}, border up to {border}")
assert inner == 200 and flat[1:-1, 1:-1].max() == 0
if keras.backend.backend() == "jax":
    assert np.all(flat[[0, -1], 1:-1] == 800) and np.all(flat[1:-1, [0, -1]] == 800)
    assert border == 600
else:
    assert flat.max() == 0 and border == 200
PYTHON
for backend in jax tensorflow; do
  KERAS_BACKEND=$backend venv/bin/python sobel.py 2>log || { cat log; exit 1; }
done
echo "seen: on JAX the border of a plain image is an edge"
