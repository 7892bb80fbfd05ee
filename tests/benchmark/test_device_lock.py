"""Processes that compile and measure on one device."""

import fcntl

import pytest

from ltpa_tf.benchmark.device_lock import DeviceLock


@pytest.mark.parametrize(
    ("phase", "others_may_compile"), [("compiling", True), ("measuring", False)]
)
def test_others_may_compile_but_never_measure(tmp_path, phase, others_may_compile):
    file = tmp_path / "lock"
    file.touch()
    # Another opening of the file stands for another process, as for flock it is one.
    with file.open() as other:
        with getattr(DeviceLock(file), phase)():
            with pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if others_may_compile:
                fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
            else:
                with pytest.raises(BlockingIOError):
                    fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
