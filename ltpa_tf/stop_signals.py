"""Signals to stop, as a request that work can be finished before."""

import signal
import threading
from types import FrameType


class StopSignals:
    """A context in which SIGTERM and SIGINT (Ctrl-C) ask instead of killing.

    The first one is remembered, so that the loop can finish its step and save; another
    one then kills as usual. Outside the main thread signals are left alone.
    """

    def __init__(self):
        self.received: int | None = None
        self._before = {}

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *error) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        self.__exit__()
