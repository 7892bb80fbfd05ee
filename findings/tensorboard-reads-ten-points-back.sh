#!/usr/bin/env bash
# TensorBoard's EventAccumulator, read with its defaults, hands back 10 of the 1,000 points
# of a scalar that TensorFlow 2 wrote: TF2 scalars are tensors, and 10 is what it keeps of
# those, drawn at random (10,000 of what it calls scalars).
#
# Why it matters: scripts that read runs back for a figure or for the best epoch get ten
# points with gaps between them, and no warning. The last point is always among them, so a
# final value looks right and a maximum is usually not.
#
# Versions: tensorboard 2.21.0, tensorflow-cpu 2.21.0.
# Expected: all points, or the 10,000 of its documentation for scalars.
# Seen: 10 of 1,000, no scalars at all; all 1,000 with size_guidance={"tensors": 0}.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile tensorflow-cpu==2.21.0 tensorboard==2.21.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

with tf.summary.create_file_writer("run").as_default():
    for step in range(1000):
        tf.summary.scalar("accuracy", 1 - abs(step - 500) / 1000, step=step)


def read(**settings):
    events = EventAccumulator("run", **settings)
    events.Reload()
    points = [
        (event.step, float(tf.make_ndarray(event.tensor_proto)))
        for event in events.Tensors("accuracy")
    ]
    return events.Tags()["scalars"], points


scalars, points = read()
_, everything = read(size_guidance={"tensors": 0})
print("scalars listed          :", scalars)
print("points by default       :", len(points), "steps", [step for step, _ in points])
print("with no limit on tensors:", len(everything))
print("best accuracy           :", max(v for _, v in points), "of", max(v for _, v in everything))
assert scalars == []
assert len(points) == 10 and points[-1][0] == 999
assert len(everything) == 1000
print("seen: a hundredth of the curve is read")
PYTHON
