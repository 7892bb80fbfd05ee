"""Boxes of the objects in images: read, checked, and brought to the images' new size.

A box is (top, left, bottom, right) in pixels, the last two exclusive.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ltpa_tf.errors import SettingError

FILE = "boxes.csv"
"""In a folder of images: a line for each, see `read_boxes`."""

_COLUMNS = ("file", "top", "left", "bottom", "right")


def checked(
    boxes: np.ndarray, shapes: Sequence[tuple[int, int]], where: Sequence[str]
) -> np.ndarray:
    """Boxes as int32 [N, 4].

    Args:
        boxes: Whatever a file had.
        shapes: (height, width) of each image.
        where: For messages, of each image.

    Raises:
        SettingError: If they are no boxes, or one isn't within its image.
    """
    if boxes.shape != (len(shapes), 4) or not np.issubdtype(boxes.dtype, np.integer):
        raise SettingError(
            where[0] if where else "boxes",
            f"{boxes.dtype} {boxes.shape}",
            f"integers ({len(shapes)}, 4): top, left, bottom, right of each image",
        )
    top, left, bottom, right = boxes.T
    height, width = np.array(shapes).T
    within = (top >= 0) & (top < bottom) & (bottom <= height)
    within &= (left >= 0) & (left < right) & (right <= width)
    for i in np.flatnonzero(~within)[:1]:
        raise SettingError(
            where[i],
            f"box {tuple(boxes[i].tolist())}",
            f"top < bottom and left < right, within its image of {height[i]}x"
            f"{width[i]}",
        )
    return boxes.astype(np.int32)


def fitted(
    boxes: np.ndarray,
    shapes: Sequence[tuple[int, int]],
    size: tuple[int, int],
    aspect: str,
) -> np.ndarray:
    """Where boxes are in the images that `ltpa_tf.images.fit` makes, int32 [N, 4].

    Every pixel that shows something of a box belongs to it. Of a box that is cropped
    away nothing is left: it is empty.

    Args:
        boxes: `checked` ones.
        shapes: (height, width) of each image before.
        size: (height, width) after.
        aspect: As in `ltpa_tf.images.Preprocessing`.
    """
    have, want = np.array(shapes).reshape(-1, 2), np.array(size)
    start = source = np.zeros_like(have)
    # As `fit` rounds the part that it takes, or the place that it gives.
    if aspect == "crop":
        kept = (have[:, ::-1] * want + want[::-1] // 2) // want[::-1]
        kept = kept.clip(1, have)
        source, scale = (have - kept) // 2, want / kept
    elif aspect == "pad":
        inner = (want[::-1] * have + have[:, ::-1] // 2) // have[:, ::-1]
        inner = inner.clip(1, want)
        start, scale = (want - inner) // 2, inner / have
    else:
        scale = want / have
    edges = boxes.reshape(-1, 2, 2) - source[:, None]
    edges = edges * scale[:, None] + start[:, None]
    # What rounding makes of a border that falls on one is no further pixel.
    first, last = np.floor(edges[:, 0] + 1e-6), np.ceil(edges[:, 1] - 1e-6)
    first, last = (np.clip(edge, 0, want) for edge in (first, last))
    return np.concatenate([first, last], 1).astype(np.int32)


def read_boxes(folder: Path) -> dict[str, tuple[int, int, int, int]]:
    """The boxes in a folder's `boxes.csv`; none without such a file.

    Its first line is `file,top,left,bottom,right`; the others have an image's path in
    the folder, such as `cat/1.jpg`, and its box in pixels of the image as it is seen.

    Raises:
        SettingError: Naming the line that can't be read.
    """
    file = folder / FILE
    if not file.is_file():
        return {}
    accepted = ",".join(_COLUMNS)
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            rows = csv.DictReader(stream)
            if tuple(rows.fieldnames or ()) != _COLUMNS:
                raise SettingError(
                    str(file), f"columns {rows.fieldnames}", f"the columns {accepted}"
                )
            found = {}
            for row in rows:
                try:
                    found[row["file"]] = tuple(int(row[k]) for k in _COLUMNS[1:])
                except (ValueError, TypeError):
                    raise SettingError(
                        f"{file}, line {rows.line_num}",
                        ",".join(map(str, row.values())),
                        f"{accepted}, whole numbers",
                    ) from None
            return found
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingError(
            str(file), f"an unreadable file ({error})", f"a CSV of {accepted}"
        ) from None
