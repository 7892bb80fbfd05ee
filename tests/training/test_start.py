"""From a config to a run folder: where data is, and what a failed start leaves."""

import dataclasses
import re

import numpy as np
import pytest
import tiny

from ltpa_tf import data
from ltpa_tf.data.class_weights import class_weights
from ltpa_tf.errors import SettingError
from ltpa_tf.run import RunFolder
from ltpa_tf.training import train
from ltpa_tf.training.records import header


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


def test_names_that_no_graph_can_have_are_told_at_once(tmp_path):
    def spaced(config, source):
        model = tiny.builder()(config, source)
        model.layers[2].name = "first one"
        return model

    with pytest.raises(SettingError, match="model: .*letters.*'first one'"):
        train(
            tiny.make_config(),
            tmp_path / "run",
            source=tiny.make_source(),
            build=spaced,
        )
    assert not (tmp_path / "run").exists()


def test_class_weights_are_scikit_learns_and_their_mean_is_one():
    source = tiny.make_source()
    rare = source.train.subset(np.array([0, 3, 6, 9, 12, 1, 4, 2]))  # 5, 2 and 1
    source = dataclasses.replace(source, train=rare)
    assert class_weights("none", source) == ()
    found = np.array(class_weights("balanced", source))
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


def test_sharpness_that_matches_already_is_told():
    config = tiny.make_config()
    source = data.load("digits", train_examples=1000, match_sharpness=True)
    _, line = header(config, source, None, timed=False)
    assert line.startswith("data.match_sharpness changes nothing: ")
    changed = dataclasses.replace(source, softening=0.1)
    assert len(header(config, changed, None, timed=False)) == 1


def test_hours_come_with_a_hint(build):
    config, source = tiny.make_config(), tiny.make_source()
    config.train.epochs = 10**9
    *_, time, hint = header(config, source, build()(config, source), timed=True)
    assert "hours on this machine" in time
    assert "data.image_size" in hint
    assert "model.width" in hint
