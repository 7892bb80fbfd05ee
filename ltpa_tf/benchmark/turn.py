"""One process at a time on the device that is measured."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def turn(file: str | os.PathLike) -> Iterator[None]:
    """Waits until no other process is in here with the same file, which must exist."""
    with Path(file).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
