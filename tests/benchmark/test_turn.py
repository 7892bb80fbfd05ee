"""Points that compile beside each other are measured one at a time."""

import fcntl

import pytest

from ltpa_tf import benchmark


def test_a_turn_is_one_process_s_own(tmp_path):
    file = tmp_path / "turn"
    file.touch()
    with file.open() as other:
        with benchmark.turn(file), pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
