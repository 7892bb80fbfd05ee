"""Stopping a run from outside."""

import signal
import threading
from types import FrameType

from ltpa_tf.training.errors import Interrupted


class StopSignals:
    """A context in which SIGTERM and SIGINT (Ctrl-C) ask instead of killing.

    The first one is remembered, so that the loop can finish its step and save; another
    one then kills as usual. Outside the main thread signals are left alone.
    """

    _SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self):
        self.received: int | None = None
        self._before = {}

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            self._before = {s: signal.signal(s, self._receive) for s in self._SIGNALS}
        return self

    def __exit__(self, *error) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def error(self, step: int) -> Interrupted:
        """What to raise once the state of `step` is saved; 143 for SIGTERM."""
        number = self.received or signal.SIGTERM
        return Interrupted(
            f"Stopped by {signal.Signals(number).name} after step {step}, which is "
            "saved. Start again with the same --workdir to continue.",
            exit_code=128 + number,
        )

    def _receive(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.received = number
        for each, handler in self._before.items():
            signal.signal(each, handler)
