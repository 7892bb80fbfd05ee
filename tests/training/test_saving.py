"""Files are written in the background, in order, and none after one that failed."""

import threading
import zipfile

import pytest
import tensorflow as tf

from ltpa_tf.run import RunFolder
from ltpa_tf.training.saving import CheckpointManager
from ltpa_tf.training.trainer import Trainer


@pytest.fixture
def manager_with(config, source, build, tmp_path):
    """`manager_with(hook)`: a manager whose best model calls `hook` when written."""
    folder = RunFolder(tmp_path / "run")
    folder.create()
    trainer = Trainer(config, tf.distribute.get_strategy(), source, build())

    def manager_with(hook):
        class Hooked(type(trainer.model.layers[1])):
            def get_config(self):
                hook()
                return super().get_config()

        model = build()(config, source)
        model.layers[1].__class__ = Hooked
        manager = CheckpointManager(trainer, folder, config.checkpoint, model, print)
        managers.append(manager)
        return manager, folder

    managers = []
    yield manager_with
    for manager in managers:
        manager.close()


def test_training_goes_on_while_files_are_written_in_order(manager_with):
    gate = threading.Event()
    manager, folder = manager_with(lambda: gate.wait(60))
    manager.save_best()
    manager.save()
    assert not gate.is_set()  # both have returned
    assert not folder.best_file.exists()
    assert not folder.checkpoints.exists()
    gate.set()
    manager.wait()
    assert zipfile.ZipFile(folder.best_file).testzip() is None
    assert len(list(folder.checkpoints.glob("*.json"))) == 1


def test_an_error_reaches_training_and_no_later_file_is_written(manager_with):
    gate = threading.Event()

    def fail():
        gate.wait(60)
        raise OSError("full")

    manager, folder = manager_with(fail)
    manager.save_best()
    manager.save()
    gate.set()
    with pytest.raises(OSError, match="full"):
        manager.wait()
    manager.close()
    assert not folder.best_file.exists()
    assert not folder.checkpoints.exists()


def test_an_epochs_end_is_saved_while_its_best_model_is_still_being_written(
    manager_with,
):
    gate = threading.Event()
    manager, folder = manager_with(lambda: gate.wait(60))
    manager.position.step = 1
    manager.save_best()
    manager.save_if_due(None, at_epoch_end=True)
    manager.position.step = 2
    manager.save_if_due(None, at_epoch_end=True)  # the last save isn't done: no other
    gate.set()
    manager.wait()
    (saved,) = folder.checkpoints.glob("*.json")
    assert saved.stem == "step-00000001"
    manager.position.step = 3
    manager.save_if_due(None, at_epoch_end=True)
    manager.wait()
    assert len(list(folder.checkpoints.glob("*.json"))) == 2
