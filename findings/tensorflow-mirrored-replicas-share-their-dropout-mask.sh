#!/usr/bin/env bash
# Under MirroredStrategy every replica draws the same dropout mask and the same random
# augmentation: the layers' seeds are mirrored, and each replica advances its own copy.
#
# Why it matters: n shards of a batch share one mask, so the noise of a step is that of a
# batch n times smaller, and "the same recipe on eight GPUs" regularises differently from
# one. On JAX's device meshes the draws differ across devices.
#
# Versions: keras 3.15.1 on tensorflow-cpu 2.21.0, two logical CPU devices.
# Expected: independent draws on independent data.
# Seen: all 64 entries of the masks agree, and one image is shifted alike on both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 tensorflow-cpu==2.21.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    dropout = keras.layers.Dropout(0.5, seed=1)
    shift = keras.layers.RandomTranslation(0.3, 0.3, seed=1)
image = tf.random.stateless_uniform((1, 8, 8, 1), seed=(1, 2))


def replicas(function):
    both = strategy.experimental_local_results(strategy.run(function))
    return [result.numpy() for result in both]


masks = [replicas(lambda: dropout(tf.ones((1, 64)), training=True)) for _ in range(3)]
shifted = replicas(lambda: shift(image, training=True))
print("kept in three draws:", [int((first > 0).sum()) for first, _ in masks])
print("replicas agree     :", [np.array_equal(*both) for both in masks])
print("shifted images     :", np.array_equal(*shifted))
# kept in three draws: three numbers near 32
# replicas agree     : [True, True, True]
# shifted images     : True
assert all(0 < (first > 0).sum() < 64 for first, _ in masks)
assert not np.array_equal(masks[0][0], masks[1][0]), "a new draw each time"
assert all(np.array_equal(*both) for both in masks) and np.array_equal(*shifted)
print("seen: one draw for all replicas")
PYTHON
