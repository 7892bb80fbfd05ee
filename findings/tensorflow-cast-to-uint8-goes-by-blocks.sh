#!/usr/bin/env bash
# tf.cast from float32 to uint8 on a CPU saturates in whole blocks of 32 values and wraps
# the few that are left over: 300 becomes 255 or 44, depending on where it stands.
#
# Why it matters: bicubic resizing and colour changes leave 0..255, and a cast back to
# uint8 follows. A test on a short array sees wrapping, a picture sees clipping, and the
# last pixels of a row of an odd size are speckled. XLA clips all of them.
#
# Versions: tensorflow-cpu 2.21.0, x86-64 with AVX2 or later (the block is the compiler's).
# Expected: one value, one answer.
# Seen: of 33 times 300, 32 give 255 and the last 44; of 33 times -1, the last gives 255.
#   tf.saturate_cast is right everywhere.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile tensorflow-cpu==2.21.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/venv/bin/python" - 2>"$folder/log" <<'PYTHON' || { cat "$folder/log"; exit 1; }
import numpy as np
import tensorflow as tf

high, low = np.full(33, 300.0, "float32"), np.full(33, -1.0, "float32")


def ends(levels):
    return int(levels[0]), int(levels[-1])


compiled = tf.function(lambda x: tf.cast(x, tf.uint8), jit_compile=True)
plain = ends(tf.cast(high, tf.uint8)), ends(tf.cast(low, tf.uint8))
print("cast, first and last of 33:", plain)
print("one value alone           ", int(tf.cast(high[0], tf.uint8)))
print("under XLA                 ", (ends(compiled(high)), ends(compiled(low))))
print("saturate_cast             ", ends(tf.saturate_cast(high, tf.uint8)))
# cast, first and last of 33: ((255, 44), (0, 255))
# one value alone            44
# under XLA                  ((255, 255), (0, 0))
# saturate_cast              (255, 255)
assert plain == ((255, 44), (0, 255))
assert (ends(compiled(high)), ends(compiled(low))) == ((255, 255), (0, 0))
assert ends(tf.saturate_cast(high, tf.uint8)) == (255, 255)
print("seen: the same value is clipped or wrapped by its position")
PYTHON
