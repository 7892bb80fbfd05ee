"""The ranges that a search space is written with.

    config.search.space = (
        log("optimizer.learning_rate", 0.01, 1.0),
        linear("train.label_smoothing", 0.0, 0.2),
        integer("augment.crop", 0, 4),
        choice("model.levels", (13,), (10, 13), (7, 10, 13)),
        choice("optimizer.name", "sgd", "adamw"),
        linear("optimizer.momentum", 0.8, 0.98, when={"optimizer.name": "sgd"}),
    )

They are plain data, which JSON holds; `ltpa_tf.tuning.Space` checks them against a
config.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ltpa_tf.errors import SettingError
from ltpa_tf.old_configs import renewed_key


class Range(NamedTuple):
    """The values that a search may give to one setting.

    Attributes:
        key: Any key of the config, such as `"optimizer.learning_rate"`.
        kind: `"log"`, `"linear"`, `"integer"`, `"choice"`.
        values: Lowest and highest value, both included; or all the choices.
        step: Distance between two values (`"log"`: their ratio), None = any value.
        when: `(other key, values)` pairs; the setting is searched only while each of
            these other keys has one of its values, and stays as the config has it
            otherwise.

    Example:
        >>> tuning.log("optimizer.learning_rate", 0.01, 1.0).kind
        'log'
    """

    key: str
    kind: str
    values: tuple
    step: float | int | None = None
    when: tuple[tuple[str, tuple], ...] = ()


def log(
    key: str,
    low: float,
    high: float,
    *,
    step: float | None = None,
    when: Mapping | None = None,
) -> Range:
    """Every order of magnitude from `low` to `high` is as likely as any other.

    For keys that are whole numbers, such as `train.batch_size`, the values are too.

    Args:
        key: The setting.
        low: Lowest value, above 0.
        high: Highest value.
        step: Factor between two values, e.g. 10; None = any value.
        when: See `choice`.

    Example:
        >>> tuning.log("optimizer.learning_rate", 0.01, 1.0).values
        (0.01, 1.0)
    """
    return _range(key, "log", (low, high), step, when)


def linear(
    key: str,
    low: float,
    high: float,
    *,
    step: float | None = None,
    when: Mapping | None = None,
) -> Range:
    """Every value from `low` to `high` is as likely as any other.

    Args:
        key: The setting.
        low: Lowest value.
        high: Highest value.
        step: Distance between two values; None = any value.
        when: See `choice`.

    Example:
        >>> tuning.linear("train.label_smoothing", 0.0, 0.2, step=0.1).step
        0.1
    """
    return _range(key, "linear", (low, high), step, when)


def integer(
    key: str, low: int, high: int, *, step: int = 1, when: Mapping | None = None
) -> Range:
    """Whole numbers from `low` to `high`, both included.

    Args:
        key: The setting.
        low: Lowest value.
        high: Highest value.
        step: Distance between two values.
        when: See `choice`.

    Example:
        >>> tuning.integer("augment.crop", 0, 4).values
        (0, 4)
    """
    return _range(key, "integer", (low, high), step, when)


def choice(key: str, *values, when: Mapping | None = None) -> Range:
    """One of `values`: names, numbers, True and False, or tuples such as levels.

    Args:
        key: The setting.
        *values: The choices.
        when: `{other key: value}`, or `{other key: [value, value]}` for any of several:
            search this setting only while that `choice`, which stands before it in the
            space, has such a value.

    Example:
        >>> tuning.choice("model.levels", (13,), (10, 13)).values
        ((13,), (10, 13))
    """
    choices = tuple(tuple(v) if isinstance(v, list) else v for v in values)
    return _range(key, "choice", choices, None, when)


def _range(key, kind: str, values: tuple, step, when: Mapping | None) -> Range:
    """With the names that its keys have today."""
    if when is not None and not isinstance(when, Mapping):
        raise SettingError("search.space: when", when, "{other key: value}")
    pairs = (
        (renewed_key(other), tuple(value) if isinstance(value, list) else (value,))
        for other, value in (when or {}).items()
    )
    return Range(renewed_key(key), kind, values, step, tuple(pairs))
