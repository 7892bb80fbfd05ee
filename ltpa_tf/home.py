"""Paths that begin with a user's home folder, where there may be none."""

import os
from pathlib import Path

from ltpa_tf.errors import SettingError


def expanded(path: str | os.PathLike, setting: str) -> Path:
    """The path with its `~` spelled out.

    Args:
        path: With `~` or without.
        setting: What it was given by.

    Raises:
        SettingError: If there is a `~` and the user has no home folder, as in many a
            container.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise SettingError(
            setting, str(path), "a path without ~: this user has no home folder"
        ) from None
