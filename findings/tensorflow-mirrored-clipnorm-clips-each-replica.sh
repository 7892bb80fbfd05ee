#!/usr/bin/env bash
# clipnorm and global_clipnorm of a Keras optimizer clip on each replica before the
# gradients are summed: two devices take another step than one, on the same batch.
#
# Why it matters: clipping is set by a run on one GPU and carried to eight. There each
# shard is held to the limit alone, and the sum can be up to eight times as long as the
# limit; opposite outliers, which cancel in a whole batch, no longer do.
#
# Versions: keras 3.15.1 on tensorflow-cpu 2.21.0, two logical CPU devices.
# Expected: the update of a batch doesn't depend on how many devices share it.
# Seen: from weight 0, limit 1, rate 1: -1.0 on one device, -2.0 on two. Without a limit
#   both take the same step.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 tensorflow-cpu==2.21.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/venv/bin/python" - 2>"$folder/log" <<'PYTHON' || { cat "$folder/log"; exit 1; }
import contextlib

import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def weight_after_a_step(devices, **limit):
    with strategy.scope() if devices == 2 else contextlib.nullcontext():
        model = keras.Sequential(
            [keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros", use_bias=False)]
        )
        model.compile(keras.optimizers.SGD(1.0, **limit), "mse")
    x, y = np.full((2, 1), 10, "float32"), np.full((2, 1), -10, "float32")
    model.fit(x, y, batch_size=2, verbose=0)
    return float(model.get_weights()[0][0, 0])


seen = {}
for limit in ({}, {"clipnorm": 1.0}, {"global_clipnorm": 1.0}):
    seen[tuple(limit)] = [weight_after_a_step(devices, **limit) for devices in (1, 2)]
    print(limit or "no limit", "one device, two devices:", seen[tuple(limit)])
# no limit one device, two devices: [-200.0, -200.0]
# {'clipnorm': 1.0} one device, two devices: [-1.0, -2.0]
# {'global_clipnorm': 1.0} one device, two devices: [-1.0, -2.0]
assert seen[()][0] == seen[()][1]
assert seen[("clipnorm",)] == seen[("global_clipnorm",)] == [-1.0, -2.0]
print("seen: the limit holds for each replica, not for the step")
PYTHON
