"""A folder of images, one subfolder per class.

    FOLDER/cat/1.jpg, FOLDER/dog/2.png, ...

or already divided, in which case nothing is divided again:

    FOLDER/train/cat/1.jpg, FOLDER/test/cat/7.jpg, FOLDER/validation/cat/9.jpg

Undivided, a fifth of each class becomes the test part, chosen by a hash of the file
names: the same images for every seed, and adding files moves few of the others.
Every file is decoded once at the start, so that all damaged ones are named before
training. Names count in Unicode's composed form, as a Mac writes them in the other.

Where the objects are known, FOLDER/boxes.csv or FOLDER/masks may say so, see
`ltpa_tf.data.folder_objects`.
"""

import dataclasses
import hashlib
import itertools
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from ltpa_tf.data.encoded import encoded_splits
from ltpa_tf.data.folder_objects import says_where_objects_are, with_objects
from ltpa_tf.data.source import fingerprint
from ltpa_tf.data.splits import stratified_order
from ltpa_tf.errors import SettingError
from ltpa_tf.images import REFUSED_SUFFIXES, SUFFIXES, Preprocessing, files
from ltpa_tf.images.check import Checked
from ltpa_tf.words import text_of

PARTS = ("train", "validation", "test")
# What file managers leave behind.
_IGNORED = ("Thumbs.db", "desktop.ini", "__MACOSX")


@dataclasses.dataclass(frozen=True, eq=False)
class ImageFile:
    """A file that can be used.

    Attributes:
        path: Where it is.
        name: Its path in the folder, as text in one form.
        label: Number of its class.
        digest: SHA-256 of its content.
        checked: How it is decoded, its shape and levels.
    """

    path: Path
    name: str
    label: int
    digest: str
    checked: Checked


@dataclasses.dataclass(frozen=True)
class Folder:
    """What is in a folder.

    Attributes:
        parts: {part: its files}, every beginning of a part holding the classes in
            proportion.
        class_names: Sorted.
        divided: Whether it came divided into parts.
        skipped: Names of the files that can't be used.
    """

    parts: dict[str, list[ImageFile]]
    class_names: tuple[str, ...]
    divided: bool
    skipped: tuple[str, ...]


def load_folder(
    folder: str,
    image_size: int,
    largest: int,
    chosen: Preprocessing,
    skip_damaged: bool,
) -> tuple[tuple[str, ...], dict]:
    """Class names, and what `make_source` needs, of a folder.

    Raises:
        SettingError: Naming the files or the folder that can't be used.
    """
    root = Path(folder)
    found = read_folder(root, skip_damaged=skip_damaged)
    images = [image for part in found.parts.values() for image in part]
    files.warn_of_few_levels(
        {one.path: one.checked.levels for one in images if one.checked.levels}, chosen
    )
    if largest and not image_size:
        image_size = side_of([one.checked.shape for one in images], largest)
    size = (image_size, image_size) if image_size else _common_size(images)
    columns = {part: columns_of(images) for part, images in found.parts.items()}
    splits = encoded_splits(columns, size, image_size > 0, chosen, tf.io.read_file)
    for part, found_files in found.parts.items():
        splits[part] = with_objects(splits[part], root, found_files, chosen)
    tables = [child for child in _visible(root) if says_where_objects_are(child)]
    if tables and all(split.boxes is None for split in splits.values()):
        raise SettingError(
            text_of(tables[0]),
            "none of the folder's images",
            f"paths in the folder, such as {images[0].name}",
        )
    identity = fingerprint([f"{one.digest} {one.name}" for one in images])
    where = {"identity": identity, "where": str(root), "skipped": found.skipped}
    return found.class_names, {**splits, **where}


