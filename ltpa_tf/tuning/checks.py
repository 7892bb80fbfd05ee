"""Checks of a search space's ranges, before any trial."""

import math
from collections.abc import Mapping, Sequence

from ml_collections import ConfigDict

from ltpa_tf import config as config_lib
from ltpa_tf import optimizers
from ltpa_tf.errors import SettingError
from ltpa_tf.tuning.ranges import Range
from ltpa_tf.words import nearest, one_of

# Trials with other data, or another validation part, could not be compared.
FIXED = {
    "seed": "is set for each execution of a trial",
    "data.name": "has to be the same in all trials",
    "data.dir": "has to be the same in all trials",
    "data.validation_examples": "has to be the same in all trials",
    "data.validation_share": "has to be the same in all trials",
}


def check_config(config: ConfigDict) -> None:
    """Checks a trial's settings, as far as that goes without the data.

    Raises:
        SettingError: Naming the first that can't be used.
    """
    config_lib.validate(config)
    name, names = config.optimizer.name, optimizers.names()
    if name.lower() not in names:
        raise SettingError("optimizer.name", name, one_of(names))


def check_ranges(ranges: Sequence[Range]) -> None:
    """Refuses what is no range, and a space without any.

    Raises:
        SettingError: If they aren't.
    """
    if not ranges:
        raise SettingError("search.space", (), "at least one range")
    # A single range without its comma is the tuple of its own parts.
    for item in ranges:
        if not isinstance(item, Range):
            raise SettingError(
                "search.space",
                item,
                "a tuple of log(...), linear(...), integer(...), choice(...); of one "
                "alone with a comma after it",
            )
        try:
            hash(item)
        except TypeError as error:
            raise SettingError(
                "search.space",
                item,
                f"names, numbers, True, False, or tuples of these ({error})",
            ) from None


def check_key(item: Range, config: Mapping[str, object]) -> None:
    """Refuses a key that the config, by whole keys, doesn't have, and fixed ones.

    Raises:
        SettingError: If it isn't.
    """
    if not isinstance(item.key, str):
        raise SettingError("search.space", item.key, "a key of the config, then values")
    if item.key in FIXED:
        raise SettingError(
            "search.space", item.key, f"other keys: this one {FIXED[item.key]}"
        )
    if item.key not in config:
        accepted = one_of(nearest(item.key, config)) or "keys of the config"
        raise SettingError("search.space", item.key, accepted)


def check_bounds(item: Range, default: object) -> None:
    """Refuses kind, bounds or step that don't fit the type of the config's own value.

    Raises:
        SettingError: If they don't.
    """
    what = f"search.space: {item.key}"
    if item.kind == "choice":
        if len(set(item.values)) < max(2, len(item.values)):
            raise SettingError(what, item.values, "two different choices or more")
        return
    if isinstance(default, bool) or not isinstance(default, int | float):
        raise SettingError(
            what, item.kind, f"choice(...), as it is {type(default).__name__}"
        )
    for bound in item.values:
        _check_number(what, bound)
    low, high = item.values
    whole = isinstance(low, int) and isinstance(high, int)
    if isinstance(default, int) and (not whole or item.kind == "linear"):
        raise SettingError(
            what, f"{item.kind}{item.values}", "integer(low, high) or whole numbers"
        )
    if item.kind == "integer" and not (whole and isinstance(default, int)):
        raise SettingError(
            what, f"integer{item.values}", "linear(low, high) or log(low, high)"
        )
    if not low < high or not math.isfinite(high - low):
        raise SettingError(what, item.values, "the lower value, then the higher")
    if item.kind == "log" and low <= 0:
        raise SettingError(what, low, "above 0 on a log scale")
    if item.step is not None:
        _check_step(item, isinstance(default, int))


def check_conditions(item: Range, before: Sequence[Range]) -> None:
    """Refuses conditions on what is no choice that stands before, or has no such value.

    Raises:
        SettingError: If they aren't, or if the key can be searched twice in a trial.
    """
    what = f"search.space: {item.key}, when"
    for key, allowed in item.when:
        if not allowed:
            raise SettingError(f"{what} {key}", [], "one value or more")
        parents = [r for r in before if r.key == key and r.kind == "choice"]
        if len(parents) != 1:
            raise SettingError(what, key, "the key of one choice that stands before")
        values = parents[0].values
        for value in allowed:
            if value not in values:
                raise SettingError(f"{what} {key}", value, one_of(map(repr, values)))
    others = [r for r in before if r.key == item.key]
    if not all(_exclusive(item, other) for other in others):
        raise SettingError(
            "search.space",
            item.key,
            "each key once, or under conditions that exclude each other",
        )


def _check_step(item: Range, whole: bool) -> None:
    what = f"search.space: {item.key}, step"
    _check_number(what, item.step)
    if item.kind == "log":
        if not item.step > 1:
            raise SettingError(what, item.step, "above 1: it is a factor")
    elif not item.step > 0 or (whole and not isinstance(item.step, int)):
        raise SettingError(what, item.step, "a whole number" * whole or "above 0")


def _check_number(what: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SettingError(what, value, "a number")


def _exclusive(left: Range, right: Range) -> bool:
    """Whether the two ranges are never searched in the same trial."""
    first, second = dict(left.when), dict(right.when)
    return any(not set(first[key]) & set(second[key]) for key in first.keys() & second)
