#!/usr/bin/env bash
# Under MirroredStrategy each replica keeps moving statistics of its own in a
# BatchNormalization: two copies of an image in one predict call get two answers, and a
# saved file holds the statistics of one replica.
#
# Why it matters: the accuracy that evaluate reports is a mixture of as many models as
# there are devices, and none of them has to be the one in the file.
#
# Versions: keras 3.15.1 on tensorflow-cpu 2.21.0, two logical CPU devices.
# Expected: one image, one answer; the file holds what was evaluated.
# Seen: moving means of 0 and 1, predictions for 0.5 of opposite sign, and the mean of
#   replica 0 in the file. synchronized=True gives one answer and the data's mean.
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
x = np.repeat([0.0, 1.0], 4).astype("float32")[:, None]  # a replica gets zeros, the other ones


def trained(synchronized):
    with strategy.scope():
        norm = keras.layers.BatchNormalization(momentum=0.0, synchronized=synchronized)
        model = keras.Sequential([keras.Input((1,)), norm])
        model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(x, x, batch_size=8, shuffle=False, verbose=0)
    answers = model.predict(np.full((2, 1), 0.5, "float32"), batch_size=2, verbose=0)
    model.save("model.keras")
    saved = keras.models.load_model("model.keras").layers[0].moving_mean
    return [round(float(answer), 2) for answer in answers[:, 0]], float(saved[0])


own, shared = trained(False), trained(True)
print("one image, twice; mean in the file:", *own)
print("the same, synchronized:            ", *shared)
# one image, twice; mean in the file: [15.81, -15.81] 0.0
# the same, synchronized:             [0.0, 0.0] 0.5
assert own == ([15.81, -15.81], 0.0)
assert shared == ([0.0, 0.0], 0.5)
print("seen: two replicas are two models, and one of them is saved")
PYTHON
