"""Files that are there whole or not at all, and folders that can be written to."""

import contextlib
import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ltpa_tf.errors import SettingError

DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}


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


def write_text(file: Path, text: str) -> None:
    """Writes the whole file or nothing, see `written_aside`."""
    with written_aside(file) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(file: Path, value: object) -> None:
    """`write_text` of `value` as indented JSON."""
    write_text(file, json.dumps(value, indent=2) + "\n")


def check_object(value: object, kinds: Mapping[str, type]) -> dict:
    """`value`, as JSON gave it: an object with at least these keys.

    Args:
        value: Anything that JSON can hold.
        kinds: The type of each key's value.

    Raises:
        ValueError: If it's something else.
    """
    if not isinstance(value, dict):
        raise ValueError(f"no object but {value!r:.40}")
    for key, kind in kinds.items():
        if type(value.get(key)) is not kind:
            raise ValueError(f"no {kind.__name__} called {key!r}")
    return value


def make_folder(folder: Path, setting: str) -> None:
    """Makes a folder if needed, and proves that it can be written to.

    Raises:
        SettingError: If it can't; it names `setting`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SettingError(
            setting,
            str(folder),
            f"a folder that can be written to ({error.strerror})",
        ) from None


@contextlib.contextmanager
def no_empty_folder(folder: Path) -> Iterator[None]:
    """Removes what was made of a folder and those above it, if nothing came into it."""
    folder = folder.absolute()
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        yield
    finally:
        for one in missing:
            with contextlib.suppress(OSError):  # it isn't empty, or not there
                one.rmdir()


def sha256(file: Path) -> str:
    """The checksum of a file of any size, in hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
