"""A folder to work in, whether its home is this machine or an object store.

Work is done in a folder of this machine and knows of no store: what the store has is
fetched into it first, and what is new there uploaded.
"""

import contextlib
import os
import shutil
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ltpa_tf import stores
from ltpa_tf.errors import CheckpointError, SettingError
from ltpa_tf.words import text_of

_OWNER = ".owner"
# What makes others whole is uploaded after them, in this order.
_LAST = (".json", "saved_model.pb", "models.config")


class Place:
    """A folder to work in.

    Args:
        path: The folder.

    Attributes:
        path: Where it is on this machine.
        name: What the user calls it.
    """

    def __init__(self, path: Path):
        self.path = path
        self.name = str(path)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Inside of it, this process alone writes; at the end all is in the store.

        Raises:
            SettingError: If the folder can't be written to.
            CheckpointError: If not everything could be uploaded.
        """
        yield

    def saved(self) -> None:
        """Has the folder uploaded as it is now, while work goes on.

        Raises:
            CheckpointError: If another process has claimed it since.
        """

    def upload(self) -> None:
        """Returns when the store has the folder as it is now.

        Raises:
            CheckpointError: If that could not be done.
        """


class Mirror(Place):
    """A folder whose home is in a store.

    A store has no rename, but an object is there only once it is whole. So data go
    first, and then the `.json` by which a checkpoint or run counts as whole: a kill at
    any moment leaves in the store what the folder held at some moment.

    Args:
        url: Where its home is.
        setting: What it was given by.
    """

    def __init__(self, url: str, setting: str):
        self._setting = setting
        self._store, self._root = stores.connect(url, setting)
        self._scratch = Path(tempfile.mkdtemp(prefix="ltpa-"))
        super().__init__(self._scratch / url.replace("://", "/"))
        self.name = url
        self._there: dict[str, tuple[int, ...]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="upload")
        self._lock = threading.Lock()
        self._waiting: Path | None = None
        self._token = b""
        self._error: Exception | None = None
        self._lost = False

    def fetch(self) -> None:
        """Brings what the store has."""
        with stores.as_sentences(self._setting, self.name, "read"):
            names = stores.fetch(self._store, self._root, self.path)
        self._there = {name: _stamp(self.path / name) for name in names}

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """See `Place`; the last to claim it owns it, so that a killed run can go on."""
        self._token = uuid.uuid4().hex.encode()
        with stores.as_sentences(self._setting, self.name, "written to"):
            self._store.pipe_file(self._key(_OWNER), self._token)
        try:
            yield
        finally:
            self.upload()
            with contextlib.suppress(Exception):
                self._store.rm_file(self._key(_OWNER))

    def saved(self) -> None:
        """See `Place`; to be called while no file is being replaced or removed."""
        self._check_owner()
        # Hard links: a file that is replaced or removed meanwhile stays what it was.
        links = Path(tempfile.mkdtemp(dir=self._scratch))
        for name in _files(self.path):
            (links / name).parent.mkdir(parents=True, exist_ok=True)
            (links / name).hardlink_to(self.path / name)
        with self._lock:
            older, self._waiting = self._waiting, links
        if older:  # the upload that is due takes this one instead
            shutil.rmtree(older)
        else:
            self._thread.submit(self._push)

    def upload(self) -> None:
        """See `Place`."""
        self.saved()
        self._thread.submit(lambda: None).result()
        self._check_owner()  # it may have been lost just now
        if self._error:
            why = stores.reason(self._error)
            raise CheckpointError(
                f"{self.name} can't be written to ({why}). What is missing there is in "
                f"{self._scratch}."
            ) from self._error

    def close(self) -> None:
        """Ends the thread, and removes the folder unless something is only there."""
        self._thread.shutdown()
        if not self._error:
            shutil.rmtree(self._scratch)

    def _push(self) -> None:
        with self._lock:
            links, self._waiting = self._waiting, None
        try:
            self._lost = self._lost or self._is_lost()
            if not self._lost:
                self._copy(links)
            self._error = None
        except Exception as error:  # each store has its own
            self._error = error
            print(
                f"{self.name} can't be written to ({stores.reason(error)}); the next "
                "checkpoint tries again.",
                file=sys.stderr,
            )
        finally:
            shutil.rmtree(links)

    def _check_owner(self) -> None:
        if self._lost:
            raise CheckpointError(
                f"Another process has begun to train in {self.name}: this one ends, "
                "and writes nothing there any more."
            )

    def _is_lost(self) -> bool:
        """Whether another process has claimed the folder after this one."""
        if not self._token:
            return False
        try:
            return self._store.cat_file(self._key(_OWNER)) != self._token
        except FileNotFoundError:  # it has come to its end since
            return True

    def _copy(self, folder: Path) -> None:
        """Makes the store hold what the folder holds."""
        found = {name: _stamp(folder / name) for name in _files(folder)}
        new = [name for name in found if found[name] != self._there.get(name)]
        for name in sorted(new, key=lambda name: (_rank(name), found[name])):
            if name in self._there and name.endswith(".npz"):
                # It is no longer what its manifest speaks of.
                self._remove(f"{name.removesuffix('.npz')}.json")
            self._store.put_file(str(folder / name), self._key(name))
            self._there[name] = found[name]
        for name in sorted(set(self._there) - set(found), key=_rank, reverse=True):
            self._remove(name)

    def _remove(self, name: str) -> None:
        if self._there.pop(name, None):
            self._store.rm_file(self._key(name))

    def _key(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


@contextlib.contextmanager
def opened(path: str | os.PathLike, setting: str) -> Iterator[Place]:
    """A folder to work in, whether its home is this machine or a store.

    Args:
        path: What the user calls it.
        setting: What it was given by.

    Raises:
        SettingError: If there is no driver for the store, or it can't be reached; if
            TensorFlow couldn't write to a folder of this name.
    """
    if not stores.is_remote(path):
        if text_of(path) != str(path):
            raise SettingError(setting, text_of(path), "a path in UTF-8")
        yield Place(Path(path))
        return
    mirror = Mirror(stores.whole_url(path), setting)
    with contextlib.closing(mirror):
        mirror.fetch()
        try:
            yield mirror
        except SettingError as error:
            named = (
                str(one).replace(str(mirror.path), mirror.name) for one in error.args
            )
            error.args = tuple(named)
            raise


def _files(folder: Path) -> list[str]:
    """The files of a folder that aren't hidden, by their path in it."""
    files = (file for file in folder.rglob("*") if file.is_file())
    names = (file.relative_to(folder).as_posix() for file in files)
    return [name for name in names if not stores.is_hidden(name)]


def _rank(name: str) -> int:
    """The higher, the later a file is uploaded, and the earlier it is removed."""
    return next((i for i, end in enumerate(_LAST, 1) if name.endswith(end)), 0)


def _stamp(file: Path) -> tuple[int, ...]:
    """Another one for a file that was changed or replaced; in the order of writing."""
    known = file.stat()
    return known.st_mtime_ns, known.st_size, known.st_ino
