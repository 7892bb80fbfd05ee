"""Requests that wait at the same time are computed together."""

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

AT_ONCE = os.cpu_count() or 1
"""Batches of one function, a core for each."""


class Batches:
    """A function of an array, for many threads: calls that wait become one.

    A call that finds fewer than `AT_ONCE` batches under way is computed at once, alone;
    those that come in meanwhile are the next batch. So one client waits for nobody, and
    many have larger batches, of which an image costs less. If a batch fails, each call
    is made alone, so that none gets the error of another. A call of many rows is a
    batch already: the cores share it out.

    Args:
        function: Takes an array `[batch, ...]`, returns arrays `[batch, ...]`, in which
            no row depends on another one of the batch.
        most: The most rows of a batch; a single call may have more.
    """

    def __init__(
        self, function: Callable[[np.ndarray], Sequence[np.ndarray]], most: int
    ):
        self._function = function
        self._most = most
        self._waiting: deque[tuple[np.ndarray, Future]] = deque()
        self._taking = threading.Lock()
        self._runners = ThreadPoolExecutor(AT_ONCE)

    def __call__(self, rows: np.ndarray) -> Sequence[np.ndarray]:
        """What `function` returns of these rows.

        Raises:
            Exception: What `function` raises of them.
        """
        if len(rows) >= 2 * AT_ONCE > 2:
            return self._shared_out(rows)
        answer: Future = Future()
        self._waiting.append((rows, answer))
        self._runners.submit(self._run)  # finds nothing, if an earlier one took it too
        return answer.result()

    def _shared_out(self, rows: np.ndarray) -> Sequence[np.ndarray]:
        parts = np.array_split(rows, AT_ONCE)
        outputs = [*self._runners.map(self._function, parts)]
        for part, some in zip(parts, outputs, strict=True):
            if any(len(output) != len(part) for output in some):
                return self._function(rows)  # has outputs without batch
        return [np.concatenate(one) for one in zip(*outputs, strict=True)]

    def _run(self) -> None:
        calls = self._take()
        if len(calls) > 1:
            try:
                self._together(calls)
                return
            except Exception:  # of one of them
                pass
        for rows, answer in calls:
            try:
                answer.set_result(self._function(rows))
            except Exception as error:
                answer.set_exception(error)

    def _take(self) -> list[tuple[np.ndarray, Future]]:
        """The calls that have waited longest, as many as fit."""
        calls, room = [], self._most
        with self._taking:
            while self._waiting and (not calls or len(self._waiting[0][0]) <= room):
                calls.append(self._waiting.popleft())
                room -= len(calls[-1][0])
        return calls

    def _together(self, calls: list[tuple[np.ndarray, Future]]) -> None:
        outputs = self._function(np.concatenate([rows for rows, _ in calls]))
        *ends, count = np.cumsum([len(rows) for rows, _ in calls])
        if any(len(output) != count for output in outputs):
            raise ValueError("outputs without batch")
        parts = zip(*(np.split(output, ends) for output in outputs), strict=True)
        for (_, answer), part in zip(calls, parts, strict=True):
            answer.set_result(part)
