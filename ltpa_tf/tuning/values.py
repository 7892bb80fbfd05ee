"""The values of a range, and what they are called."""

from collections.abc import Iterator

from ltpa_tf.errors import SettingError
from ltpa_tf.tuning.ranges import Range

_MOST = 10_000


def label(value: object) -> str:
    """A value as keras-tuner, the screen and `trials.csv` show it: (7, 10) is 7,10."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return str(value)


def rounded(value: float) -> float:
    """Six digits: more say nothing, and they survive a message as float32."""
    return float(f"{value:.6g}")


def listed(item: Range, kind: type) -> tuple | None:
    """All values of a choice or of a range with steps; None if there is no end of them.

    Args:
        item: The range.
        kind: The type that the config has them in.

    Raises:
        SettingError: If a choice has another type, or there are too many steps.
    """
    if item.kind == "choice":
        return tuple(_typed(item, value, kind) for value in item.values)
    if item.step is None:
        return None
    found = []
    for value in _steps(item, kind):
        found.append(value)
        if len(found) > _MOST:
            raise SettingError(
                f"search.space: {item.key}, step", item.step, f"up to {_MOST:,} steps"
            )
    if len(found) < 2:
        raise SettingError(
            f"search.space: {item.key}, step", item.step, "two values or more"
        )
    return tuple(dict.fromkeys(found))


def _steps(item: Range, kind: type) -> Iterator[float | int]:
    low, high = item.values
    i, value = 0, low
    while value <= high + 1e-9 * (high - low):
        yield round(value) if kind is int else rounded(value)
        i += 1
        value = low * item.step**i if item.kind == "log" else low + item.step * i


def _typed(item: Range, value: object, kind: type) -> object:
    """A choice as the config would hold it: lists are tuples, 1 can be 1.0."""
    if kind is tuple and isinstance(value, list | tuple):
        return tuple(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        raise SettingError(f"search.space: {item.key}", value, kind.__name__)
    return value
