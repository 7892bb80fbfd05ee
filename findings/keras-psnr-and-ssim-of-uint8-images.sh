#!/usr/bin/env bash
# keras.ops.nn.psnr squares the differences of uint8 images in uint8: 16 levels squared are
# 256, which is 0, so two different images are equal to it. And keras.ops.image.ssim of uint8
# images is a uint8: every similarity below 1 comes out as 0.
#
# Why it matters: both compare pictures, and pictures are uint8; SSIM is how a sanity check
# of saliency maps (Adebayo et al. 2018) tells whether a map depends on the weights. There
# 0 reads as "passed": maps that are the same to the eye are called unlike. tf.image and
# scikit-image turn pixels into floats first.
#
# Versions: keras 3.15.1 on jax 0.10.2 and tensorflow-cpu 2.21.0, scikit-image 0.26.0.
# Expected: 24.05 dB for images that are 16 levels apart everywhere, 8.8 dB for two of noise;
#   SSIM close to 1 for images that differ by a little noise; as they are in float32.
# Seen: infinite for the first, 28.0 dB for noise; SSIM 0 (uint8) where it is 0.998.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile \
  keras==3.15.1 jax==0.10.2 tensorflow-cpu==2.21.0 \
  scikit-image==0.26.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
cat > compare.py <<'PYTHON'
import keras
import numpy as np
from skimage.metrics import structural_similarity

random = np.random.default_rng(0)
image = random.integers(20, 230, (1, 32, 32, 1)).astype("uint8")
brighter = image + np.uint8(16)
other = random.integers(0, 256, image.shape).astype("uint8")
noisy = (image + random.integers(-5, 6, image.shape)).astype("uint8")
as_floats = [values.astype("float32") for values in (image, brighter, other, noisy)]


def measures(image, brighter, other, noisy):
    """PSNR of 16 levels, PSNR of noise, SSIM under a little noise; the last one's type."""
    values = [
        keras.ops.nn.psnr(image, brighter, 255),
        keras.ops.nn.psnr(image, other, 255),
        keras.ops.image.ssim(image, noisy, 255.0)[0],
    ]
    values = [keras.ops.convert_to_numpy(value) for value in values]
    return [round(float(value), 3) for value in values], str(values[-1].dtype)


wrong, kind = measures(image, brighter, other, noisy)
right, _ = measures(*as_floats)
similar = structural_similarity(image[0, ..., 0], noisy[0, ..., 0])
print(f"{keras.backend.backend():10} uint8  ", wrong, kind)
print(f"{keras.backend.backend():10} float32", right, "scikit-image", round(similar, 3))
assert right[0] == 24.048 and 7 < right[1] < 9
assert right[2] > 0.99 and abs(right[2] - similar) < 0.01
assert wrong[0] == np.inf and 27 < wrong[1] < 29
assert wrong[2] == 0 and kind == "uint8"
PYTHON
for backend in jax tensorflow; do
  KERAS_BACKEND=$backend venv/bin/python compare.py 2>log || { cat log; exit 1; }
done
echo "seen: PSNR of uint8 images wraps, their SSIM is 0 or 1"
