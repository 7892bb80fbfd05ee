"""Examples of a data set: those that can't be decoded are all named at the start."""

import contextlib
import logging
import os
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from ltpa_tf.data.encoded import encoded_splits, fit_in_memory
from ltpa_tf.data.source import Split
from ltpa_tf.errors import SettingError
from ltpa_tf.images import BadImage, Preprocessing, files, headers, kind_of
from ltpa_tf.images.check import check

Parts = Mapping[str, tuple[list[bytes], np.ndarray]]
"""{part: (encoded images, int32 labels)}."""


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
    others, those of 16 bits, and all after something damaged was found, are looked at
    one by one, as the files of a folder are.

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
    examples = sum(len(labels) for _, labels in parts.values())
    if fit_in_memory(examples, size):
        with contextlib.suppress(BadImage, tf.errors.InvalidArgumentError):
            codes = {
                part: list(map(_code, those)) for part, (those, _) in parts.items()
            }
            if not any(
                code & headers.DEEP for those in codes.values() for code in those
            ):
                return _splits(parts, codes, size, resized, chosen), parts, ()
    good, codes, skipped = _checked(parts, chosen, where, skip_damaged)
    return _splits(good, codes, size, resized, chosen), good, skipped


def _splits(parts: Parts, codes: dict, size, resized, chosen) -> dict[str, Split]:
    columns = {
        part: (encoded, codes[part], labels)
        for part, (encoded, labels) in parts.items()
    }
    return encoded_splits(columns, size, resized, chosen)


def _code(content: bytes) -> int:
    """How an image is decoded, see `ltpa_tf.images.headers`."""
    return headers.header_of(content, kind_of(content)).code


def _checked(
    parts: Parts, chosen: Preprocessing, where: str | os.PathLike, skip_damaged: bool
) -> tuple[Parts, dict, tuple[str, ...]]:
    """The examples that can be used, their codes, and the names of the others."""

    def look(row):
        name, content = row
        try:
            return check(content)
        except BadImage as error:
            raise SettingError(name, error.reason, error.accepted) from None

    good, codes, errors, levels = {}, {}, [], {}
    for part, (encoded, labels) in parts.items():
        names = [f"{where} ({part} part), example {n}" for n in range(len(encoded))]
        results = files.in_parallel(look, zip(names, encoded, strict=True))
        bad = [isinstance(one, SettingError) for one in results]
        errors += [one for one in results if isinstance(one, SettingError)]
        kept = np.flatnonzero(~np.array(bad, bool))
        if not len(kept):
            continue
        codes[part] = [results[i].code for i in kept]
        good[part] = [encoded[i] for i in kept], labels[kept]
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
    return good, codes, tuple(error.setting for error in errors)
