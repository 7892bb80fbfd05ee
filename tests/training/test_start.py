"""From a config to a run folder: where data is, and what a failed start leaves."""

import dataclasses
import re
import time

import keras
import numpy as np
import pytest
import tiny

from ltpa_tf import data
from ltpa_tf.errors import SettingError
from ltpa_tf.run import RunFolder
from ltpa_tf.run_inputs import load_data
from ltpa_tf.training import train
from ltpa_tf.training.model import take_weights
from ltpa_tf.training.progress import header
from ltpa_tf.training.trainer import class_weights


@pytest.fixture
def npz(tmp_path):
    """The tiny data as a file, and a config that names it by a relative path."""
    source = tiny.make_source()
    arrays = {
        f"{letter}_{part}": array
        for part, split in (("train", source.train), ("test", source.test))
        for letter, array in (("x", split.array), ("y", split.labels))
    }
    np.savez(tmp_path / "set.npz", **arrays)
    config = tiny.make_config()
    config.data.name = "npz"
    config.data.dir = "set.npz"
    config.train.epochs = 1
    return config


def test_a_run_knows_where_its_data_is(npz, tmp_path, monkeypatch, build, capsys):
    monkeypatch.chdir(tmp_path)
    train(npz, "run", build=build())
    run = RunFolder(tmp_path / "run")
    assert run.read_config().data.dir == str(tmp_path / "set.npz")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert len(run.load_split("test")) == 10

    # Moved: the complete run takes the new place, but only for the same data.
    moved = tmp_path / "moved.npz"
    (tmp_path / "set.npz").rename(moved)
    with pytest.raises(SettingError, match="data.dir: .*--data_dir says where"):
        run.load_split("test")
    assert len(RunFolder(run.path, str(moved)).load_split("test")) == 10
    arrays = dict(np.load(moved))
    np.savez(tmp_path / "other.npz", **{**arrays, "y_test": arrays["y_test"][::-1]})
    npz.data.dir = str(tmp_path / "other.npz")
    with pytest.raises(SettingError, match="changed since"):
        train(npz, run.path, build=build())
    npz.data.dir = "../moved.npz"
    train(npz, run.path, build=build())
    assert f"found in {moved} from now on" in capsys.readouterr().out
    assert len(run.load_split("test")) == 10


@pytest.mark.parametrize("existed", [False, True])
def test_a_failed_start_leaves_no_folder_behind(npz, tmp_path, build, existed):
    (tmp_path / "kept").mkdir()
    run = tmp_path / "kept" / "runs" / "mine"
    if existed:
        run.mkdir(parents=True)
    npz.data.dir = str(tmp_path / "nowhere.npz")
    with pytest.raises(SettingError, match="nowhere.npz"):
        train(npz, run, build=build())
    assert run.exists() == run.parent.exists() == existed
    assert (tmp_path / "kept").exists()


@pytest.fixture
def first(npz, tmp_path, monkeypatch, build):
    """A finished run, the first."""
    monkeypatch.chdir(tmp_path)
    train(npz, "first", build=build())
    return RunFolder(tmp_path / "first")


def weights(run, which="final"):
    return run.load_model(which).get_weights()


