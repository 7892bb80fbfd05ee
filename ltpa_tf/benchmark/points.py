"""What is measured: one base point, and a series of points along each axis."""

import dataclasses
from collections.abc import Mapping, Sequence

from ltpa_tf.errors import SettingError
from ltpa_tf.words import one_of

CONTROL = "control"
"""The base point's trunk without attention; not an axis."""


@dataclasses.dataclass(frozen=True)
class Point:
    """One training step to be measured.

    Attributes:
        batch_size: Examples per step, over all replicas together.
        image_size: Height and width in pixels.
        width: Multiplies every channel count.
        levels: How many attention levels, the deepest ones: 0 to 3.
        replicas: Devices that train together.
    """

    batch_size: int = 512
    image_size: int = 32
    width: float = 1.0
    levels: int = 3
    replicas: int = 1

    def __post_init__(self):
        for name, accepts, accepted in (
            ("batch_size", self.batch_size >= 1, "1 or more"),
            ("image_size", self.image_size >= 32, "32 or more"),
            ("width", self.width > 0, "a number above 0"),
            ("levels", 0 <= self.levels <= 3, "0 to 3"),
            ("replicas", self.replicas >= 1, "1 or more"),
        ):
            if not accepts:
                raise SettingError(name, getattr(self, name), accepted)


AXES = tuple(field.name for field in dataclasses.fields(Point))


def points(base: Point, series: Mapping[str, Sequence]) -> list[tuple[str, Point]]:
    """The base point's control, and each axis's points.

    Larger images come in smaller batches, so that a step has as many pixels as the
    base; more replicas share a batch that grows with them.

    Args:
        base: Everything that an axis doesn't change.
        series: Axis -> its values.

    Returns:
        Axis (or `CONTROL`) and point, in order; the base is part of every axis.

    Raises:
        SettingError: If there is no such axis or a value can't be used.
    """
    found = [(CONTROL, dataclasses.replace(base, levels=0))]
    for axis, values in series.items():
        if axis not in AXES:
            raise SettingError("axis", axis, one_of(AXES))
        for value in sorted({*values, getattr(base, axis)}):
            found.append((axis, _moved(base, axis, value)))
    return found


def _moved(base: Point, axis: str, value) -> Point:
    # First alone, so that a value which can't be used is named, not its batch size.
    moved = dataclasses.replace(base, **{axis: value})
    batch_size = moved.batch_size
    if axis == "image_size":
        share = (base.image_size / value) ** 2
        batch_size = max(1, round(base.batch_size * share))
    if axis == "replicas":
        batch_size = base.batch_size * value // base.replicas
    return dataclasses.replace(moved, batch_size=batch_size)
