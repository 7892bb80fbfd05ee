"""What the benchmark programs share: flags refused in time, results kept."""

import argparse
import json
from collections.abc import Collection, Mapping
from pathlib import Path

from ltpa_tf.errors import SettingError


def check_names(flag: str, names: Collection[str], known: Collection[str]) -> None:
    """Refuses names that aren't known, and none at all."""
    if not names or not set(names) <= set(known):
        raise SettingError(flag, ",".join(names), f"some of {', '.join(known)}")


def at_least_one(text: str) -> int:
    """A flag's number, as a `type` of argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive integer")
    return int(text)


def check_out(out: str | None) -> None:
    """Refuses a file that `add_line` couldn't write to, before minutes of measuring."""
    try:
        if out:
            with Path(out).open("a"):
                pass
    except OSError as error:
        raise SettingError(
            "--out", out, f"a file that can be written to ({error.strerror})"
        ) from None


def add_line(out: str | None, record: Mapping) -> None:
    """Adds a line of JSON to a file, if there is one."""
    if out:
        with Path(out).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
