"""Calls that wait are computed together; each gets what it would get alone."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ltpa_tf.serving.server import batches
from ltpa_tf.serving.server.batches import Batches


class Function:
    """Doubles rows and counts their columns; the first call takes until it may end."""

    def __init__(self):
        self.calls = []
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, rows):
        self.calls.append(rows[:, 0].tolist())
        if len(self.calls) == 1:
            self.begun.set()
            assert self.may_end.wait(60)
        if (rows < 0).any():
            raise ValueError(f"negative: {rows[:, 0].tolist()}")
        return self.answer(rows)

    def answer(self, rows):
        return [2 * rows, (rows >= 0).sum(1)]


@pytest.fixture
def ask(monkeypatch):
    """Lets calls come in one after another while a first one is under way."""
    monkeypatch.setattr(batches, "AT_ONCE", 1)

    def ask(function, most, *calls):
        together = Batches(function, most)
        with ThreadPoolExecutor(len(calls)) as pool:
            futures = []
            for number, call in enumerate(calls):
                futures.append(pool.submit(together, np.array(call)[:, None]))
                if not number:
                    assert function.begun.wait(60)
                while len(together._waiting) < number:
                    assert not futures[-1].done()
                    time.sleep(0.001)
            function.may_end.set()
        return futures

    return ask


def answers(futures):
    return [[output.tolist() for output in one.result()] for one in futures]


def test_what_waits_is_computed_together_and_each_gets_its_rows(ask):
    function = Function()
    found = answers(ask(function, 32, [1], [2], [3, 4], [5]))
    assert function.calls == [[1], [2, 3, 4, 5]]
    assert found == [
        [[[2]], [1]],
        [[[4]], [1]],
        [[[6], [8]], [1, 1]],
        [[[10]], [1]],
    ]


def test_no_more_rows_than_fit_unless_one_call_has_more(ask):
    function = Function()
    ask(function, 3, [1], [2, 2], [3], [4], [5, 5, 5, 5], [6])
    assert function.calls == [[1], [2, 2, 3], [4], [5, 5, 5, 5], [6]]


def test_nobody_gets_the_error_of_another(ask):
    function = Function()
    one, two, bad, four = ask(function, 32, [1], [2], [-3], [4])
    assert answers([one, two, four]) == [[[[2 * n]], [1]] for n in (1, 2, 4)]
    with pytest.raises(ValueError, match=r"negative: \[-3\]"):
        bad.result()
    assert function.calls == [[1], [2, -3, 4], [2], [-3], [4]]


def test_a_call_that_fails_alone_is_made_once(ask):
    function = Function()
    (bad,) = ask(function, 32, [-1])
    with pytest.raises(ValueError, match="negative"):
        bad.result()
    assert function.calls == [[-1]]


def test_rows_that_cannot_be_put_together_are_computed_alone(monkeypatch, ask):
    """Of outputs that aren't one for each row nobody knows whose they are."""
    function = Function()
    monkeypatch.setattr(function, "answer", lambda rows: [rows.sum(0)])
    found = answers(ask(function, 32, [1], [2, 3], [4]))
    assert found == [[[1]], [[5]], [[4]]]


@pytest.fixture
def share_out(monkeypatch):
    monkeypatch.setattr(batches, "AT_ONCE", 2)

    def share_out(function, *rows):
        function.may_end.set()
        return Batches(function, 32)(np.array(rows)[:, None])

    return share_out


def test_many_rows_of_one_call_are_shared_out(share_out):
    function = Function()
    doubled, counts = share_out(function, 1, 2, 3, 4, 5)
    assert sorted(function.calls) == [[1, 2, 3], [4, 5]]
    np.testing.assert_array_equal(doubled[:, 0], [2, 4, 6, 8, 10])
    np.testing.assert_array_equal(counts, [1] * 5)


def test_few_rows_are_not(share_out):
    function = Function()
    share_out(function, 1, 2, 3)
    assert function.calls == [[1, 2, 3]]


def test_an_error_in_a_part_is_the_calls(share_out):
    with pytest.raises(ValueError, match=r"negative: \[-3, 4\]"):
        share_out(Function(), 1, 2, -3, 4)


def test_rows_whose_outputs_are_not_theirs_are_not_shared_out(monkeypatch, share_out):
    function = Function()
    monkeypatch.setattr(function, "answer", lambda rows: [rows.sum(0)])
    (total,) = share_out(function, 1, 2, 3, 4)
    assert total.tolist() == [10]
