"""A search space over a config: its checks, and values in both directions."""

from collections.abc import Mapping, Sequence

import keras_tuner
from keras_tuner.engine import hyperparameters as kinds
from keras_tuner.src.engine import conditions
from ml_collections import ConfigDict

from ltpa_tf import config as config_lib
from ltpa_tf.errors import SettingError
from ltpa_tf.tuning.checks import (
    check_bounds,
    check_conditions,
    check_config,
    check_key,
    check_ranges,
)
from ltpa_tf.tuning.ranges import Range
from ltpa_tf.tuning.values import label, listed, rounded

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

    Example:
        >>> from ltpa_tf.configs import quickstart
        >>> space = tuning.Space(
        ...     [tuning.log("optimizer.learning_rate", 0.01, 1.0)],
        ...     quickstart.get_config(),
        ... )
    """

    def __init__(self, ranges: Sequence[Range], config: ConfigDict):
        check_ranges(ranges)
        self.ranges = tuple(ranges)
        self._config = config
        self._flat = config_lib.flat(config)
        # What None under `model.` stands for.
        row = config_lib.model_arguments(config)
        self._now = self._flat | {
            f"model.{name}": value
            for name, value in row.items()
            if self._flat.get(f"model.{name}") is None
        }
        self._names = _names(self.ranges)
        self._points = {}
        for i, item in enumerate(self.ranges):
            check_key(item, self._flat)
            check_bounds(item, self._now[item.key])
            self._points[item] = listed(item, type(self._now[item.key]))
            check_conditions(item, self.ranges[:i])
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
                conditions.Parent(key, self._labels(key, allowed))
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

    def _labels(self, key: str, allowed: Sequence) -> list[str]:
        """A choice's labels of `allowed`: 1.0, where that is its way to write 1."""
        return [label(p) for p in self._points[self.range_of(key)] if p in allowed]

    def _decode(self, item: Range, value: object) -> object:
        points = self._points[item]
        if points is not None:
            return next(point for point in points if label(point) == value)
        return value if isinstance(value, int) else rounded(value)

    def _contains(self, item: Range, value) -> bool:
        points = self._points[item]
        if points is not None:
            return value in points
        return item.values[0] <= value <= item.values[1]

    def _check_values(self, item: Range) -> None:
        """Tries every value that can be tried, all else as in the config."""
        points = self._points[item] or item.values
        if len(points) > _TRIED:
            points = points[0], points[-1]
        others = self._conditions(item)
        for value in points:
            try:
                check_config(self.apply({**others, item.key: value}))
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
