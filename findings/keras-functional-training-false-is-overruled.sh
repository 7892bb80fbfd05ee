#!/usr/bin/env bash
# `base(inputs, training=False)` in a functional Keras 3 model is overruled by fit: the
# batch norm of the base trains, though the call says it must not.
#
# Why it matters: this line is how Keras's guide to transfer learning keeps a pretrained
# network's statistics while its weights are fine-tuned. In a functional model they are
# overwritten by the new, small data set's, silently; in a subclassed model with the same
# line they stay.
#
# Versions: keras 3.15.1 on jax 0.10.2; told of Keras 3 in its issue 20285, of 2024.
# Expected: an argument that is given outranks what fit passes on, as in a subclassed model.
# Seen: after one step on inputs around 5 the moving mean has moved, both where a layer and
#   where a model is called with training=False; in the subclassed model it has not. With
#   trainable = False it stays in all three.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2
export KERAS_BACKEND=jax
"$folder/venv/bin/python" - 2>"$folder/log" <<'PYTHON' || { cat "$folder/log"; exit 1; }
import keras
import numpy as np

x = np.random.default_rng(0).normal(5, 2, (64, 4)).astype("float32")
y = np.zeros((64, 1), "float32")


def base():
    images = keras.Input((4,))
    return keras.Model(images, keras.layers.BatchNormalization(name="norm")(images))


def of_layer(part):
    images = keras.Input((4,))
    norm = part.get_layer("norm")
    return keras.Model(images, keras.layers.Dense(1)(norm(images, training=False)))


def of_model(part):
    images = keras.Input((4,))
    return keras.Model(images, keras.layers.Dense(1)(part(images, training=False)))


class OfSubclass(keras.Model):
    def __init__(self, part):
        super().__init__()
        self.part, self.dense = part, keras.layers.Dense(1)

    def call(self, images):
        return self.dense(self.part(images, training=False))


def moved(make, trainable=True):
    part = base()
    part.get_layer("norm").trainable = trainable
    model = make(part)
    model.compile("sgd", "mse")
    model.fit(x, y, epochs=1, batch_size=64, verbose=0)
    return bool(np.abs(part.get_layer("norm").moving_mean).max() > 0)


for make in (of_layer, of_model, OfSubclass):
    print(make.__name__, "training=False:", moved(make), "frozen too:", moved(make, False))
# of_layer training=False: True frozen too: False
# of_model training=False: True frozen too: False
# OfSubclass training=False: False frozen too: False
assert moved(of_layer) and moved(of_model) and not moved(OfSubclass)
assert not any(moved(make, False) for make in (of_layer, of_model, OfSubclass))
print("seen: fit overrules training=False in functional models")
PYTHON
