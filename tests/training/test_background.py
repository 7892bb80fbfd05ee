import threading

import pytest

from ltpa_tf.training.background import Background


def test_the_caller_goes_on_while_jobs_run_in_order():
    files, gate, done = Background(), threading.Event(), []
    files.submit(lambda: (gate.wait(), done.append(1)))
    files.submit(lambda: done.append(2))
    assert files.busy
    assert done == []
    gate.set()
    files.wait()
    assert done == [1, 2]
    assert not files.busy
    files.close()


def test_an_error_reaches_the_caller_and_stops_later_jobs():
    files, gate, done = Background(), threading.Event(), []

    def fail():
        gate.wait()
        raise OSError("full")

    files.submit(fail)
    files.submit(lambda: done.append(2))
    gate.set()
    with pytest.raises(OSError, match="full"):
        files.wait()
    files.close()
    assert done == []
