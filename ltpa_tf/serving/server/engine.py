"""Runs requests on a few threads, several at once where they fit into a batch."""

import collections
import dataclasses
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future

import numpy as np
import tensorflow as tf

Arrays = dict[str, np.ndarray]


@dataclasses.dataclass
class _Request:
    function: Callable[..., dict[str, tf.Tensor]]
    inputs: Arrays
    result: Future

    @property
    def rows(self) -> int:
        return len(next(iter(self.inputs.values())))


class Engine:
    """Worker threads over one queue.

    With batching, a worker takes along whatever waits for the same function, up to
    `max_batch` rows: batches grow while the machine is busy, and a request that comes
    alone never waits.

    Args:
        max_batch: The most rows that are put together.
        batching: Whether requests are put together at all.
    """

    def __init__(self, max_batch: int, batching: bool = True):
        self._max_batch = max_batch if batching else 0
        self._queue: collections.deque[_Request] = collections.deque()
        self._change = threading.Condition()
        self._stopped = False
        # With batching a second worker prepares while the first computes.
        self._threads = [
            threading.Thread(target=self._work, name=f"engine-{i}", daemon=True)
            for i in range(2 if batching else os.cpu_count() or 1)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable, inputs: Arrays) -> Future:
        """Output name -> array, when it is done; the inputs' rows are dimension 0."""
        request = _Request(function, inputs, Future())
        with self._change:
            self._queue.append(request)
            self._change.notify()
        return request.result

    def stop(self) -> None:
        """Finishes what was submitted, then ends the threads."""
        with self._change:
            self._stopped = True
            self._change.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while requests := self._take():
            _answer(requests)

    def _take(self) -> list[_Request]:
        with self._change:
            self._change.wait_for(lambda: self._queue or self._stopped)
            if not self._queue:
                return []
            taken = [self._queue.popleft()]
            rows = taken[0].rows
            for request in list(self._queue):
                if request.function is not taken[0].function:
                    continue
                if rows + request.rows > self._max_batch:
                    break
                self._queue.remove(request)
                taken.append(request)
                rows += request.rows
            return taken


def _answer(requests: list[_Request]) -> None:
    try:
        names = requests[0].inputs
        inputs = {
            name: np.concatenate([request.inputs[name] for request in requests])
            for name in names
        }
        outputs = requests[0].function(
            **{name: tf.constant(value) for name, value in inputs.items()}
        )
        arrays = {name: value.numpy() for name, value in outputs.items()}
    except Exception as error:
        if len(requests) == 1:
            requests[0].result.set_exception(error)
            return
        for request in requests:  # one of them is bad; the others get their answer
            _answer([request])
        return
    start = 0
    for request in requests:
        end = start + request.rows
        request.result.set_result({n: a[start:end] for n, a in arrays.items()})
        start = end
