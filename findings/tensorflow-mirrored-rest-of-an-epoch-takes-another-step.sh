#!/usr/bin/env bash
# MirroredStrategy splits the last, short batch of an epoch as evenly as it can, averages the
# loss on each replica over what it got and averages those. Images of the smaller shard weigh
# more, and a replica without any counts as a loss of 0.
#
# Why it matters: the step of the last batch depends on how many devices there are. One image
# left over is stepped by an eighth on eight devices; of two shards with two images and one, the
# single image has twice the say. 50,001 images in batches of 8 on 8 devices, or a small data
# set that isn't a multiple of the batch, train differently for it, while the loss and the
# metrics that fit reports are the same as on one device.
#
# Versions: keras 3.15.1 on tensorflow-cpu 2.21.0, up to four logical CPU devices.
# Expected: the gradient of a batch doesn't depend on how many devices share it.
# Seen: a rest of one image: steps of 1, 1/2 and 1/4 on 1, 2 and 4 devices; a rest of three on
#   two devices: weights of 1/4, 1/4 and 1/2 instead of thirds. Full batches are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 tensorflow-cpu==2.21.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
cat >step.py <<'PYTHON'
import contextlib
import sys

import keras
import numpy as np
import tensorflow as tf

devices = int(sys.argv[1])
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)
strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(devices)])
for rest in (1, 3, 4):
    with strategy.scope() if devices > 1 else contextlib.nullcontext():
        dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
        model = keras.Sequential([keras.Input((4,)), dense])
        model.compile(keras.optimizers.SGD(0.5), "mse")
    # A batch of zeros, which leaves the weights alone, and a rest with one weight per image.
    x = np.concatenate([np.zeros((4, 4)), np.eye(4)[:rest]]).astype("float32")
    y = np.concatenate([np.zeros((4, 1)), np.ones((rest, 1))]).astype("float32")
    loss = model.fit(x, y, batch_size=4, shuffle=False, verbose=0).history["loss"][0]
    shares = model.get_weights()[0].ravel()[:rest].astype(float).round(3).tolist()
    print(f"{devices} devices, rest of {rest}: steps {shares}, reported loss {loss:.3f}")
    even = np.array_split(np.arange(rest), devices)
    split = [[1 / devices / len(shard)] * len(shard) for shard in even if len(shard)]
    assert np.allclose(shares, sum(split, []), atol=1e-3)
    assert abs(loss - rest / (4 + rest)) < 1e-3
PYTHON
for devices in 1 2 4; do
  venv/bin/python step.py $devices 2>log || { cat log; exit 1; }
done
echo "seen: the last batch of an epoch steps by the number of devices"
