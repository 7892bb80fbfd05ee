#!/usr/bin/env bash
# Conv2D with groups, on Keras's TensorFlow backend and a CPU, takes a hundred times as
# long as the same depthwise convolution by another name.
#
# Why it matters: ConvNeXt of keras.applications and MobileNet of KerasHub are built of
# Conv2D(groups=channels). Keras sends all grouped convolutions through XLA, "broken on
# CPU without" says a comment, and XLA's kernel for them is a plain loop. TensorFlow's own
# kernel takes them, and DepthwiseConv2D gives the same numbers. An export keeps the detour.
#
# Versions: keras 3.15.1, tensorflow-cpu 2.21.0.
# Expected: the same layer takes about the same time, however it is written.
# Seen: 7x7 over 8 maps of 56x56x96 (ConvNeXt-Tiny's first block), compiled, in turns, the
#   best of five on 2 cores: DepthwiseConv2D 9.9 ms, TensorFlow's own grouped convolution
#   9.7 ms, Keras's 1,191 ms; all three give the same numbers.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 tensorflow-cpu==2.21.0
export KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/venv/bin/python" - 2>"$folder/log" <<'PYTHON' || { cat "$folder/log"; exit 1; }
import time

import keras
import numpy as np
import tensorflow as tf

x = tf.constant(np.random.default_rng(0).normal(size=(8, 56, 56, 96)).astype("float32"))
grouped = keras.layers.Conv2D(96, 7, padding="same", groups=96, use_bias=False)
depthwise = keras.layers.DepthwiseConv2D(7, padding="same", use_bias=False)
grouped.build(x.shape)
depthwise.build(x.shape)
kernel = grouped.get_weights()[0]
depthwise.set_weights([kernel.transpose(0, 1, 3, 2)])
forms = {
    "Conv2D(groups=96)": grouped,
    "tf.nn.convolution": lambda x: tf.nn.convolution(x, kernel, padding="SAME"),
    "DepthwiseConv2D": depthwise,
}
compiled = {name: tf.function(form) for name, form in forms.items()}
expected = compiled["DepthwiseConv2D"](x)
for name, form in compiled.items():
    np.testing.assert_allclose(form(x), expected, atol=1e-5)
best = dict.fromkeys(compiled, np.inf)
for _ in range(5):
    for name, form in compiled.items():
        start = time.perf_counter()
        form(x).numpy()
        best[name] = min(best[name], 1000 * (time.perf_counter() - start))
for name, milliseconds in best.items():
    print(f"{name:18} {milliseconds:7.1f} ms")
assert best["Conv2D(groups=96)"] > 10 * best["DepthwiseConv2D"]
print("seen: a grouped convolution takes 10 times as long as itself, or more")
PYTHON
