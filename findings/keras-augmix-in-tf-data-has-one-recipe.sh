#!/usr/bin/env bash
# keras.layers.AugMix chooses its operations by Python's random module. In tf.data, where a
# function is traced once, that choice is made once: one recipe for every batch of every
# epoch. And `seed` doesn't set it: two runs with one seed train on other operations.
#
# Why it matters: AugMix is its variety of chains, and the layer is documented as safe in
# tf.data. What is drawn there is one of its recipes, at times one without any operation,
# and which one is left to chance.
#
# Versions: keras 3.15.1 on tensorflow-cpu 2.21.0.
# Expected: other operations for other batches; the same for the same seed.
# Seen: 30 eager calls use 30 recipes; a pipeline has one in its graph, for all 200 batches
#   of two epochs; of four layers with the same seed each has another one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 tensorflow-cpu==2.21.0
export KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
venv/bin/python - 2>log <<'PYTHON' || { cat log; exit 1; }
import keras
import numpy as np
import tensorflow as tf

image = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3)).astype("float32")


def watched(used):
    """An AugMix whose inner layers write their names into a list when they are called."""
    layer = keras.layers.AugMix(factor=0.3, seed=1)

    def tell(inner):
        transform = inner.transform_images

        def told(*arguments, **settings):
            used.append(type(inner).__name__)
            return transform(*arguments, **settings)

        inner.transform_images = told

    for inner in layer._flatten_layers(include_self=False):
        tell(inner)
    return layer


def eager(calls):
    """The recipe of each call."""
    used, recipes = [], []
    layer = watched(used)
    for _ in range(calls):
        used.clear()
        layer(image, training=True)
        recipes.append(tuple(used))
    return recipes


def in_pipeline(batches):
    """The operations that were put into the graph, and those chosen by two epochs after."""
    used = []
    layer = watched(used)
    images = tf.data.Dataset.from_tensors(image).repeat(batches)
    images = images.map(lambda x: layer(x, training=True))
    graph = tuple(used)
    used.clear()
    seen = [batch.numpy() for _ in range(2) for batch in images]
    assert len(seen) == 2 * batches
    return graph, tuple(used)


recipes = set(eager(30))
graphs = [in_pipeline(100) for _ in range(4)]
print("recipes of 30 eager calls:", len(recipes))
for graph, later in graphs:
    print("in tf.data, for 200 batches:", *graph)
    assert not later  # nothing is chosen after the trace
assert len(recipes) > 20
assert len({graph for graph, _ in graphs}) > 1
print("seen: one recipe for a whole training, not set by the seed")
PYTHON
