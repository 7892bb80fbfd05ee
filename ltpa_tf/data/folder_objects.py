"""Where the objects are in a folder's images, if it says so.

FOLDER/boxes.csv has a line for each image, see `ltpa_tf.data.boxes`. FOLDER/masks has
the images' own tree, with a mask as a PNG for each: of `test/cat/7.jpg` it is
`masks/test/cat/7.png`, as many pixels as the image as it is seen, 0 beside the object.
A part of which some images have one needs one of each.
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ltpa_tf.data import boxes as box_table
from ltpa_tf.data import masks as object_masks
from ltpa_tf.data.source import Split
from ltpa_tf.errors import SettingError
from ltpa_tf.images import Preprocessing, files

if TYPE_CHECKING:
    from ltpa_tf.data.folder import ImageFile

MASKS = "masks"


class MaskFiles:
    """Masks bool [N, H, W] that are read anew whenever they become an array.

    Those of a large folder don't fit into memory, and training needs none of them.

    Args:
        read: Gives the mask of an image, bool [H, W].
        images: The images, an array of objects [N].
    """

    def __init__(self, read: Callable[["ImageFile"], np.ndarray], images: np.ndarray):
        self._read, self._images = read, images

    def __getitem__(self, indices: np.ndarray) -> "MaskFiles":
        return MaskFiles(self._read, self._images[indices])

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self.each(lambda mask: mask).astype(dtype or bool)

    def each(self, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """What a function makes of each mask, stacked.

        Raises:
            SettingError: Naming the mask that can't be used.
        """
        results = files.in_parallel(lambda one: function(self._read(one)), self._images)
        for error in results:
            if isinstance(error, SettingError):
                raise error
        return np.stack(results)


def says_where_objects_are(path: Path) -> bool:
    """Whether it is a folder's `boxes.csv` or `masks`, and not a class of that name.

    A class holds images, and `masks` folders only.
    """
    if path.name == MASKS and path.is_dir():
        inside = [one for one in path.iterdir() if not one.name.startswith(".")]
        return bool(inside) and all(one.is_dir() for one in inside)
    return path.name == box_table.FILE


def with_objects(
    split: Split, root: Path, images: Sequence["ImageFile"], chosen: Preprocessing
) -> Split:
    """The split with boxes and masks, where the folder has them.

    Args:
        split: Of the images, in their order.
        root: The folder.
        images: What was found in it.
        chosen: How images were brought to the split's size.

    Raises:
        SettingError: Naming the table or mask that can't be used.
    """
    size = split.shape[:2]
    boxes = _boxes(root, images, size, chosen)
    masks = _masks(root, images, size, chosen)
    if masks is not None:  # all are checked now
        around = masks.each(lambda mask: object_masks.bounds(mask[None])[0])
        boxes = around if boxes is None else boxes
    return dataclasses.replace(split, boxes=boxes, masks=masks)


def boxes_in_pixels(root: Path, images: Sequence["ImageFile"]) -> np.ndarray | None:
    """Boxes in images as they are seen, int32 [N, 4]; None if the folder has none.

    Args:
        root: The folder.
        images: Of a part of it.

    Raises:
        SettingError: Naming the line that can't be used, or an image without a box
            beside others that have one.
    """
    known = {files.normal(k): v for k, v in box_table.read_boxes(root).items()}
    if not _each_has_one(images, known, box_table.FILE, "box"):
        return None
    shapes = [one.checked.shape for one in images]
    boxes = np.array([known[one.name] for one in images])
    where = [f"{box_table.FILE}: {one.name}" for one in images]
    return box_table.checked(boxes, shapes, where)


def _boxes(
    root: Path,
    images: Sequence["ImageFile"],
    size: tuple[int, int],
    chosen: Preprocessing,
) -> np.ndarray | None:
    boxes = boxes_in_pixels(root, images)
    if boxes is None:
        return None
    shapes = [one.checked.shape for one in images]
    return box_table.fitted(boxes, shapes, size, chosen.aspect)


def _masks(
    root: Path,
    images: Sequence["ImageFile"],
    size: tuple[int, int],
    chosen: Preprocessing,
) -> MaskFiles | None:
    folder = root / MASKS
    if not says_where_objects_are(folder):
        return None
    stems = {
        files.normal(file.relative_to(folder).with_suffix("").as_posix()): file
        for file in folder.rglob("*.png")
    }
    stem_of = {one.name: one.name.rpartition(".")[0] for one in images}
    known = {name: stems[stem] for name, stem in stem_of.items() if stem in stems}
    if not _each_has_one(images, known, MASKS, "mask"):
        return None

    def read(one: "ImageFile") -> np.ndarray:
        file = known[one.name]
        mask = object_masks.checked(_pixels(file), (1, *one.checked.shape), str(file))
        return object_masks.fitted(mask, size, chosen)[0]

    return MaskFiles(read, np.array(images, object))


def _each_has_one(
    images: Sequence["ImageFile"], known: dict[str, object], where: str, what: str
) -> bool:
    """Whether there is one of each image; neither of all nor of none is refused."""
    without = [one.name for one in images if one.name not in known]
    if without and len(without) < len(images):
        raise SettingError(
            where, f"no {what} of {without[0]}", "one of each image of a part"
        )
    return not without


def _pixels(file: Path) -> np.ndarray:
    """Not 0 where any channel isn't, uint8 [1, H, W]."""
    try:
        with Image.open(file) as image:
            # Opaque everywhere is no object.
            opaque = image.convert("RGB") if image.mode in ("RGBA", "LA") else image
            hit = np.asarray(opaque) != 0
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SettingError(str(file), f"no image ({error})", "a PNG") from None
    return (hit.any(-1) if hit.ndim == 3 else hit)[None].astype(np.uint8)
