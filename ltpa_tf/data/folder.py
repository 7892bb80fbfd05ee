"""A folder of images, one subfolder per class.

    FOLDER/cat/1.jpg, FOLDER/dog/2.png, ...

or already divided, in which case nothing is divided again:

    FOLDER/train/cat/1.jpg, FOLDER/test/cat/7.jpg, FOLDER/validation/cat/9.jpg

Undivided, a fifth of each class becomes the test part, chosen by a hash of the file
names: the same images for every seed, and adding files moves few of the others.
Every file is read once at the start, so that a damaged one is named before training.
"""

import concurrent.futures
import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from ltpa_tf.data.decode import SUFFIXES
from ltpa_tf.data.encoded import encoded_splits
from ltpa_tf.data.source import fingerprint
from ltpa_tf.data.splits import stratified_order
from ltpa_tf.errors import SettingError

PARTS = ("train", "validation", "test")
_FORMATS = ("JPEG", "PNG", "BMP", "GIF")
# What file managers leave behind.
_IGNORED = ("Thumbs.db", "desktop.ini", "__MACOSX")


def load_folder(folder: str, image_size: int) -> tuple[tuple[str, ...], dict]:
    """Class names, and what `make_source` needs, of a folder.

    Raises:
        SettingError: Naming the file or folder that can't be used.
    """
    root = Path(folder)
    parts, names = read_folder(root)
    files = [file for paths, _ in parts.values() for file in paths]
    digests, shapes = inspect(files)
    size = (image_size, image_size) if image_size else _common_size(files, shapes)
    strings = {
        part: ([str(path) for path in paths], labels)
        for part, (paths, labels) in parts.items()
    }
    splits = encoded_splits(strings, size, image_size > 0, read=tf.io.read_file)
    lines = [
        f"{digest} {file.relative_to(root).as_posix()}"
        for digest, file in zip(digests, files, strict=True)
    ]
    return names, {**splits, "identity": fingerprint(lines), "where": str(root)}


def read_folder(root: Path) -> tuple[dict, tuple[str, ...]]:
    """What is where, without opening any file.

    Args:
        root: See the module.

    Returns:
        {part: (list of N paths, int32 [N] labels)}, every beginning of a part holding
        the classes in proportion; and the class names, sorted.

    Raises:
        SettingError: Naming the folder or file that can't be used.
    """
    if not root.is_dir():
        raise SettingError("data.dir", str(root), "a folder that exists")
    folders = {child.name: child for child in _visible(root) if child.is_dir()}
    if not folders:
        raise SettingError(
            "data.dir", str(root), "a folder with one subfolder of images per class"
        )
    divided = "train" in folders and set(folders) <= set(PARTS)
    roots = {part: folders[part] for part in PARTS if part in folders}
    roots = roots if divided else {"train": root}
    names = tuple(sorted(p.name for p in _visible(roots["train"]) if p.is_dir()))
    parts = {part: _list(base, names) for part, base in roots.items()}
    if not divided:
        parts = _with_test_part(*parts["train"], root)
    return {
        part: _mixed(paths, labels) for part, (paths, labels) in parts.items()
    }, names


def inspect(files: list[Path]) -> tuple[list[str], list[tuple[int, int]]]:
    """SHA-256 and (height, width) of each image file.

    Raises:
        SettingError: Naming the first file that is damaged, animated, no image, or one
            that TensorFlow would see differently.
    """
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(_inspect, files, chunksize=16))
    return [digest for digest, _ in results], [shape for _, shape in results]


def _inspect(file: Path) -> tuple[str, tuple[int, int]]:
    from PIL import Image

    try:
        content = file.read_bytes()
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            width, height = image.size
            kind, mode = image.format, image.mode
            frames = getattr(image, "n_frames", 1)
            # JPEG at an eighth: reads all of the file at a third of the time.
            image.draft("RGB", (1, 1))
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise SettingError(
            str(file), f"a file that can't be decoded ({error})", "a whole image file"
        ) from None
    if frames > 1 and kind != "MPO":  # a camera's JPEG with a small copy behind it
        raise SettingError(str(file), f"{frames} frames", "an image of one frame")
    if kind == "BMP" and mode in ("P", "1"):
        raise SettingError(
            str(file),
            "a BMP with a palette, which TensorFlow takes for shades of grey",
            "a BMP with 24 bits a pixel, or a PNG",
        )
    return hashlib.sha256(content).hexdigest(), (height, width)


def _list(root: Path, names: tuple[str, ...]) -> tuple[list[Path], np.ndarray]:
    paths, labels = [], []
    for folder in _visible(root):
        if folder.is_file():
            raise SettingError(str(folder), "a file", "subfolders of images only")
        if folder.name not in names:
            raise SettingError(
                str(folder),
                f"class {folder.name!r}",
                "the classes of the training part",
            )
        files = sorted(_visible(folder))
        if not files:
            raise SettingError(str(folder), "an empty folder", "at least one image")
        for file in files:
            if file.is_dir() or file.suffix.lower() not in SUFFIXES:
                accepted = "in the folder of a class: " + " ".join(SUFFIXES) + " files"
                if file.is_dir():
                    accepted += "; above classes, no folders but " + ", ".join(PARTS)
                raise SettingError(
                    str(file), "a folder" if file.is_dir() else file.name, accepted
                )
        paths += files
        labels += [names.index(folder.name)] * len(files)
    return paths, np.array(labels, np.int32)


def _with_test_part(paths: list[Path], labels: np.ndarray, root: Path) -> dict:
    keys = np.array(
        [
            hashlib.sha256(p.relative_to(root).as_posix().encode()).digest()
            for p in paths
        ]
    )
    test = np.zeros(len(paths), bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        members = members[np.argsort(keys[members])]
        test[members[: round(len(members) / 5)]] = True
    parts = {"train": np.flatnonzero(~test), "test": np.flatnonzero(test)}
    return {
        part: ([paths[i] for i in indices], labels[indices])
        for part, indices in parts.items()
        if len(indices)
    }


def _mixed(paths: list[Path], labels: np.ndarray) -> tuple[list[Path], np.ndarray]:
    order = stratified_order(labels, seed=0)
    return [paths[i] for i in order], labels[order]


def _common_size(files: list[Path], shapes: list[tuple[int, int]]) -> tuple[int, int]:
    for file, shape in zip(files, shapes, strict=True):
        if shape != shapes[0]:
            raise SettingError(
                "data.image_size",
                0,
                f"a size to resize to: {files[0]} is {shapes[0]}, {file} is {shape}",
            )
    return shapes[0]


def _visible(folder: Path) -> Iterator[Path]:
    for child in sorted(folder.iterdir()):
        if not child.name.startswith(".") and child.name not in _IGNORED:
            yield child
