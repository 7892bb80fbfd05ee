"""One process at a time in a folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from ltpa_tf.errors import SettingError


@contextlib.contextmanager
def only_one(folder: Path, name: str, accepted: str) -> Iterator[None]:
    """Holds the folder's lock `name` (the file `.NAME.lock`) inside the context.

    However a process ends, its locks end with it.

    Raises:
        SettingError: If another process holds it: the folder is not `accepted`.
    """
    file = folder / f".{name}.lock"
    stream = _locked(file)
    if stream is None:
        raise SettingError("--workdir", str(folder), accepted)
    with stream:
        try:
            yield
        finally:
            # A file that stays locks nobody out; an error would hide the context's own.
            with contextlib.suppress(OSError):
                file.unlink()


def _locked(file: Path) -> TextIO | None:
    """The file, opened and locked; None if another process has locked it."""
    while True:
        stream = file.open("w")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
            return None
        except OSError:
            return stream  # some network file systems have no locks
        # Whoever held it may have removed it just now: then a lock on it is worth
        # nothing, as the next process makes another.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(stream.fileno()), file.stat()):
                return stream
        stream.close()
