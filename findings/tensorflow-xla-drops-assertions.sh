#!/usr/bin/env bash
# Under jit_compile=True TensorFlow leaves out tf.debugging.assert_* and check_numerics
# without a word, and an index past the end of a gather takes the last entry.
#
# Why it matters: guards on labels, shapes of batches and NaN are written as assertions.
# They work in the debugging run and are gone in the fast one; a label past the number of
# classes then reads the last row of a table where the plain run stops.
#
# Versions: tensorflow-cpu 2.21.0.
# Expected: an error in both, as both run the same function.
# Seen: plain, three errors; compiled, [nan, 5] passes both guards and index 5 of 3 gives
#   entry 2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile tensorflow-cpu==2.21.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/venv/bin/python" - 2>"$folder/log" <<'PYTHON' || { cat "$folder/log"; exit 1; }
import numpy as np
import tensorflow as tf


def guard_range(x):
    tf.debugging.assert_less(x, 1.0)
    return x + 0


def guard_numbers(x):
    return tf.debugging.check_numerics(x, "not a number") + 0


def look_up(index):
    return tf.gather(tf.constant([10.0, 20.0, 30.0]), index)


cases = {
    "assert_less": (guard_range, tf.constant([0.5, 5.0])),
    "check_numerics": (guard_numbers, tf.constant([np.nan, 5.0])),
    "gather": (look_up, tf.constant([0, 5])),
}
seen = {}
for name, (function, argument) in cases.items():
    for compiled in (False, True):
        try:
            answer = tf.function(function, jit_compile=compiled)(argument).numpy().tolist()
        except tf.errors.InvalidArgumentError:
            answer = "InvalidArgumentError"
        seen[name, compiled] = answer
        print(f"{name:15}", "XLA  " if compiled else "plain", answer)
# assert_less     plain InvalidArgumentError
# assert_less     XLA   [0.5, 5.0]
# check_numerics  plain InvalidArgumentError
# check_numerics  XLA   [nan, 5.0]
# gather          plain InvalidArgumentError
# gather          XLA   [10.0, 30.0]
assert all(seen[name, False] == "InvalidArgumentError" for name in cases)
assert seen["assert_less", True] == [0.5, 5.0]
assert np.isnan(seen["check_numerics", True][0])
assert seen["gather", True] == [10.0, 30.0]
print("seen: XLA runs without the guards")
PYTHON
