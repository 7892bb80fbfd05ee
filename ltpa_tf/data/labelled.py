"""A labelled folder that a model wasn't trained on, to measure it on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from ltpa_tf.data.encoded import encoded_splits
from ltpa_tf.data.folder import PARTS, columns_of, read_folder
from ltpa_tf.data.folder_objects import with_objects
from ltpa_tf.data.source import Split, fingerprint
from ltpa_tf.errors import SettingError
from ltpa_tf.home import expanded
from ltpa_tf.images import DEFAULT, Preprocessing, files
from ltpa_tf.words import one_of


def labelled_folder(
    folder: str,
    class_names: Sequence[str],
    size: tuple[int, int],
    part: str = "test",
    chosen: Preprocessing = DEFAULT,
    *,
    skip_damaged: bool = False,
) -> tuple[Split, str, tuple[str, ...]]:
    """The images of a folder with a subfolder for each class, or for some of them.

    Of a divided folder (`ltpa_tf.data.folder`) that is one part, otherwise all images.

    Args:
        folder: The folder.
        class_names: The K classes of the model.
        size: `(H, W)` that all images get.
        part: Which part of a divided folder.
        chosen: How the model's training images were decoded.
        skip_damaged: Whether to go on without the files that can't be used.

    Returns:
        The split, its labels as in `class_names`, a fingerprint of names and files, and
        the names of the files that were left out.

    Raises:
        SettingError: Naming the files, folder or class that can't be used.

    Example:
        >>> classes = ("cat", "dog")
        >>> split, _, _ = data.labelled_folder("photos", classes, (32, 32))
        >>> split
        <Split: 4 images, 32x32>
    """
    root = expanded(folder, "--labelled_dir")
    found = read_folder(root, skip_damaged=skip_damaged, setting="--labelled_dir")
    parts = found.parts
    if found.divided and part not in parts:
        raise SettingError("--split", part, one_of(p for p in PARTS if p in parts))
    images = parts[part] if found.divided else [i for p in parts.values() for i in p]
    numbers = _class_numbers(found.class_names, class_names, root)
    paths, codes, labels = columns_of(images)
    table = {part: (paths, codes, numbers[labels])}
    split = encoded_splits(table, size, True, chosen, tf.io.read_file)[part]
    split = with_objects(split, root, images, chosen)
    identity = fingerprint(sorted(f"{one.digest} {one.name}" for one in images))
    return split, identity, found.skipped


def _class_numbers(
    names: Sequence[str], class_names: Sequence[str], root: Path
) -> np.ndarray:
    """The model's number of each of the folder's classes, int32."""
    known = {files.normal(name): number for number, name in enumerate(class_names)}
    for name in names:
        if name not in known:
            raise SettingError(
                str(root / name),
                f"class {name!r}",
                f"the model's classes: {', '.join(class_names)}",
            )
    return np.array([known[name] for name in names], np.int32)
