"""Examples of a data set: those that can't be decoded are all named at the start."""

import contextlib
import dataclasses
import logging
import os
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from ltpa_tf.data import boxes as box_table
from ltpa_tf.data.encoded import encoded_splits, fit_in_memory
from ltpa_tf.data.source import Split
from ltpa_tf.errors import SettingError
from ltpa_tf.images import BadImage, Preprocessing, files, headers, kind_of
from ltpa_tf.images.check import Checked, check


@dataclasses.dataclass(frozen=True)
class Examples:
    """Those of a part.

    Attributes:
        encoded: Image files, N of them.
        labels: int32 [N].
        boxes: float [N, 4], as shares of the image: top, left, bottom, right of the
            object in each; None where they aren't known.
    """

    encoded: Sequence[bytes]
    labels: np.ndarray
    boxes: np.ndarray | None = None

    def take(self, indices: np.ndarray) -> "Examples":
        """Those at `indices`, in that order."""
        return Examples(
            [self.encoded[i] for i in indices],
            self.labels[indices],
            None if self.boxes is None else self.boxes[indices],
        )


Parts = Mapping[str, Examples]


def splits_of(
    parts: Parts,
    size: tuple[int, int],
    resized: bool,
    chosen: Preprocessing,
    where: str | os.PathLike,
    skip_damaged: bool,
) -> tuple[dict[str, Split], Parts, tuple[str, ...]]:
    """Splits of the examples that can be used.

    Images that fit in memory are decoded at once, which finds what is damaged. All
    others, those of 16 bits or with boxes, and all after something damaged was found,
    are looked at one by one, as the files of a folder are.

    Args:
        parts: Of the whole set.
        size: As for `encoded_splits`, and the next two.
        resized: See there.
        chosen: See there.
        where: For messages.
        skip_damaged: Whether to go on without what can't be used.

    Returns:
        The splits, the parts that they are of, without those of which nothing is left,
        and the names of what was left out.

    Raises:
        SettingError: Naming all examples that can't be used.
    """
    examples = sum(len(part.labels) for part in parts.values())
    boxes = any(part.boxes is not None for part in parts.values())
    if fit_in_memory(examples, size) and not boxes:
        with contextlib.suppress(BadImage, tf.errors.InvalidArgumentError):
            codes = {name: list(map(_code, p.encoded)) for name, p in parts.items()}
            if not any(code & headers.DEEP for one in codes.values() for code in one):
                return _splits(parts, codes, size, resized, chosen), parts, ()
    good, found, skipped = _checked(parts, chosen, where, skip_damaged)
    codes = {name: [one.code for one in those] for name, those in found.items()}
    splits = _splits(good, codes, size, resized, chosen)
    for name, part in good.items():
        if part.boxes is not None:
            shapes = [one.shape for one in found[name]]
            fitted = box_table.fitted(
                _in_pixels(part.boxes, shapes), shapes, size, chosen.aspect
            )
            splits[name] = dataclasses.replace(splits[name], boxes=fitted)
    return splits, good, skipped


def _splits(parts: Parts, codes: dict, size, resized, chosen) -> dict[str, Split]:
    columns = {
        name: (part.encoded, codes[name], part.labels) for name, part in parts.items()
    }
    return encoded_splits(columns, size, resized, chosen)


def _in_pixels(shares: np.ndarray, shapes: Sequence[tuple[int, int]]) -> np.ndarray:
    """Boxes int32 [N, 4] of every pixel that shares show something of, one at least."""
    size = np.tile(np.array(shapes), 2)
    edges = shares.astype(np.float64) * size
    # Pixels were divided by the size in float32: as much as that is off is no pixel.
    first, last = np.floor(edges[:, :2] + 1e-3), np.ceil(edges[:, 2:] - 1e-3)
    first = np.clip(first, 0, size[:, :2] - 1)
    last = np.clip(last, first + 1, size[:, :2])
    return np.concatenate([first, last], 1).astype(np.int32)


def _code(content: bytes) -> int:
    """How an image is decoded, see `ltpa_tf.images.headers`."""
    return headers.header_of(content, kind_of(content)).code


def _checked(
    parts: Parts, chosen: Preprocessing, where: str | os.PathLike, skip_damaged: bool
) -> tuple[Parts, dict[str, list[Checked]], tuple[str, ...]]:
    """The examples that can be used, what is known of each, the others' names."""

    def look(row):
        name, content = row
        try:
            return check(content)
        except BadImage as error:
            raise SettingError(name, error.reason, error.accepted) from None

    good, found, errors, levels = {}, {}, [], {}
    for part, examples in parts.items():
        count = len(examples.encoded)
        names = [f"{where} ({part} part), example {n}" for n in range(count)]
        results = files.in_parallel(look, zip(names, examples.encoded, strict=True))
        bad = [isinstance(one, SettingError) for one in results]
        errors += [one for one in results if isinstance(one, SettingError)]
        kept = np.flatnonzero(~np.array(bad, bool))
        if not len(kept):
            continue
        found[part] = [results[i] for i in kept]
        good[part] = examples.take(kept)
        levels |= {names[i]: results[i].levels for i in kept if results[i].levels}
    if not skip_damaged:
        files.refuse(errors, "data.name", "data.skip_damaged=True goes on without them")
    if errors:
        logging.warning(
            "%d examples can't be used and are left out; the first: %s",
            len(errors),
            errors[0],
        )
    files.warn_of_few_levels(levels, chosen)
    return good, found, tuple(error.setting for error in errors)
