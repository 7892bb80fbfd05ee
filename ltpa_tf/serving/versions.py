"""Version folders: `BASE/1`, `BASE/2`, ... as TensorFlow Serving watches them."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ltpa_tf.errors import SettingError

SAVED_MODEL = "saved_model.pb"

_ASIDE = re.compile(r"\.\d+-\w{8}")  # as `new_version` has them named
_DAY = 24 * 60 * 60


def list_versions(base: str | os.PathLike, model: str = SAVED_MODEL) -> dict[int, Path]:
    """Version -> its folder, the lowest first; `00000001` counts as 1.

    Args:
        base: Folder of the versions.
        model: The file that makes a folder a version.

    Example:
        >>> list(serving.list_versions("saved_models/mine"))
        [1]
    """
    base = Path(base)
    if not base.is_dir():
        return {}
    found = {
        int(folder.name): folder
        for folder in base.iterdir()
        if folder.name.isdecimal() and (folder / model).exists()
    }
    return dict(sorted(found.items()))


def latest_version(base: str | os.PathLike) -> Path:
    """The folder of the highest version; `base` may also be a version itself.

    Raises:
        SettingError: If there is none, or the folder can't be read.

    Example:
        >>> serving.latest_version("saved_models/mine").name
        '1'
    """
    base = Path(base)
    try:
        if (base / SAVED_MODEL).exists():
            return base
        found = list_versions(base)
    except OSError as error:
        raise SettingError(
            "--saved_model", str(base), f"a folder that can be read ({error.strerror})"
        ) from None
    if not found:
        raise SettingError(
            "--saved_model", str(base), "a folder that export.py has written"
        )
    return found[max(found)]


@contextmanager
def new_version(base: str | os.PathLike, version: int) -> Iterator[Path]:
    """A folder to write into, which becomes `base/version` when all went well.

    A server that watches `base` never sees half a version, and an existing version is
    never overwritten. What killed processes have begun more than a day before is
    removed.

    Args:
        base: Folder of the model; made if missing.
        version: A free version, see `free_version`.

    Yields:
        The empty folder to write into.

    Raises:
        SettingError: If the version exists by then, or `base` can't be written to.
    """
    base = Path(base)
    try:
        base.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{version}-", dir=base))
    except OSError as error:
        raise SettingError(
            "--export_dir",
            str(base),
            f"a folder that can be written to ({error.strerror})",
        ) from None
    try:
        _remove_dead(base, before=aside.stat().st_mtime - _DAY)
        yield aside
        aside.chmod(0o755)  # mkdtemp's 0700 would keep a server's own user out
        try:
            aside.rename(base / str(version))
        except OSError:
            raise _taken(base, version) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def free_version(
    base: str | os.PathLike, version: int | None, model: str = SAVED_MODEL
) -> int:
    """`version` if it is free under `base`; the next free one for None.

    Args:
        base: Folder of the versions.
        version: As asked for.
        model: See `list_versions`.

    Raises:
        SettingError: If it exists or is no positive integer.
    """
    taken = list_versions(base, model)
    if version is None:
        return max(taken, default=0) + 1
    if not isinstance(version, int) or version < 1:
        raise SettingError("--version", version, "a positive integer")
    if version in taken or (Path(base) / str(version)).exists():
        raise _taken(base, version, model)
    return version


def remove_old(
    base: str | os.PathLike,
    keep: int,
    spare: Iterable[int] = (),
    model: str = SAVED_MODEL,
) -> list[int]:
    """Deletes all but the newest `keep` versions.

    Args:
        base: Folder of the model.
        keep: How many to keep; 0 keeps all.
        spare: Versions that stay whatever their age, such as one with a label.
        model: See `list_versions`.

    Returns:
        The versions that were deleted.
    """
    found = list_versions(base, model)
    old = [v for v in list(found)[:-keep] if v not in set(spare)] if keep else []
    for version in old:
        shutil.rmtree(found[version])
    return old


def _remove_dead(base: Path, before: float) -> None:
    """Removes what is begun and was last written to before: nobody writes so long.

    By age, as locks aren't seen from other machines, nor process ids from containers.
    """
    for aside in base.iterdir():
        if not _ASIDE.fullmatch(aside.name):
            continue
        with suppress(FileNotFoundError):  # it became a version just now
            if aside.stat().st_mtime < before:
                shutil.rmtree(aside, ignore_errors=True)


def _taken(
    base: str | os.PathLike, version: int, model: str = SAVED_MODEL
) -> SettingError:
    return SettingError(
        "--version",
        version,
        f"one that isn't in {base} yet: {free_version(base, None, model)}",
    )