def side_of(shapes: Sequence[tuple[int, int]], most: int) -> int:
    """The side to which images of different sizes are brought.

    At least half of them have as many pixels on their shorter side, unless they are
    very small: so few are enlarged.

    Args:
        shapes: (height, width) of each.
        most: What it is at most.

    Returns:
        `most`, or a multiple of 32 below it, at least 32 and about half of `most`.

    Example:
        >>> from ltpa_tf.data import folder
        >>> folder.side_of([(480, 640), (150, 200), (170, 120)], 224)
        128
    """
    typical = int(np.median([min(shape) for shape in shapes]))
    return min(most, max(typical // 32 * 32, most // 64 * 32, 32))


def columns_of(
    images: Sequence[ImageFile],
) -> tuple[list[bytes], list[int], np.ndarray]:
    """Paths, codes and labels, for `encoded_splits`."""
    return (
        [os.fsencode(one.path) for one in images],
        [one.checked.code for one in images],
        np.array([one.label for one in images], np.int32),
    )


def read_folder(
    root: Path, *, skip_damaged: bool = False, setting: str = "data.dir"
) -> Folder:
    """Reads every file.

    Args:
        root: See the module.
        skip_damaged: Whether to go on without the files that can't be used.
        setting: What named the folder: a program's flag, or `data.dir`.

    Raises:
        SettingError: Naming the files or the folder that can't be used.
    """
    if not root.is_dir():
        raise SettingError(setting, str(root), "a folder that exists")
    folders = {child.name: child for child in _children(root) if child.is_dir()}
    if not folders:
        raise SettingError(
            setting, str(root), "a folder with one subfolder of images per class"
        )
    divided = "train" in folders and set(folders) <= set(PARTS)
    roots = {part: folders[part] for part in PARTS if part in folders}
    roots = roots if divided else {"train": root}
    names = _class_names(roots["train"])
    listed = [
        (part, path, label)
        for part, base in roots.items()
        for path, label in _list(base, names)
    ]

    def inspect(row):
        part, path, label = row
        content, checked = _inspect(path)
        name = files.normal(path.relative_to(root).as_posix())
        digest = hashlib.sha256(content).hexdigest()
        return part, ImageFile(path, name, label, digest, checked)

    results = files.in_parallel(inspect, listed)
    errors = [one for one in results if isinstance(one, SettingError)]
    if not skip_damaged:
        skip = "--skip_damaged" if setting[0] == "-" else "data.skip_damaged=True"
        files.refuse(errors, setting, f"{skip} goes on without them")
    if errors:
        logging.warning(
            "%d of %d files can't be used and are left out; the first: %s",
            len(errors),
            len(results),
            errors[0],
        )
    good = [one for one in results if not isinstance(one, SettingError)]
    parts = {part: [image for where, image in good if where == part] for part in roots}
    if not parts["train"]:
        raise SettingError(setting, str(root), "a folder with an image to train on")
    parts = parts if divided else _with_test_part(parts["train"])
    parts = {part: _mixed(images) for part, images in parts.items() if images}
    return Folder(parts, names, divided, tuple(error.setting for error in errors))


def _inspect(path: Path) -> tuple[bytes, Checked]:
    if path.suffix.lower() not in (*SUFFIXES, *REFUSED_SUFFIXES):
        raise SettingError(
            text_of(path),
            "a file that isn't called like an image",
            "files in the folder of a class: " + ", ".join(SUFFIXES),
        )
    return files.check_file(path)


def _class_names(root: Path) -> tuple[str, ...]:
    names = [files.normal(child.name) for child in _children(root) if child.is_dir()]
    for one, following in itertools.pairwise(names):
        if one == following:
            raise SettingError(
                str(root),
                f"two folders {one!r}, which differ in how accents are stored",
                "one folder for each class",
            )
    return tuple(names)


def _list(root: Path, names: tuple[str, ...]) -> Iterator[tuple[Path, int]]:
    """Path and class of everything in the folders of classes."""
    for folder in _children(root):
        if folder.is_file():
            raise SettingError(text_of(folder), "a file", "subfolders of images only")
        name = files.normal(folder.name)
        if name not in names:
            raise SettingError(
                text_of(folder),
                f"class {name!r}",
                "the classes of the training part",
            )
        inside = list(_visible(folder))
        if not inside:
            raise SettingError(text_of(folder), "an empty folder", "at least one image")
        for path in inside:
            if path.is_dir():
                raise SettingError(
                    text_of(path),
                    "a folder",
                    "image files in the folder of a class; above classes, no folders "
                    "but " + ", ".join(PARTS),
                )
            yield path, names.index(name)


def _with_test_part(images: list[ImageFile]) -> dict[str, list[ImageFile]]:
    keys = {one: hashlib.sha256(one.name.encode()).digest() for one in images}
    test = set()
    for label in {one.label for one in images}:
        members = sorted((one for one in images if one.label == label), key=keys.get)
        test.update(members[: round(len(members) / 5)])
    return {
        "train": [one for one in images if one not in test],
        "test": [one for one in images if one in test],
    }


def _mixed(images: list[ImageFile]) -> list[ImageFile]:
    labels = np.array([one.label for one in images], np.int32)
    return [images[i] for i in stratified_order(labels, seed=0)]


def _common_size(images: list[ImageFile]) -> tuple[int, int]:
    first = images[0]
    for one in images:
        if one.checked.shape != first.checked.shape:
            raise SettingError(
                "data.image_size",
                0,
                f"a size to resize to: {first.name} is {first.checked.shape}, "
                f"{one.name} is {one.checked.shape}",
            )
    return first.checked.shape


def _children(root: Path) -> list[Path]:
    """Parts or classes, and what has no place there."""
    return [child for child in _visible(root) if not says_where_objects_are(child)]


def _visible(folder: Path) -> Iterator[Path]:
    for child in sorted(folder.iterdir(), key=lambda one: files.normal(one.name)):
        if not child.name.startswith(".") and child.name not in _IGNORED:
            yield child
