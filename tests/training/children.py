"""Training in processes of their own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ltpa_tf.training.checkpoints import Checkpoints

PATIENCE = 120.0


class Children:
    """Starts training processes, one at a time."""

    def __init__(self, log: Path):
        self._log = log
        self._running = None
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("tiny.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        )

    def start(self, workdir: Path, devices=1, environment=None, **settings) -> int:
        """The number of a process that trains in the folder.

        A process that a failed test left behind is killed first.
        """
        if self._running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._running, signal.SIGKILL)
            self.exit_code()
        settings = {key.replace("__", "."): value for key, value in settings.items()}
        order = {
            "workdir": str(workdir),
            "settings": settings,
            "log": str(self._log),
            "devices": devices,
            "environment": environment or {},
        }
        self._log.write_text("")
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        self._running = int(self._server.stdout.readline())
        return self._running

    def exit_code(self) -> int:
        """Waits for the process; negative: the signal that ended it."""
        self._running = None
        return int(self._server.stdout.readline())

    def said(self) -> str:
        """What the last process printed."""
        return self._log.read_text()

    def close(self):
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait()


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
