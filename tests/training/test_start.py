"""From a config to a run folder: where data is, and what a failed start leaves."""

import numpy as np
import pytest
import tiny

from ltpa_tf.errors import SettingError
from ltpa_tf.run import RunFolder
from ltpa_tf.training import train


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
