"""Images from an .npz file, and what arrays of any kind become."""

import dataclasses
import difflib
import zipfile
from collections.abc import Collection
from pathlib import Path

import numpy as np

from ltpa_tf.data import boxes as box_table
from ltpa_tf.data import masks as object_masks
from ltpa_tf.data.memory import check_images
from ltpa_tf.data.source import array_split, fingerprint
from ltpa_tf.errors import SettingError
from ltpa_tf.images import DEFAULT, Preprocessing, files, pillow
from ltpa_tf.images.fit import fit

_ARRAYS, _PARTS = ("x", "y", "boxes", "masks"), ("train", "test")
KEYS = (
    "x_train, y_train and, where there is a test part, x_test, y_test; label_names, "
    "boxes_train, boxes_test, masks_train, masks_test"
)
_NAMES = {f"{what}_{part}" for what in _ARRAYS for part in _PARTS} | {"label_names"}
# How alike a name must be to be taken for another: x_tset and x_test are by 0.83.
_ALIKE = 0.8


def read_npz(
    file: str | Path, chosen: Preprocessing = DEFAULT, *, deep: bool = False
) -> tuple[dict, tuple[str, ...], dict]:
    """Reads images, labels and boxes.

    Args:
        file: With `x_train` [N, H, W(, C)] and `y_train` [N], optionally `x_test`,
            `y_test`, `label_names`, and integers `boxes_train`, `boxes_test` [N, 4]:
            top, left, bottom, right of the object, the last two exclusive.
        chosen: For transparent and 16-bit images.
        deep: Whether 16-bit values stay as they are, see `rgb`.

    Returns:
        {part: (uint8 [N, H, W, 3], int32 [N])} with the parts "train" and, if there
        is one, "test"; the class names; and {part: int32 [N, 4]} of those with boxes.

    Raises:
        SettingError: Naming the file and what is wrong in it.
    """
    file = Path(file)
    if not file.is_file():
        raise SettingError("data.dir", str(file), "an .npz file that exists")
    try:
        with file.open("rb") as stream:
            # Of an .npy, which is one array, this makes no dictionary.
            arrays = dict(np.load(stream, allow_pickle=False))
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise SettingError(
            str(file), f"an unreadable file ({error})", f"an .npz file with {KEYS}"
        ) from None
    _check_names(arrays, file)
    parts = {}
    for part in _PARTS:
        names = (f"x_{part}", f"y_{part}")
        missing = [name for name in names if name not in arrays]
        if missing and (part == "train" or len(missing) == 1):
            raise SettingError(str(file), sorted(arrays), KEYS)
        if not missing:
            parts[part] = tuple(arrays[name] for name in names)
    for part, (images, labels) in parts.items():
        images = rgb(images, f"{file}: x_{part}", chosen, deep=deep)
        parts[part] = images, class_numbers(labels, len(images), f"{file}: y_{part}")
    if "label_names" in arrays:
        names = class_texts(arrays["label_names"], f"{file}: label_names")
    else:
        highest = max(int(labels.max()) for _, labels in parts.values())
        examples = len(parts["train"][1])
        if highest >= examples:  # before names are made for billions of classes
            raise SettingError(
                str(file),
                f"label {highest} with {examples} training images",
                "class numbers from 0 on, each with a training image",
            )
        names = tuple(str(label) for label in range(highest + 1))
    boxes = {}
    for part, (images, labels) in parts.items():
        if f"boxes_{part}" in arrays:
            key = f"{file}: boxes_{part}"
            where = [f"{key}[{i}]" for i in range(len(labels))]
            shapes = [images.shape[1:3]] * len(labels)
            boxes[part] = box_table.checked(arrays[f"boxes_{part}"], shapes, where)
    return parts, names, boxes


def _check_names(names: Collection[str], file: Path) -> None:
    """Refuses a name that seems to be meant as one that isn't there."""
    missing = _NAMES - set(names)
    for name in sorted(set(names) - _NAMES):
        for meant in difflib.get_close_matches(name, missing, 1, _ALIKE):
            raise SettingError(
                str(file), f"an array {name!r}", f"{meant!r}, or a name less like it"
            )


def load_npz(
    file: str, image_size: int, chosen: Preprocessing
) -> tuple[tuple[str, ...], dict]:
    """Class names, and what `make_source` needs, of an .npz file."""
    parts, names, boxes = read_npz(file, chosen)
    number = sum(len(labels) for _, labels in parts.values())
    check_images(number, (image_size, image_size))
    splits = {}
    for part, (images, labels) in parts.items():
        fitting = sized(images, image_size, chosen)
        if part in boxes:
            shapes = [images.shape[1:3]] * len(images)
            boxes[part] = box_table.fitted(
                boxes[part], shapes, fitting.shape[1:3], chosen.aspect
            )
        splits[part] = array_split(fitting, labels, boxes.get(part))
        masks = read_masks(file, part, images.shape[:3])
        if masks is not None:
            masks = object_masks.fitted(masks, fitting.shape[1:3], chosen)
            known = boxes.get(part, object_masks.bounds(masks))
            splits[part] = dataclasses.replace(splits[part], masks=masks, boxes=known)
    identity = fingerprint(names, *(array for part in parts.values() for array in part))
    return names, {**splits, "identity": identity, "where": str(file)}


