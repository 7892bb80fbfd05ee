"""What every tracker is told, and that none of them stops a training."""

import abc
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np


class Tracker(keras.callbacks.Callback, abc.ABC):
    """A run as a tracker knows it.

    It is told in a thread of its own; where it can't be reached, that is said, and
    training goes on.

    Attributes:
        title: The tracker's name.
        id: Its name for the run, by which it is continued.
    """

    title: str
    id: str

    def __init__(self):
        super().__init__()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tracker")
        self._failing = False

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        """Tells the metrics of `metrics.jsonl`."""
        numbers = {name: float(v) for name, v in logs.items() if name != "step"}
        self.tell(self.log, int(logs["step"]), {"epoch": epoch + 1.0, **numbers})

    def show(self, step: int, pictures: np.ndarray) -> None:
        """Tells uint8 `[N, H, W, 3]`, images beside their attention maps."""
        self.tell(self.log_pictures, step, pictures)

    def tell(self, log: Callable, *what) -> None:
        """Queues a call; its error becomes a sentence."""
        self._thread.submit(self._try, log, *what)

    def close(self, status: str) -> None:
        """Ends the tracker's run: `"FINISHED"`, `"FAILED"` or `"KILLED"`."""
        self._thread.shutdown(cancel_futures=self._failing)
        self._try(self.end, status)

    def _try(self, log: Callable, *what) -> None:
        try:
            log(*what)
            self._failing = False
        except Exception as error:  # of any library below it
            if not self._failing:
                why = str(error).partition("\n")[0]
                print(f"{self.title} takes nothing now: {why}", file=sys.stderr)
            self._failing = True

    @abc.abstractmethod
    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Logs metrics."""

    @abc.abstractmethod
    def log_pictures(self, step: int, pictures: np.ndarray) -> None:
        """Logs pictures."""

    @abc.abstractmethod
    def log_export(self, version: Path, name: str, signature: Mapping) -> None:
        """Logs an export with its card.

        Args:
            version: Its folder.
            name: The model's.
            signature: See `trackers.signature_of`.
        """

    @abc.abstractmethod
    def end(self, status: str) -> None:
        """Ends the run."""
