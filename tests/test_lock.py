"""Only one process at a time holds a folder's lock."""

import errno
import multiprocessing
import time
from pathlib import Path

import pytest

from ltpa_tf.errors import SettingError
from ltpa_tf.lock import only_one


def test_it_is_refused_while_held_and_free_afterwards(tmp_path):
    with only_one(tmp_path, "train", "another one"):
        said = pytest.raises(SettingError, match="--workdir: .*expected another one")
        with said, only_one(tmp_path, "train", "another one"):
            pass
        with only_one(tmp_path, "export", "another one"):
            pass
    with only_one(tmp_path, "train", "another one"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_folder_that_became_read_only_hides_no_error(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(KeyError), only_one(tmp_path, "train", "another one"):
        raise KeyError("what ended the run")


def contend(folder, together, overlaps):
    """Takes the lock as often as it can; counts meetings with another holder."""
    together.wait()  # processes start when they like
    until = time.monotonic() + 2
    while time.monotonic() < until:
        try:
            with only_one(folder, "train", "another one"):
                inside = folder / "inside"
                overlaps.value += inside.exists()
                inside.touch()
                inside.unlink(missing_ok=True)
        except SettingError:
            pass


def test_two_processes_never_hold_it_together(tmp_path):
    context = multiprocessing.get_context("spawn")
    overlaps, together = context.Value("i"), context.Barrier(3)
    processes = [
        context.Process(target=contend, args=(tmp_path, together, overlaps))
        for _ in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert overlaps.value == 0
