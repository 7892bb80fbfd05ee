"""Many processes compile on a device, then one at a time is measured on it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class DeviceLock:
    """Keeps a device quiet for the process that is measured there.

    Compiling for a GPU tries kernels out on it: nobody may be measured meanwhile.

    Args:
        file: One that exists, the same for all processes; None: there are no others.
    """

    def __init__(self, file: str | os.PathLike | None = None):
        self._file = file

    def compiling(self) -> contextlib.AbstractContextManager:
        """Waits until no process is measured; any number may be in here."""
        return self._held(fcntl.LOCK_SH)

    def measuring(self) -> contextlib.AbstractContextManager:
        """Waits until no other process compiles or is measured."""
        return self._held(fcntl.LOCK_EX)

    @contextlib.contextmanager
    def _held(self, kind: int) -> Iterator[None]:
        if self._file is None:
            yield
            return
        with Path(self._file).open() as lock:
            fcntl.flock(lock, kind)
            yield
