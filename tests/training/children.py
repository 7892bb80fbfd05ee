"""Training in processes of their own."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import forked
import tiny

from ltpa_tf.checkpoints import Checkpoints

PATIENCE = 120.0


class Children:
    """Starts training processes, one at a time."""

    def __init__(self, log: Path):
        self._log = log
        self._child = None

    def start(self, workdir: Path, devices=1, environment=None, **settings) -> int:
        """The number of a process that trains in the folder.

        A process that a failed test left behind is killed first.
        """
        self.close()
        settings = {key.replace("__", "."): value for key, value in settings.items()}
        self._log.write_text("")
        self._child = forked.call(
            tiny.train_here,
            workdir,
            settings,
            devices,
            files=(self._log, self._log),
            **(environment or {}),
        )
        return self._child.pid

    def exit_code(self) -> int:
        """Waits for the process; negative: the signal that ended it."""
        return self._child.wait()

    def said(self) -> str:
        """What the last process printed."""
        return self._log.read_text()

    def close(self):
        if self._child:
            self._child.kill()
            self._child.wait()


def wait_for(condition: Callable[[], object], process: int):
    """Waits until the condition holds, as long as the process lives."""
    end = time.monotonic() + PATIENCE
    while not condition():
        os.kill(process, 0)  # raises if it has ended
        assert time.monotonic() < end
        time.sleep(0.005)


def has_saved(folder: Path, step: int = 0) -> Callable[[], bool]:
    """Whether a run has kept a checkpoint of this step or a later one."""
    kept = Checkpoints(folder / "checkpoints", keep=2)
    return lambda: any(saved >= step for saved in kept.steps())
