"""Numbers, names and paths in sentences."""

import difflib
import os
from collections.abc import Iterable


def count(number: int, noun: str, several: str = "") -> str:
    """`"1 epoch"`, `"2 epochs"`, `"12,000 images"`.

    Args:
        number: How many.
        noun: Of one.
        several: Of more, where that is more than an s.
    """
    return f"{number:,} " + (noun if number == 1 else several or f"{noun}s")


def one_of(names: Iterable[str]) -> str:
    """`"one of softmax, sigmoid"`; of a single name, that name; of none, nothing."""
    names = [*names]
    return ("one of " if len(names) > 1 else "") + ", ".join(names)


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """Those of the names that resemble one that isn't among them, the best first."""
    return difflib.get_close_matches(name, [*names], n=5, cutoff=0.5)


def text_of(path: str | os.PathLike) -> str:
    r"""A path as text that can be printed: of bytes that are no UTF-8, "caf\xe9"."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
