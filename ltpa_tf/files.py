"""Files that are there whole or not at all, and how to tell."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def written_aside(file: Path, *, alone: bool = False) -> Iterator[Path]:
    """A path to write to, which becomes `file` when all went well.

    What was written there is flushed to disk and renamed, so a kill, an error or a full
    disk at any moment leaves `file` as it was. The path is hidden, in the same folder,
    and has the suffix of `file`.

    Args:
        file: The file.
        alone: Whether no other process writes it: what a killed one left behind is
            then replaced by the next.
    """
    mine = "" if alone else f".{os.getpid()}"
    aside = file.with_name(f".{file.stem}{mine}{file.suffix}")
    try:
        yield aside
        with aside.open("rb") as stream:
            os.fsync(stream.fileno())
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)


def sha256(file: Path) -> str:
    """The checksum of a file of any size, in hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
