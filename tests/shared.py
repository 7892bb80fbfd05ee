"""Folders that many tests read."""

import contextlib
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def unchanged(folder: Path) -> Iterator[Path]:
    """Fails at its end if a file came, went or changed: another test would see it."""
    before = _files(folder)
    yield folder
    after = _files(folder)
    other = [name for name in before | after if before.get(name) != after.get(name)]
    assert not other, f"a test has written into {folder}, which others read: {other}"


def _files(folder: Path) -> dict[str, bytes]:
    found = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in found}
