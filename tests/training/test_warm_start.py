"""A run that starts from the weights of another model."""

import json
import shutil
import time

import keras
import numpy as np
import pytest
import tiny

from ltpa_tf import models
from ltpa_tf.configs import common
from ltpa_tf.errors import SettingError
from ltpa_tf.run import RunFolder
from ltpa_tf.run_inputs import load_data
from ltpa_tf.training import build_model, train
from ltpa_tf.training.pretrained import WarmStart, started


@pytest.fixture(scope="module")
def first_once(tmp_path_factory, build):
    folder = tmp_path_factory.mktemp("first")
    config = tiny.make_npz(folder)
    config.data.dir = str(folder / "set.npz")
    train(config, folder / "first", build=build())
    return folder / "first"


@pytest.fixture
def first(first_once, npz, tmp_path, monkeypatch):
    """A finished run, the first."""
    monkeypatch.chdir(tmp_path)
    return RunFolder(shutil.copytree(first_once, tmp_path / "first"))


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
    assert WarmStart(str(tmp_path / "old.keras")).give_weights(new) == ["last"]
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
    assert WarmStart(str(first.path)).give_weights(new, names) == []
    new = build()(config, source)
    last = new.layers[-1].name
    before = new.layers[-1].get_weights()
    assert WarmStart(str(first.path)).give_weights(new, names[::-1]) == [last]
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
        WarmStart(str(tmp_path / "a.keras")).give_weights(other)
    with pytest.raises(SettingError, match="train.init_from: .*finished run"):
        WarmStart(str(tmp_path / "nothing")).give_weights(other)
    with pytest.raises(SettingError, match=r"train.init_from: .*no config\.json"):
        WarmStart(str(tmp_path)).give_weights(other)


def test_more_epochs_are_told_their_way(first, npz, build):
    npz.train.epochs = 3
    with pytest.raises(SettingError, match="train.epochs = 1.*--init_from=.*first"):
        train(npz, first.path, build=build())


ROW = {"levels": (4, 6), "trunk": "faster", "width": 1 / 16, "dropout": 0.0}
KNOWN = (0.2, 0.3, 0.4), (0.1, 0.15, 0.2)  # no mean and deviation of noise


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A preset of two classes, at 32x32 pixels."""
    folder = tmp_path_factory.mktemp("presets") / "pets"
    mean, std = KNOWN
    model = models.build("vgg_att2_concat_pc", num_classes=2, mean=mean, std=std, **ROW)
    return models.save_preset(model, folder, ["0", "1"])


def noise(folder, size=32, channels=(3,)):
    """Noise of two classes as a file, and a config that starts from nothing."""
    images = np.random.default_rng(0).integers(0, 256, (24, size, size, *channels))
    x, y = images.astype(np.uint8), np.arange(24) % 2
    np.savez(folder / "noise.npz", x_train=x, y_train=y, x_test=x[:4], y_test=y[:4])
    config = common.get_config()
    config.data.name, config.data.dir = "npz", str(folder / "noise.npz")
    config.model.update(ROW)
    config.train.epochs, config.train.batch_size = 1, 8
    config.runtime.strategy, config.log.tensorboard = "none", False
    return config


@pytest.mark.parametrize(("size", "channels"), [(32, (3,)), (48, ())])
def test_the_first_answers_are_the_presets(preset, tmp_path, size, channels):
    config = noise(tmp_path, size, channels)
    config.train.init_from = str(preset)
    source, build = started(config, load_data(config), build_model)
    model, known = build(config, source), models.from_preset(preset)
    assert models.normalization_of(model) == models.normalization_of(known) == KNOWN
    images = source.test.array.astype(np.float32)
    assert images.shape == (4, size, size, 3)  # grey ones in three channels
    expected = models.of_any_size(known).predict(images, verbose=0)
    found = model.predict(images, verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-5)

    config.train.keep_normalization = False
    source, build = started(config, load_data(config), build_model)
    assert models.normalization_of(build(config, source)) == (source.mean, source.std)
    assert source.mean == load_data(config).mean != KNOWN[0]


def trunk(model):
    return keras.Model(model.input, model.get_layer("conv6").output)


def test_a_run_keeps_the_presets_pixels_and_the_next_one_the_runs(
    preset, tmp_path, capsys
):
    config = noise(tmp_path)
    config.train.frozen_epochs = -1
    config.train.init_from = str(preset)
    train(config, tmp_path / "tuned")
    assert f"normalized as {preset} does it" in capsys.readouterr().out
    config.train.init_from = str(tmp_path / "tuned")
    train(config, tmp_path / "again")
    images = load_data(config).test.array.astype(np.float32)
    expected = trunk(models.from_preset(preset)).predict(images, verbose=0)
    for name in ("tuned", "again"):
        run = RunFolder(tmp_path / name)
        stored = run.read_dataset()
        assert (tuple(stored["mean"]), tuple(stored["std"])) == KNOWN
        found = trunk(run.load_model()).predict(images, verbose=0)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_a_run_that_goes_on_keeps_its_pixels_without_the_preset(preset, tmp_path):
    config = noise(tmp_path)
    config.train.epochs = 2
    config.train.init_from = str(shutil.copytree(preset, tmp_path / "preset"))
    config.checkpoint.every_steps = 1
    train(config, tmp_path / "whole")
    with pytest.raises(Crash):
        train(
            config,
            tmp_path / "cut",
            callbacks=[CrashOnceSaved(RunFolder(tmp_path / "cut"))],
        )
    shutil.rmtree(tmp_path / "preset")
    train(config, tmp_path / "cut")
    whole, cut = (RunFolder(tmp_path / name) for name in ("whole", "cut"))
    for one, other in zip(weights(whole), weights(cut), strict=True):
        np.testing.assert_array_equal(one, other)
    assert models.normalization_of(cut.load_model()) == KNOWN
    config_of = {run: json.loads(run.dataset_file.read_text()) for run in (whole, cut)}
    assert config_of[whole] == config_of[cut]


def test_what_does_not_tell_its_normalization_changes_no_data(first, npz):
    source = load_data(npz)
    start = WarmStart(str(first.path))  # whose scaling is of no such name
    assert start.normalized(source, print) is source
