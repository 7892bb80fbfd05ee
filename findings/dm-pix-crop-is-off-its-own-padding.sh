#!/usr/bin/env bash
# dm-pix's center_crop begins a pixel too far down and right if an odd size is cut from an
# even one. An image that was padded by its pad_to_size doesn't come back.
#
# Why it matters: resize_with_crop_or_pad is said to be equivalent to TensorFlow's. Crops of
# 227 from 256, those of AlexNet, or of 27 from 32 lie elsewhere than in the pipeline that the
# network was trained with; maps and masks that are padded and cropped back are shifted.
#
# Versions: dm-pix 0.4.5, jax 0.10.2, tensorflow-cpu 2.21.0.
# Expected: a crop undoes a padding of the same sizes; the same pixels as TensorFlow's.
# Seen: off by one in both directions for 227 from 256 and 27 from 32; right for an even size
#   or one cut from an odd one. Padding alone is TensorFlow's.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile dm-pix==0.4.5 jax==0.10.2 \
  tensorflow-cpu==2.21.0
export JAX_PLATFORMS=cpu TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import dm_pix
import numpy as np
import tensorflow as tf


def places(side):
    """An image whose pixels say where they are, beginning at 1."""
    rows, columns = np.mgrid[1 : side + 1, 1 : side + 1]
    return np.stack([rows, columns], axis=-1).astype("float32")


def begin(image):
    return tuple(int(place) for place in np.asarray(image)[0, 0])


def off(large, small):
    """How far crops lie from TensorFlow's, and an image from where it was padded."""
    ours = dm_pix.resize_with_crop_or_pad(places(large), small, small)
    theirs = tf.image.resize_with_crop_or_pad(places(large), small, small)
    padded = dm_pix.pad_to_size(places(small), large, large)
    truth = tf.image.resize_with_crop_or_pad(places(small), large, large)
    assert (np.asarray(padded) == truth.numpy()).all()
    back = dm_pix.center_crop(padded, small, small)
    assert back.shape == (small, small, 2)
    crop = tuple(np.subtract(begin(ours), begin(theirs)).tolist())
    round_trip = tuple(np.subtract(begin(back), 1).tolist())
    print(f"{small:3} from {large}: {crop} from TensorFlow's, {round_trip} after padding")
    return crop, round_trip


for large, small in ((256, 224), (255, 227), (33, 28)):
    assert off(large, small) == ((0, 0), (0, 0))
for large, small in ((256, 227), (32, 27)):
    assert off(large, small) == ((1, 1), (1, 1))
print("seen: center_crop is a pixel off for odd sizes of even images")
PYTHON