def test_a_run_starts_from_another_ones_weights(first, npz, tmp_path, build, capsys):
    npz.seed = 5
    npz.train.init_from = "first"
    npz.optimizer.learning_rate = 1e-9  # so small that the start can be seen
    train(npz, "second", build=build())
    second = RunFolder("second")
    assert f"from the weights of {first.path}." in capsys.readouterr().out
    learned = [w.trainable_weights for w in (first.load_model(), second.load_model())]
    for one, other in zip(*learned, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert second.read_config().train.init_from == str(first.path)


class Crash(Exception):
    """A defect in the middle of a run."""


class CrashOnceSaved(keras.callbacks.Callback):
    """Raises in the second epoch, when a checkpoint is written, which takes a while."""

    def __init__(self, run):
        super().__init__()
        self.run = run

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            end = time.monotonic() + 30
            while not any(self.run.checkpoints.glob("*.json")):
                assert time.monotonic() < end, "no checkpoint was written"
                time.sleep(0.01)
            raise Crash


def test_a_run_that_goes_on_needs_its_first_weights_no_more(
    first, npz, tmp_path, build
):
    npz.train.init_from = str(first.model_file)
    npz.train.epochs = 2
    npz.checkpoint.every_steps = 1
    train(npz, "whole", build=build())
    crash = CrashOnceSaved(RunFolder(tmp_path / "cut"))
    with pytest.raises(Crash):
        train(npz, "cut", build=build(), callbacks=[crash])
    first.model_file.unlink()
    train(npz, "cut", build=build())
    whole, cut = (weights(RunFolder(tmp_path / name)) for name in ("whole", "cut"))
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_number_of_classes_costs_the_classifier_alone(tmp_path):
    def model(classes):
        inputs = keras.Input((4,))
        x = keras.layers.Dense(3, name="first")(inputs)
        return keras.Model(inputs, keras.layers.Dense(classes, name="last")(x))

    old, new = model(2), model(5)
    old.save(tmp_path / "old.keras")
    before = new.get_layer("last").get_weights()
    assert take_weights(new, str(tmp_path / "old.keras")) == ["last"]
    for layer, expected in (
        ("first", old.get_layer("first").get_weights()),
        ("last", before),
    ):
        for one, other in zip(
            new.get_layer(layer).get_weights(), expected, strict=True
        ):
            np.testing.assert_array_equal(one, other)


def test_as_many_other_classes_cost_the_classifier_too(first, npz, build):
    config = first.read_config()
    source = load_data(config)
    old, new = first.load_model(), build()(config, source)
    names = list(source.class_names)
    assert take_weights(new, str(first.path), names) == []
    new = build()(config, source)
    last = new.layers[-1].name
    before = new.layers[-1].get_weights()
    assert take_weights(new, str(first.path), names[::-1]) == [last]
    for one, other in zip(new.layers[-1].get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(new.get_weights()[0], old.get_weights()[0])


def test_nothing_to_start_from_is_refused(tmp_path):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(2, name="other")(inputs))
    model.save(tmp_path / "a.keras")
    wider = keras.Input((9,))
    other = keras.Model(wider, keras.layers.Dense(3)(wider))
    with pytest.raises(SettingError, match="train.init_from: .*same names and shapes"):
        take_weights(other, str(tmp_path / "a.keras"))
    with pytest.raises(SettingError, match="train.init_from: .*finished run"):
        take_weights(other, str(tmp_path / "nothing"))
    with pytest.raises(SettingError, match="no .*model.keras|has written model.keras"):
        take_weights(other, str(tmp_path))


def test_more_epochs_are_told_their_way(first, npz, build):
    npz.train.epochs = 3
    with pytest.raises(SettingError, match="train.epochs = 1.*--init_from=.*first"):
        train(npz, first.path, build=build())


def test_class_weights_are_scikit_learns_and_their_mean_is_one():
    config, source = tiny.make_config(), tiny.make_source()
    rare = source.train.subset(np.array([0, 3, 6, 9, 12, 1, 4, 2]))  # 5, 2 and 1
    source = dataclasses.replace(source, train=rare)
    assert class_weights(config, source) == ()
    config.train.class_weights = "balanced"
    found = np.array(class_weights(config, source))
    np.testing.assert_allclose(found, 8 / (3 * np.array([5, 2, 1])))
    assert found[rare.labels].mean() == pytest.approx(1)


def test_the_header_tells_images_classes_and_imbalance(build):
    config, source = tiny.make_config(), tiny.make_source()
    model = build()(config, source)
    (line,) = header(config, source, model, timed=False)
    assert "70 training, 23 validation, 10 test images of 8x8 in 3 classes" in line
    rare = source.train.subset(np.array([0, 3, 6, 9, 12, 1, 4, 2]))
    source = dataclasses.replace(source, train=rare)
    _, balance, time = header(config, source, model, timed=True)
    assert "1 training image of 'blue', 5 of 'red'; train.class_weights" in balance
    assert time.startswith("About 1 second on this machine")


def test_parts_that_were_made_smaller_in_other_ways_are_told_apart(build):
    """The mean of 2x2 pixels, and one of each 2x2 pixels."""
    config = tiny.make_config()
    noise = np.random.default_rng(0).integers(0, 256, (120, 8, 8, 3))
    large = noise.repeat(4, 1).repeat(4, 2)[:, 1:-1, 1:-1]
    large += np.random.default_rng(1).integers(-60, 60, large.shape)
    large = large.clip(0, 255)
    mean = large.reshape(120, 15, 2, 15, 2, 3).mean((2, 4)).astype(np.uint8)
    one = large[:, ::2, ::2].astype(np.uint8)
    labels = np.arange(120) % 3

    def said(train, test):
        source = dataclasses.replace(
            tiny.make_source(),
            train=data.array_split(train, labels[: len(train)]),
            test=data.array_split(test, labels[: len(test)]),
        )
        return header(config, source, None, timed=False)[1:]

    (line,) = said(mean, one)
    assert re.match(r"The test images are 1\.[3-9]\d times as sharp as the train", line)
    assert "augment.sharpness=2.0" in line
    (line,) = said(one, mean)
    assert "are 0." in line
    assert said(mean[:100], mean[20:]) == []


def test_hours_come_with_a_hint(build):
    config, source = tiny.make_config(), tiny.make_source()
    config.train.epochs = 10**9
    *_, time, hint = header(config, source, build()(config, source), timed=True)
    assert "hours on this machine" in time
    assert "data.image_size" in hint
    assert "model.width" in hint
