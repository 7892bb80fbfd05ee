"""A labelled folder that a model wasn't trained on, to measure it on."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from ltpa_tf.data.encoded import encoded_splits
from ltpa_tf.data.folder import PARTS, inspect, read_folder
from ltpa_tf.data.source import Split, fingerprint
from ltpa_tf.errors import SettingError


def labelled_folder(
    folder: str, class_names: Sequence[str], size: tuple[int, int], part: str = "test"
) -> tuple[Split, str]:
    """The images of a folder with a subfolder for each class, or for some of them.

    Of a divided folder (`ltpa_tf.data.folder`) that is one part, otherwise all images.

    Args:
        folder: The folder.
        class_names: The K classes of the model.
        size: `(H, W)` that all images get.
        part: Which part of a divided folder.

    Returns:
        The split, its labels as in `class_names`, and a fingerprint of names and files.

    Raises:
        SettingError: Naming the file, folder or class that can't be used.
    """
    root = Path(folder).expanduser()
    parts, names = read_folder(root)
    divided = (root / "train").is_dir() and "train" not in names
    if divided and part not in parts:
        raise SettingError("--split", part, ", ".join(p for p in PARTS if p in parts))
    chosen = [parts[part]] if divided else list(parts.values())
    files = [file for paths, _ in chosen for file in paths]
    labels = np.concatenate([labels for _, labels in chosen])
    digests, _ = inspect(files)
    numbers = _class_numbers(names, class_names, root)
    strings = {part: ([str(file) for file in files], numbers[labels])}
    split = encoded_splits(strings, size, resized=True, read=tf.io.read_file)[part]
    lines = [
        f"{digest} {file.relative_to(root).as_posix()}"
        for digest, file in zip(digests, files, strict=True)
    ]
    return split, fingerprint(sorted(lines))


def _class_numbers(
    names: Sequence[str], class_names: Sequence[str], root: Path
) -> np.ndarray:
    """The model's number of each of the folder's classes, int32."""
    known = {_normal(name): number for number, name in enumerate(class_names)}
    for name in names:
        if _normal(name) not in known:
            raise SettingError(
                str(root / name),
                f"class {name!r}",
                f"the model's classes: {', '.join(class_names)}",
            )
    return np.array([known[_normal(name)] for name in names], np.int32)


def _normal(name: str) -> str:
    """One form of letters with accents, of which file systems have two."""
    return unicodedata.normalize("NFC", name)
