"""A search space over a config: its checks, and values in both directions."""

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence

import keras_tuner
from keras_tuner.engine import hyperparameters as kinds
from keras_tuner.src.engine.conditions import Parent
from ml_collections import ConfigDict

from ltpa_tf import config as config_lib
from ltpa_tf.errors import SettingError
from ltpa_tf.tuning.ranges import Range

# Trials with other data, or another validation part, could not be compared.
_FIXED = {
    "seed": "is set for each execution of a trial",
    "data.name": "has to be the same in all trials",
    "data.dir": "has to be the same in all trials",
    "data.validation_examples": "has to be the same in all trials",
}

# Of a longer list of values only the ends are tried before the first trial.
_TRIED = 100
# Stands for "not searched in this trial".
_NONE = object()


class Space:
    """Ranges over the settings of one config.

    keras-tuner sees a value of a finite range by its label, a string: tuples are no
    values to it, and its messages between machines round numbers to float32.

    Args:
        ranges: What to search, see `ltpa_tf.tuning.ranges`.
        config: Holds all other settings, and those whose condition isn't met.

    Raises:
        SettingError: Naming the first key that can't be searched like this.
    """

    def __init__(self, ranges: Sequence[Range], config: ConfigDict):
        self.ranges = tuple(ranges)
        self._config = config
        self._flat = config_lib.flat(config)
        # What "" and () under `model.` stand for.
        row = config_lib.model_arguments(config)
        self._now = self._flat | {
            f"model.{name}": value
            for name, value in row.items()
            if self._flat.get(f"model.{name}") in ("", ())
        }
        self._names = _names(self.ranges)
        self._points = {}
        if not self.ranges:
            raise SettingError("search.space", (), "at least one range")
        for i, item in enumerate(self.ranges):
            self._check_key(item)
            self._check_bounds(item)
            self._points[item] = _points(item, type(self._flat[item.key]))
            self._check_condition(item, self.ranges[:i])
        for item in self.ranges:
            self._check_values(item)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys searched, each once, in order."""
        return tuple(dict.fromkeys(item.key for item in self.ranges))

    def range_of(self, key: str) -> Range:
        """The first range of a key."""
        return next(item for item in self.ranges if item.key == key)

    def is_finite(self, item: Range) -> bool:
        """Whether the range has a list of values, as choices and steps have."""
        return self._points[item] is not None

    def register(self, hp: keras_tuner.HyperParameters) -> None:
        """Adds every range to `hp` that isn't there yet."""
        hp.merge([self._hyperparameter(item) for item in self.ranges], overwrite=False)

    def settings(self, values: Mapping[str, object]) -> dict[str, object]:
        """The config's settings that keras-tuner's `values` stand for, by key."""
        found = {}
        for item, name in self._names.items():
            active = all(found.get(key, _NONE) in allowed for key, allowed in item.when)
            if active and name in values:
                found[item.key] = self._decode(item, values[name])
        return found

    def current(self, key: str) -> object:
        """The config's own value of a key."""
        return self._now[key]

    def defaults(self) -> dict[str, object] | None:
        """keras-tuner's values for the config as it is, None if it's outside."""
        values, found = {}, {}
        for item, name in self._names.items():
            if all(found.get(key, _NONE) in allowed for key, allowed in item.when):
                value = self._now[item.key]
                if not self._contains(item, value):
                    return None
                found[item.key] = value
                values[name] = label(value) if self.is_finite(item) else value
        return values

    def apply(self, settings: Mapping[str, object]) -> ConfigDict:
        """A copy of the config with these settings, by key."""
        return with_settings(self._config, settings)

    def _hyperparameter(self, item: Range) -> kinds.HyperParameter:
        arguments = {
            "name": self._names[item],
            "conditions": [
                Parent(key, [label(value) for value in allowed])
                for key, allowed in item.when
            ],
        }
        value = self._now[item.key]
        points = self._points[item]
        if points is not None:
            default = label(value) if value in points else None
            return kinds.Choice(
                values=[label(point) for point in points], default=default, **arguments
            )
        low, high = item.values
        kind = kinds.Int if isinstance(value, int) else kinds.Float
        return kind(
            min_value=low,
            max_value=high,
            sampling=item.kind,
            default=value if low <= value <= high else None,
            **arguments,
        )

    def _decode(self, item: Range, value: object) -> object:
        points = self._points[item]
        if points is not None:
            return next(point for point in points if label(point) == value)
        return value if isinstance(value, int) else _rounded(value)

    def _contains(self, item: Range, value) -> bool:
        points = self._points[item]
        if points is not None:
            return value in points
        return item.values[0] <= value <= item.values[1]

    def _check_key(self, item: Range) -> None:
        if item.key in _FIXED:
            raise SettingError(
                "search.space", item.key, f"other keys: this one {_FIXED[item.key]}"
            )
        if item.key.startswith("search."):
            raise SettingError("search.space", item.key, "keys of the training itself")
        if item.key not in self._flat:
            keys = list(self._flat)
            nearest = difflib.get_close_matches(item.key, keys, n=3, cutoff=0.4)
            raise SettingError(
                "search.space",
                item.key,
                "keys of the config"
                + f", such as {', '.join(nearest)}" * bool(nearest),
            )

    def _check_bounds(self, item: Range) -> None:
        what = f"search.space: {item.key}"
        if item.kind == "choice":
            if len(item.values) < 2:
                raise SettingError(what, item.values, "two choices or more")
            return
        default = self._flat[item.key]
        if isinstance(default, bool) or not isinstance(default, int | float):
            raise SettingError(
                what, item.kind, f"choice(...), as it is {type(default).__name__}"
            )
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
            raise SettingError(
                what, item.values, "the lower value, then the higher one"
            )
        if item.kind == "log" and low <= 0:
            raise SettingError(what, low, "above 0 on a log scale")
        smallest = 1 if item.kind == "log" else 0
        if item.step is not None and not item.step > smallest:
            raise SettingError(f"{what}, step", item.step, f"above {smallest}")

    def _check_condition(self, item: Range, before: Sequence[Range]) -> None:
        what = f"search.space: {item.key}, when"
        for key, allowed in item.when:
            parents = [r for r in before if r.key == key and r.kind == "choice"]
            if not parents:
                raise SettingError(what, key, "the key of a choice that stands before")
            values = [value for parent in parents for value in parent.values]
            for value in allowed:
                if value not in values:
                    raise SettingError(
                        f"{what} {key}", value, ", ".join(map(repr, values))
                    )
        others = [r for r in before if r.key == item.key]
        if not all(_exclusive(item, other) for other in others):
            raise SettingError(
                "search.space",
                item.key,
                "each key once, or under conditions that exclude each other",
            )

    def _check_values(self, item: Range) -> None:
        """Tries every value that can be tried, all else as in the config."""
        points = self._points[item] or item.values
        if len(points) > _TRIED:
            points = points[0], points[-1]
        conditions = self._conditions(item)
        for value in points:
            try:
                config_lib.validate(self.apply({**conditions, item.key: value}))
            except SettingError as error:
                raise SettingError(
                    f"search.space: {item.key}",
                    value,
                    f"what goes with the rest of the config ({error})",
                ) from None

    def _conditions(self, item: Range) -> dict[str, object]:
        """Settings that let the range be searched."""
        settings = {}
        for key, allowed in item.when:
            settings |= self._conditions(self.range_of(key)) | {key: allowed[0]}
        return settings


