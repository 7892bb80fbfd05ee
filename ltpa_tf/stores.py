"""Object stores, s3://, gs:// and hdfs://, by fsspec: paths in them, and reading."""

import atexit
import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ltpa_tf.errors import SettingError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

SCHEMES = ("s3", "gs", "hdfs")
"""Each is the name of the extra that brings its driver, too."""

_KNOWN = "|".join(SCHEMES)


def is_remote(path: str | os.PathLike) -> bool:
    """Whether this names a store, or tries to; `Path` makes one slash of two."""
    pattern = rf"\w[\w+.-]*://|({_KNOWN}):/"
    return bool(re.match(pattern, str(path), re.IGNORECASE))


def local(path: str | os.PathLike, setting: str) -> Path:
    """The path, of this machine.

    Raises:
        SettingError: If it is a store's.
    """
    if is_remote(path):
        raise SettingError(setting, str(path), "a path of this machine, no store's")
    return Path(path)


def fetched(path: str, setting: str) -> Path:
    """A store's file or folder on this machine, until this process ends.

    Raises:
        SettingError: If there is none, or it can't be read.
    """
    url = whole_url(path)
    store, root = connect(url, setting)
    scratch = tempfile.mkdtemp(prefix="ltpa-")
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    to = Path(scratch, url.replace("://", "/").rstrip("/"))
    with as_sentences(setting, url, "read"):
        names = fetch(store, root, to)
    if not names:
        raise SettingError(setting, url, "a file or folder that is there")
    return to


def whole_url(path: str | os.PathLike) -> str:
    """`s3://bucket/folder`, however many slashes there were."""
    return re.sub(rf"^({_KNOWN}):/+", r"\1://", str(path), flags=re.IGNORECASE)


def connect(url: str, setting: str) -> "tuple[AbstractFileSystem, str]":
    """The store, and the path in it."""
    import fsspec

    scheme, _, rest = url.partition("://")
    if scheme not in SCHEMES or not rest:
        accepted = ", ".join(f"{one}://BUCKET/FOLDER" for one in SCHEMES)
        raise SettingError(setting, url, f"a path of this machine, or {accepted}")
    try:
        return fsspec.url_to_fs(url, use_listings_cache=False)
    except ImportError:
        raise SettingError(
            setting,
            url,
            f"{scheme}:// with its driver: pip install 'ltpa_tf[{scheme}]'",
        ) from None
    except Exception as error:  # each store has its own
        raise SettingError(
            setting, url, f"a store that can be reached ({reason(error)})"
        ) from error


@contextlib.contextmanager
def as_sentences(setting: str, url: str, what: str) -> Iterator[None]:
    """Says of any error inside that the folder can't be `what`."""
    try:
        yield
    except Exception as error:  # each store has its own
        raise SettingError(
            setting, url, f"a folder that can be {what} ({reason(error)})"
        ) from error


def reason(error: Exception) -> str:
    """The first line of what an error says."""
    return (str(error) or type(error).__name__).partition("\n")[0]


def fetch(store: "AbstractFileSystem", root: str, to: Path) -> list[str]:
    """Brings a file or all files of a folder, and names them as they are below `to`."""
    above = f"{root.rstrip('/')}/"
    keys = store.find(root)
    if keys == [root]:
        to.parent.mkdir(parents=True)
        store.get_file(root, str(to))
        return [""]
    to.mkdir(parents=True)
    names = {key.removeprefix(above): key for key in keys if not key.endswith("/")}
    # A store takes any name, and none may lead out of the folder.
    names = {name: key for name, key in names.items() if not is_hidden(name)}
    store.get(list(names.values()), [str(to / name) for name in names])
    return list(names)


def is_hidden(name: str) -> bool:
    """Whether a path below a folder is hidden, or leads out of it."""
    return any(part[0] in "./" for part in PurePosixPath(name).parts)
