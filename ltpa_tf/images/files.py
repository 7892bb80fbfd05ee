"""Image files on this machine: their names, their pixels, what is wrong with them."""

import concurrent.futures
import functools
import logging
import os
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ltpa_tf.errors import SettingError
from ltpa_tf.images import pillow
from ltpa_tf.images.kinds import ACCEPTED, BadImage
from ltpa_tf.images.preprocessing import Preprocessing
from ltpa_tf.words import text_of

if TYPE_CHECKING:
    from ltpa_tf.images.check import Checked

_MOST_NAMED = 100
_FEW_LEVELS = 32


class UnusableFiles(SettingError):
    """Several files that can't be used, all of them named, a line each.

    What a kind of them would have to be is told where it comes first.
    """

    def __str__(self) -> str:
        lines, told = [], {ACCEPTED}
        for one in self.received[:_MOST_NAMED]:
            new = "" if one.accepted in told else f"; expected {one.accepted}"
            lines.append(f"{one.setting}: {one.received}{new}")
            told.add(one.accepted)
        if len(self.received) > _MOST_NAMED:
            lines.append(f"and {len(self.received) - _MOST_NAMED:,} more")
        received = f"{len(self.received):,} files that can't be used"
        first = f"{self.setting}: expected {self.accepted}. Received: {received}"
        return "\n  ".join([first, *lines])


def refuse(errors: Sequence[SettingError], setting: str, way_out: str = "") -> None:
    """Raises what is wrong with files, if anything is, all at once.

    Args:
        errors: One for each file that can't be used.
        setting: That named the files.
        way_out: What can be done.

    Raises:
        SettingError: The file's own if there is one.
    """
    if len(errors) == 1:
        (one,) = errors
        raise SettingError(one.setting, one.received, _or(one.accepted, way_out))
    if errors:
        raise UnusableFiles(setting, tuple(errors), _or("image files", way_out))


def _or(accepted: str, way_out: str) -> str:
    return f"{accepted}; {way_out}" if way_out else accepted


def set_aside(results: Sequence, errors: list[SettingError] | None) -> list:
    """`results`, with None in place of errors.

    Args:
        results: One for each file, an error for those that can't be used.
        errors: Gets the errors; without it all of them are raised together.

    Raises:
        SettingError: Naming the files.
    """
    found = [one for one in results if isinstance(one, SettingError)]
    if errors is None:
        refuse(found, "--images")
    else:
        errors += found
    return [None if isinstance(one, SettingError) else one for one in results]


def normal(name: str) -> str:
    """`text_of`, however its accents are written: "é" in one character, not two.

    Macs store the other form, so the same name differs from machine to machine.
    """
    return unicodedata.normalize("NFC", text_of(name))


def read(file: str | os.PathLike) -> bytes:
    """The file's content.

    Raises:
        SettingError: If it can't be read; it names the file.
    """
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise SettingError(
            text_of(file),
            f"no file that can be read ({error.strerror})",
            "image files",
        ) from None


def check_file(file: str | os.PathLike) -> tuple[bytes, "Checked"]:
    """The file's content, and what is known of it, after decoding all of it.

    Raises:
        SettingError: If it can't be used; it names the file.
    """
    from ltpa_tf.images.check import check

    content = read(file)
    try:
        return content, check(content)
    except BadImage as error:
        raise SettingError(text_of(file), error.reason, error.accepted) from None


def in_parallel(function: Callable, files: Iterable[Path]) -> list:
    """`[function(file), ...]`, with a `SettingError` in place of what raised it."""

    def caught(file):
        try:
            return function(file)
        except SettingError as error:
            return error

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(caught, files))


def read_images(
    files: Sequence[Path], size: tuple[int, int], chosen: Preprocessing
) -> list[np.ndarray | SettingError]:
    """What a model sees of each file, uint8 [H, W, 3], or why it can't be used.

    Args:
        files: Of any kind and size that can be trained on.
        size: (H, W).
        chosen: As the model was trained.
    """
    levels = {}

    def pixels(file):
        content, checked = check_file(file)
        if checked.levels:
            levels[file] = checked.levels
        return decoded(content, checked.code, size, chosen)

    images = in_parallel(pixels, files)
    warn_of_few_levels(levels, chosen)
    return images


def decoded(
    content: bytes,
    code: int,
    size: tuple[int, int] | None,
    chosen: Preprocessing,
) -> np.ndarray:
    """A file that `check` has found good, uint8 [H, W, 3], as training sees it."""
    return _decoder(size, chosen)(content, np.int32(code)).numpy()


def warn_of_few_levels(
    levels: Mapping[str | Path, tuple[int, int]], chosen: Preprocessing
) -> None:
    """Warns of 16-bit files of which next to nothing would be left in 8 bits.

    Args:
        levels: The lowest and highest value of each.
        chosen: Its window.
    """

    def left(values):
        low, high = pillow.eight_bits(np.array(values), chosen).tolist()
        return high - low + 1

    few = [
        file
        for file, values in levels.items()
        if values[0] < values[1] and left(values) < _FEW_LEVELS
    ]
    if not few:
        return
    low, high = levels[few[0]]
    all_low = min(low for low, _ in levels.values())
    all_high = max(high for _, high in levels.values())
    logging.warning(
        "%d of %d 16-bit images keep fewer than %d of 256 levels; the first is %s, "
        "with values %d to %d, of which %d are left. data.window=%d,%d would spread "
        "what they use.",
        len(few),
        len(levels),
        _FEW_LEVELS,
        text_of(few[0]),
        low,
        high,
        left((low, high)),
        all_low,
        all_high,
    )


@functools.lru_cache
def _decoder(size: tuple[int, int] | None, chosen: Preprocessing):
    import tensorflow as tf

    from ltpa_tf.images import graph

    def decode(encoded, code):
        with tf.device("/CPU:0"):
            return graph.decode(encoded, code, size, chosen)

    specs = [tf.TensorSpec([], tf.string), tf.TensorSpec([], tf.int32)]
    return tf.function(decode, input_signature=specs, autograph=False)