def label(value: object) -> str:
    """A value as keras-tuner, the screen and `trials.csv` show it: (7, 10) is 7,10."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return str(value)


def with_settings(config: ConfigDict, settings: Mapping[str, object]) -> ConfigDict:
    """A locked copy of `config` with other values for some keys."""
    copy = config.copy_and_resolve_references()
    for key, value in settings.items():
        try:
            copy.update_from_flattened_dict({key: value})
        except (TypeError, ValueError):
            kind = type(config_lib.flat(config)[key]).__name__
            raise SettingError(f"search.space: {key}", value, kind) from None
    return copy.lock()


def _names(ranges: Sequence[Range]) -> dict[Range, str]:
    """keras-tuner's name of each range: the key; of several, with the condition."""
    keys = [item.key for item in ranges]
    return {
        item: item.key if keys.count(item.key) == 1 else f"{item.key}{_suffix(item)}"
        for item in ranges
    }


def _suffix(item: Range) -> str:
    values = [label(value) for _, allowed in item.when for value in allowed]
    return f" ({', '.join(values)})"


def _exclusive(left: Range, right: Range) -> bool:
    """Whether the two ranges are never searched in the same trial."""
    first, second = dict(left.when), dict(right.when)
    return any(not set(first[key]) & set(second[key]) for key in first.keys() & second)


def _points(item: Range, kind: type) -> tuple | None:
    """All values of a finite range, None if there is no end of them."""
    if item.kind == "choice":
        return tuple(_typed(item, value, kind) for value in item.values)
    if item.step is None:
        return None
    return tuple(_steps(item, kind))


def _steps(item: Range, kind: type) -> Iterator[float | int]:
    low, high = item.values
    tolerance = 1e-9 * (high - low)
    for i in range(1_000_000):
        value = low * item.step**i if item.kind == "log" else low + item.step * i
        if value > high + tolerance:
            return
        yield round(value) if kind is int else _rounded(value)


def _typed(item: Range, value: object, kind: type) -> object:
    """A choice as the config would hold it: lists are tuples, 1 can be 1.0."""
    if kind is tuple and isinstance(value, list | tuple):
        return tuple(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        raise SettingError(f"search.space: {item.key}", value, kind.__name__)
    return value


def _rounded(value: float) -> float:
    """Six digits: more say nothing, and they survive a message as float32."""
    return float(f"{value:.6g}")
