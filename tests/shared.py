"""Folders that many tests read."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path


def made_once(tmp_path_factory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder of that name, made by whichever of pytest's workers comes first."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder = root / "made once" / name
    folder.parent.mkdir(exist_ok=True)
    with folder.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder.with_name(f"{name}.made")
        if not made.exists():
            make(folder)
            made.touch()
    return folder


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