def read_masks(
    file: str | Path, part: str, shape: tuple[int, int, int]
) -> np.ndarray | None:
    """`masks_train` or `masks_test` of an .npz file, bool [N, H, W]; None without.

    Args:
        file: Of `read_npz`.
        part: "train" or "test".
        shape: (N, H, W), of its images.

    Raises:
        SettingError: If they aren't masks of these images.
    """
    key = f"masks_{part}"
    with np.load(file, allow_pickle=False) as arrays:
        if key not in arrays:
            return None
        return object_masks.checked(arrays[key], shape, f"{file}: {key}")


def sized(images: np.ndarray, image_size: int, chosen: Preprocessing) -> np.ndarray:
    """uint8 [N, H, W, 3] brought to `image_size` squared; 0 leaves them as they are."""
    size = (image_size, image_size)
    if not image_size or images.shape[1:3] == size:
        return images
    chunks = np.array_split(images, -(-len(images) // 1000))
    fitted = (fit(one, size, chosen.aspect, chosen.background) for one in chunks)
    return np.concatenate([one.numpy() for one in fitted])


def rgb(
    images: np.ndarray,
    where: str,
    chosen: Preprocessing = DEFAULT,
    *,
    deep: bool = False,
) -> np.ndarray:
    """Images as uint8 [N, H, W, 3].

    Grey ([N, H, W] or one channel) becomes three equal channels; of two or four
    channels the last is opacity; 16-bit values become 8 as the window says; floats from
    0 to 1 are scaled.

    Args:
        images: Of any of these kinds.
        where: For messages.
        chosen: Background and window.
        deep: Whether 16-bit values stay as they are, uint16 and on white, for a window
            that is chosen later.

    Raises:
        SettingError: Naming `where` for anything else.
    """
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in (1, 2, 3, 4) or not images.size:
        raise SettingError(
            where, f"shape {images.shape}", "[N, H, W], or [N, H, W, C] with C 1 to 4"
        )
    transparent = images.shape[-1] in (2, 4)
    if images.dtype == np.uint16 and deep:
        if transparent:
            images = pillow.deep_on_white(images)
    elif images.dtype == np.uint16:
        values = images
        colours = values[..., :-1] if transparent else values
        levels = {where: (int(colours.min()), int(colours.max()))}
        files.warn_of_few_levels(levels, chosen)
        images = pillow.eight_bits(values, chosen)
        if transparent:
            images[..., -1] = values[..., -1] >> 8
    elif np.issubdtype(images.dtype, np.floating):
        _within(images, 1, where)
        images = np.rint(images * 255).astype(np.uint8)
    elif np.issubdtype(images.dtype, np.integer):
        _within(images, 255, where)
        images = images.astype(np.uint8, copy=False)
    else:
        raise SettingError(where, str(images.dtype), "uint8, uint16, or floats 0 to 1")
    if transparent and images.dtype == np.uint8:
        images = pillow.on_background(images, chosen.background)
    return np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images


def class_numbers(labels: np.ndarray, images: int, where: str) -> np.ndarray:
    """Labels as int32 [N]; [N, 1], as Keras has them, becomes that too.

    Args:
        labels: Whatever a file had.
        images: How many there must be.
        where: For messages.

    Raises:
        SettingError: Naming `where` for anything else.
    """
    labels = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    integers = np.issubdtype(labels.dtype, np.integer)
    if labels.ndim != 1 or not labels.size or not integers:
        raise SettingError(
            where, f"{labels.dtype} {labels.shape}", "integers [N], class numbers"
        )
    if labels.min() < 0 or labels.max() >= 2**31:
        raise SettingError(
            where, f"labels {labels.min()} to {labels.max()}", "class numbers from 0"
        )
    if len(labels) != images:
        raise SettingError(
            where, f"{images} images and {len(labels)} labels", "a label for each image"
        )
    return labels.astype(np.int32)


def class_texts(names: np.ndarray, where: str) -> tuple[str, ...]:
    """Class names as text, which a file may hold as text, UTF-8 or numbers.

    Raises:
        SettingError: Naming `where` for anything else.
    """
    accepted = "class names [N], as text or in UTF-8"
    if names.ndim != 1 or names.dtype.kind not in "USiu":
        raise SettingError(where, f"{names.dtype} {names.shape}", accepted)
    try:
        return tuple(
            name.decode() if isinstance(name, bytes) else str(name)
            for name in names.tolist()
        )
    except UnicodeDecodeError as error:
        raise SettingError(where, error.object, accepted) from None


def _within(images: np.ndarray, most: int, where: str) -> None:
    lowest, highest = images.min(), images.max()
    if not 0 <= lowest <= highest <= most:  # also refuses NaN
        raise SettingError(
            where,
            f"{images.dtype} values from {lowest} to {highest}",
            f"0 to {most} for this type",
        )
