"""The checks of a model's settings, all of them done before a weight is made."""

import math
import numbers
from collections.abc import Mapping, Sequence

import numpy as np

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.compatibility import COMPATIBILITIES
from ltpa_tf.layers.hard import check_positions
from ltpa_tf.layers.heads import HEADS
from ltpa_tf.layers.normalizations import NORMALIZATIONS, check_hard
from ltpa_tf.layers.preactivation import PROJECTIONS
from ltpa_tf.models.trunks import TRUNKS
from ltpa_tf.words import one_of

# Three pools halve 32 pixels to 4, five to 1; below 32 nothing is left to look at.
SMALLEST_IMAGE = 32

CHOICES: dict[str, tuple[str, ...]] = {
    "trunk": tuple(TRUNKS),
    "tap": ("before_pool", "after_pool"),
    "compatibility": tuple(COMPATIBILITIES),
    "normalization": tuple(NORMALIZATIONS),
    "match": ("global_to_local", "local_to_global", "projected_local"),
    "projection": PROJECTIONS,
    "head": tuple(HEADS),
    "padding": ("zeros", "reflect"),
    "global_feature": ("fc", "gap", "max"),
    "descriptor": ("attended", "attended_and_max"),
}
_ABOVE_0 = ("width", "logit_scale", "score_scale", "projection_epsilon")


def checked(settings: Mapping) -> dict:
    """A copy of the architecture settings of `AttentionVGG`, in their normal form.

    Raises:
        SettingError: Naming the first one that can't be used.
    """
    settings = dict(settings)
    check_values(settings)
    settings["levels"] = _levels(settings["levels"], settings["trunk"])
    settings["gates"] = _gates(settings)
    return settings


def check_values(settings: Mapping) -> None:
    """Checks those of a model's settings that can be checked without its trunk.

    Args:
        settings: Architecture settings of `AttentionVGG`, or those of its attention.

    Raises:
        SettingError: Naming the first one that can't be used.

    Example:
        >>> models.check_values(models.arguments("vgg_att2_concat_dp"))
    """
    for name, value in settings.items():
        if name in CHOICES and value not in CHOICES[name]:
            raise SettingError(name, value, one_of(CHOICES[name]))
        if name in _ABOVE_0 and not (
            isinstance(value, numbers.Real) and 0 < value < math.inf
        ):
            raise SettingError(name, value, "a number above 0")
        if name == "dropout" and not (
            isinstance(value, numbers.Real) and 0 <= value < 1
        ):
            raise SettingError("dropout", value, "0 or more, and below 1")
        if name == "batch_norm" and not isinstance(value, bool):
            raise SettingError("batch_norm", value, "True, False")
    check_hard(settings["normalization"], settings["positions"])


def check_data(
    settings: Mapping,
    image_shape: Sequence[int | None],
    num_classes: int,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
) -> None:
    """Checks what a model has to know about the images.

    Args:
        settings: As `checked` returns them.
        image_shape: These and the others as in `AttentionVGG`.
        num_classes: Number of classes.
        mean: Per channel.
        std: Per channel.

    Raises:
        SettingError: Naming the first one that can't be used.
    """
    check_shape(image_shape)
    for level in settings["levels"]:
        pools = TRUNKS[settings["trunk"]].pools_before(level, settings["tap"])
        if all(size is not None and size >> pools == 1 for size in image_shape[:2]):
            raise SettingError(
                "levels",
                level,
                f"levels with more than one position: {level} has 1x1 "
                f"{settings['tap']} of a {image_shape[0]}x{image_shape[1]} image",
            )
        if settings["positions"] is not None:
            grid = (size and size >> pools for size in image_shape[:2])
            check_positions(settings["positions"], *grid)
    check_normalization(image_shape[2], num_classes, mean, std)


def check_shape(image_shape: Sequence[int | None]) -> None:
    """Checks the shape of a model's images; see `check_data`."""
    if not is_shape(image_shape):
        raise SettingError(
            "image_shape",
            image_shape,
            f"(height, width, channels), height and width from {SMALLEST_IMAGE} up or "
            "None (any)",
        )


