"""The state of a training as arrays with names."""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from comparison import lines

from ltpa_tf.checkpoints import Checkpoints
from ltpa_tf.models.names import variable_paths
from ltpa_tf.optimizers import make_optimizer, make_schedule
from ltpa_tf.training import train
from ltpa_tf.training.state import StateVariables


def state_of(config, model, **options):
    optimizer = make_optimizer(config, model, make_schedule(config, 4))
    options = {"ema": False, "loss_scaling": False} | options
    return StateVariables(model, optimizer, tf.distribute.get_strategy(), **options)


def test_arrays_are_named_by_what_they_are_of(config, source, build):
    config.optimizer.name = "adam"
    model = build()(config, source)
    arrays = state_of(config, model, ema=True).to_arrays()
    assert arrays["trainable.conv2d/kernel"].shape == (3, 3, 3, 6)
    assert arrays["ema.conv2d_1/bias"].shape == (8,)
    assert arrays["optimizer.dense/kernel/momentum"].shape == (8, 3)
    assert arrays["optimizer.dense/kernel/velocity"].shape == (8, 3)
    assert arrays["optimizer.iteration"] == 0
    assert arrays["local.batch_normalization/moving_variance"].shape == (1, 6)
    assert {"loss_scale", "good_steps", "bad_step", "sums"} < arrays.keys()
    # Weights, their average and two slots; iteration, statistics, four more.
    assert len(arrays) == 4 * 8 + 1 + 2 + 4


def test_names_are_the_same_however_many_models_there_were(config, source, build):
    first, second = (build()(config, source) for _ in range(2))
    assert first.layers[2].name != second.layers[2].name
    assert list(variable_paths(first).values()) == list(variable_paths(second).values())


def test_names_that_keras_gives_twice_are_told_apart(config):
    class Twins(keras.layers.Layer):
        def build(self, shape):
            self.first = self.add_weight(shape=(1,), name="twin")
            self.second = self.add_weight(shape=(2,), name="twin")

        def call(self, x):
            return x * self.first + keras.ops.sum(self.second)

    images = keras.Input((1,))
    model = keras.Model(images, Twins(name="twins")(images))
    state = state_of(config, model)
    arrays = state.to_arrays()
    assert arrays["trainable.twins/twin"].shape == (1,)
    assert arrays["trainable.twins/twin#1"].shape == (2,)
    arrays["optimizer.twins/twin/momentum#1"] = np.array([3.0, 4.0], np.float32)
    state.from_arrays(arrays)
    found = state.to_arrays()["optimizer.twins/twin/momentum#1"]
    np.testing.assert_array_equal(found, [3.0, 4.0])


@pytest.mark.parametrize("change", ["missing", "shape", "more"])
def test_arrays_of_another_model_change_nothing(config, source, build, change):
    state = state_of(config, build()(config, source))
    before, other = state.to_arrays(), state.to_arrays()
    other["trainable.conv2d/kernel"] += 1
    kernel = other.pop("trainable.dense/kernel")
    if change == "shape":
        other["trainable.dense/kernel"] = kernel[:, :2]
    elif change == "more":
        other |= {"trainable.dense/kernel": kernel, "trainable.dense_1/kernel": kernel}
    with pytest.raises(ValueError, match="no trainable|more or other"):
        state.from_arrays(other)
    np.testing.assert_equal(state.to_arrays(), before)


@pytest.fixture
def old_run(tmp_path):
    """A run of version 0.1 cut off after step 6, whose checkpoint names by position."""
    kept = Path(__file__).with_name("old_run")
    return shutil.copytree(kept, tmp_path / "old")


SETTINGS = {
    "train.epochs": 4,
    "train.ema": 0.9,
    "augment.crop": 1,
    "checkpoint.every_steps": 3,
    "runtime.steps_per_call": 1,
    "runtime.deterministic": True,
}


def test_a_run_of_before_names_goes_on(
    config, source, build, old_run, tmp_path, capsys
):
    config.update_from_flattened_dict(SETTINGS)
    old, _ = Checkpoints(old_run / "checkpoints", keep=2).latest()
    assert "trainable.000" in old
    train(config, old_run, source=source, build=build())
    assert "Continuing after step 6." in capsys.readouterr().err
    train(config, tmp_path / "new", source=source, build=build())
    # Another machine rounds otherwise.
    for mine, other in zip(lines(old_run), lines(tmp_path / "new"), strict=True):
        assert mine == pytest.approx(other, rel=1e-3, abs=1e-4)
    arrays, _ = Checkpoints(old_run / "checkpoints", keep=2).latest()
    assert "trainable.conv2d/kernel" in arrays


def test_arrays_by_position_are_those_by_name(config, source, build, old_run):
    """Each lands where it belongs: order and shapes alone could hide a swap."""
    old, _ = Checkpoints(old_run / "checkpoints", keep=2).latest()
    model = build()(config, source)
    state = state_of(config, model, ema=True)
    state.from_arrays(old)
    found = state.to_arrays()
    paths = variable_paths(model)
    for i, path in enumerate(paths[id(v)] for v in model.trainable_variables):
        for name, place in {
            f"trainable.{path}": f"trainable.{i:03d}",
            f"ema.{path}": f"ema.{i:03d}",
            f"optimizer.{path}/momentum": f"optimizer.{i + 1:03d}",
        }.items():
            np.testing.assert_array_equal(found[name], old[place])
    statistics = [found[f"local.{paths[id(v)]}"] for v in model.layers[3].variables[2:]]
    np.testing.assert_array_equal(np.concatenate(statistics, 1), old["local"])
