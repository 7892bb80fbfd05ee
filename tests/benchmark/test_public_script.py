"""A public script is run as it is, on our images, and ended when it has trained."""

import dataclasses
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from ltpa_tf import data
from ltpa_tf.benchmark.public_script import (
    PublicScript,
    check_images,
    find_script,
    train,
    trainings,
)
from ltpa_tf.errors import SettingError, WorkError

TABLE = """\
Proxy parameters: 12
-----------------------------------------------------------------------
|  run     |  epoch  |  train_acc  |  val_acc  |  tta_val_acc  |  time_seconds  |
-----------------------------------------------------------------------
|  warmup  |      0  |     0.1000  |   0.1000  |               |       90.0000  |
|          |   eval  |     0.1000  |   0.1000  |       0.1000  |       90.5000  |
-----------------------------------------------------------------------
|       0  |      0  |     0.5000  |   0.6000  |               |        2.0000  |
|          |      1  |     0.9000  |   0.9300  |               |        4.0000  |
|          |   eval  |     0.9000  |   0.9300  |       0.9400  |        4.1000  |
-----------------------------------------------------------------------
|       1  |      0  |     0.5000  |   0.6100  |               |        2.0000  |
"""

# What a public script prints, of the images it found; it never ends.
SCRIPT = """\
import os, pickle, time
here = os.path.dirname(__file__)
with open(os.path.join(here, "pid"), "w") as file:
    file.write(str(os.getpid()))
with open("cifar2/train.pt", "rb") as train, open("cifar2/test.pt", "rb") as test:
    train, test = pickle.load(train), pickle.load(test)
print("|  run     |  epoch  |  val_acc  |  tta_val_acc  |  total_time_seconds  |")
for run in ["warmup", 0, 1, 2, 3]:
    brightest = test["images"].max() / 1000
    share = train["labels"].mean()
    print(f"|  {run}  |  0  |  {brightest}  |    |  1.0  |")
    print(f"|    |  eval  |  {brightest}  |  {share}  |  {1 if run == 0 else 2}.5  |")
time.sleep(600)
"""

# Only what a script's data take of it.
TORCH = """\
import pickle
def from_numpy(array):
    return array
def save(value, path):
    with open(path, "wb") as file:
        pickle.dump(value, file)
"""


@pytest.fixture
def source():
    labels = np.arange(8) % 4 // 3  # a quarter of them are 1
    images = np.zeros((8, 32, 32, 3), np.uint8)
    return data.Source(
        name="made up",
        class_names=("no", "yes"),
        image_shape=(32, 32, 3),
        train=data.array_split(images, labels),
        validation=None,
        test=data.array_split(images + 200, labels),
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        fingerprint="made up",
    )


@pytest.fixture
def torch(tmp_path, monkeypatch):
    """Stands in for PyTorch in the processes that are started."""
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "torch.py").write_text(TORCH)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def script(folder, text):
    (folder / "script.py").write_text(text)
    return PublicScript(folder / "script.py", Path(sys.executable))


def test_a_training_ends_with_the_accuracy_of_its_own_test():
    found = list(trainings(TABLE.splitlines()))
    assert found == [{"accuracy": 0.93, "accuracy_with_views": 0.94, "seconds": 4.1}]


def test_it_trains_on_the_given_images_and_is_ended(tmp_path, source, torch):
    found = train(script(tmp_path, SCRIPT), source, count=2)
    # Its first training but the warm-up, of 1.5 seconds, is left out.
    once = {"accuracy": 0.2, "accuracy_with_views": 0.25, "seconds": 2.5}
    assert found == [once, once]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_what_it_said_last_is_shown_where_it_fails(tmp_path, source, torch):
    broken = SCRIPT.replace("time.sleep(600)", "raise OSError('no device')")
    with pytest.raises(WorkError, match=r"(?s)script.py ended after 4 .* of 8.*no dev"):
        train(script(tmp_path, broken), source, count=7)


def test_a_python_without_pytorch_is_named(tmp_path, source):
    with pytest.raises(
        SettingError, match=r"--peer_python: .*one with PyTorch \(.*tor"
    ):
        train(script(tmp_path, SCRIPT), source, count=1)


def test_a_folder_may_stand_for_its_script(tmp_path):
    with pytest.raises(SettingError, match="--peer: .*a training script, or a folder"):
        find_script(str(tmp_path), sys.executable)
    (tmp_path / "one.py").touch()
    found = find_script(str(tmp_path), sys.executable)
    assert found == find_script(str(tmp_path / "one.py"), sys.executable)
    assert found.file.is_absolute() and found.python.is_absolute()
    (tmp_path / "other.py").touch()
    with pytest.raises(SettingError, match=r"--peer: .*one\.py, .*other\.py"):
        find_script(str(tmp_path), sys.executable)
    with pytest.raises(SettingError, match="--peer_python"):
        find_script(str(tmp_path / "one.py"), "no-such-python")


def test_images_that_scripts_cannot_take_are_refused(source):
    check_images(source)
    composed = dataclasses.replace(source.train, array=None)
    for other in ({"image_shape": (28, 28, 3)}, {"train": composed}):
        with pytest.raises(SettingError, match=r"data\.name: .*Received: 'made up'"):
            check_images(dataclasses.replace(source, **other))