def check_normalization(
    channels: int,
    num_classes: int,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
) -> None:
    """Checks the number of classes, mean and standard deviation; see `check_data`."""
    if not _is_whole(num_classes) or num_classes < 2:
        raise SettingError("num_classes", num_classes, "2 or more, a whole number")
    if (mean is None) != (std is None):
        raise SettingError("mean", mean, "mean and std together, or neither")
    if mean is None:
        return
    accepted = f"{channels} numbers, one a channel, all of them finite"
    if not _are_numbers(mean, channels, above=-math.inf):
        raise SettingError("mean", mean, accepted)
    if not _are_numbers(std, channels, above=0):
        raise SettingError("std", std, f"{accepted} and above 0")


def levels_within(
    settings: Mapping, share: float, image_size: tuple[int, int]
) -> tuple[int, ...]:
    """`Trunk.levels_within` for a model with these settings.

    Args:
        settings: As `checked` returns them.
        share: Of the image's area, at most.
        image_size: (height, width) in pixels.

    Example:
        >>> settings = models.resolve("vgg_att2_concat_pc")
        >>> models.levels_within(settings, 1 / 3, (96, 96))
        (10, 13)
    """
    trunk = TRUNKS[settings["trunk"]]
    return trunk.levels_within(share, image_size, settings["tap"])


def smallest_side(settings: Mapping) -> int:
    """The fewest pixels a side at which a model with these settings computes anything.

    Every pool has something to halve, and every level more than one position.

    Args:
        settings: Architecture arguments of a row.

    Example:
        >>> models.smallest_side(models.resolve("vgg_att2_concat_pc"))
        32
    """
    if "glimpse_size" in settings:
        return settings["glimpse_size"]
    if "trunk" not in settings:  # the residual network halves as often
        return SMALLEST_IMAGE
    trunk = TRUNKS[settings["trunk"]]
    pools = (1 + trunk.pools_before(n, settings["tap"]) for n in settings["levels"])
    return 2 ** max([len(trunk.pools), *pools])


def _levels(levels, trunk: str) -> tuple[int, ...]:
    accepted = f"numbers of convolutions, 1 to {TRUNKS[trunk].levels} for {trunk}"
    if isinstance(levels, str) or not isinstance(levels, Sequence):
        raise SettingError("levels", levels, accepted)
    for level in levels:
        if not _is_whole(level) or not 1 <= level <= TRUNKS[trunk].levels:
            raise SettingError("levels", level, accepted)
    return tuple(sorted({int(level) for level in levels}))


def _gates(settings: Mapping) -> tuple[int, ...]:
    gates, levels = settings["gates"], settings["levels"]
    if isinstance(gates, str) or not isinstance(gates, Sequence):
        raise SettingError("gates", gates, "numbers of levels")
    for gate in gates:
        if gate not in levels[:-1]:
            raise SettingError(
                "gates", gate, f"some of the levels but the last, {levels[:-1]}"
            )
    for name, value in (("tap", "before_pool"), ("global_feature", "fc")):
        if gates and settings[name] != value:
            raise SettingError(name, settings[name], f"{value} with gates")
    return tuple(sorted({int(gate) for gate in gates}))


def is_shape(value, smallest: int = SMALLEST_IMAGE) -> bool:
    """Whether it is (height, width, channels), of so many pixels or None (any)."""
    try:
        *sizes, channels = value  # of a list, an array or a tf.TensorShape alike
    except (TypeError, ValueError):  # nothing to unpack
        return False
    return (
        len(sizes) == 2
        and all(n is None or (_is_whole(n) and n >= smallest) for n in sizes)
        and _is_whole(channels)
        and channels > 0
    )


def _is_whole(value) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _are_numbers(values, count: int, above: float) -> bool:
    try:
        values = np.asarray(values)
    except ValueError:  # of lists of different lengths
        return False
    return (
        values.shape == (count,)
        and values.dtype.kind in "iuf"
        and bool(np.all((above < values) & (values < math.inf)))  # also refuses NaN
    )
