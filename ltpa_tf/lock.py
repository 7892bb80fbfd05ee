"""One process at a time in a folder."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from ltpa_tf.errors import SettingError


@contextlib.contextmanager
def only_one(folder: Path, name: str, accepted: str) -> Iterator[None]:
    """Holds the folder's lock `name` (the file `.NAME.lock`) inside the context.

    However a process ends, its locks end with it; the file may stay.

    Raises:
        SettingError: If another process holds it: the folder is not `accepted`.
    """
    with (folder / f".{name}.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingError("--workdir", str(folder), accepted) from None
        except OSError:
            pass  # some network file systems have no locks
        yield
