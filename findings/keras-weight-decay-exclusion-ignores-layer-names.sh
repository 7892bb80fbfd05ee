#!/usr/bin/env bash
# exclude_from_weight_decay(var_names=[...]) of a Keras optimizer matches the short name
# of a variable ("gamma", "kernel"), never its path. A layer's name matches nothing, and
# nothing says so.
#
# Why it matters: "batch_normalization" or "head" in that list is how recipes keep
# normalisation or a fresh head out of weight decay. Here those weights go on decaying.
#
# Versions: keras 3.15.1 on jax 0.10.2 (the code is the same on every backend).
# Expected: after excluding "batch_normalization" with zero gradients, its gamma stays 1.
# Seen: gamma decays as before. "gamma" works, and then for every layer that has one;
#   `var_list` with the variables themselves works too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq --no-compile keras==3.15.1 jax==0.10.2
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras


def gamma_after_a_step(**exclude):
    keras.utils.clear_session()
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(4), keras.layers.BatchNormalization()]
    )
    optimizer = keras.optimizers.AdamW(0.1, weight_decay=0.5)
    gamma = model.layers[1].gamma
    if exclude.pop("variable", False):
        exclude["var_list"] = [gamma]
    optimizer.exclude_from_weight_decay(**exclude)
    optimizer.build(model.trainable_variables)
    zeros = [keras.ops.zeros(v.shape) for v in model.trainable_variables]
    optimizer.apply(zeros, model.trainable_variables)
    return gamma.path, round(float(gamma[0]), 4)


path, by_layer = gamma_after_a_step(var_names=["batch_normalization"])
_, by_path = gamma_after_a_step(var_names=[path])
_, by_name = gamma_after_a_step(var_names=["gamma"])
_, by_variable = gamma_after_a_step(variable=True)
print("path of the variable       ", path)
print("gamma, layer name excluded ", by_layer)
print("gamma, whole path excluded ", by_path)
print("gamma, 'gamma' excluded    ", by_name)
print("gamma, variable excluded   ", by_variable)
# path of the variable        sequential/batch_normalization/gamma
# gamma, layer name excluded  0.95
# gamma, whole path excluded  0.95
# gamma, 'gamma' excluded     1.0
# gamma, variable excluded    1.0
assert by_layer == by_path == 0.95
assert by_name == by_variable == 1.0
print("seen: a layer's name excludes nothing from weight decay")
PYTHON
