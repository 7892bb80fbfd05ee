"""Which tensors of a backbone are attended to, and which one its global feature sums.

A *resolution* is all tensors of one stride. Its last tensor is the last one that
everything after it goes through: not one inside a branch, nor one with a border of
zeros put around it.
"""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import NamedTuple

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.models.backbones.graph import Node, narrow_points
from ltpa_tf.models.geometry import grids

# Strides don't depend on the size; a backbone for any size is followed at this one.
_SOME_SIZE = 512

_PADS = keras.layers.ZeroPadding2D | keras.layers.Cropping2D
_JOINS = keras.layers.Add | keras.layers.Concatenate
_GLOBAL_POOLS = keras.layers.GlobalAveragePooling2D | keras.layers.GlobalMaxPooling2D


class Resolutions(NamedTuple):
    """What of a backbone has positions.

    Attributes:
        strides: Layer name -> pixels from a position to the next, of all such layers.
        last: Stride -> name of the last layer of that resolution, in their order.
    """

    strides: dict[str, int]
    last: dict[int, str]

    @property
    def top(self) -> str:
        """The last layer of all."""
        return list(self.last.values())[-1]


def find_resolutions(images: keras.KerasTensor, nodes: Sequence[Node]) -> Resolutions:
    """The resolutions of a backbone.

    Args:
        images: What its calls begin with, `[B, H, W, C]`.
        nodes: Its calls, of `graph.applied`.

    Raises:
        SettingError: If it has no positions, or loses them before it is done with them.
    """
    strides = _strides(images, nodes)
    spatial = [node for node in nodes if node.layer.name in strides]
    if not spatial:
        raise SettingError(
            "backbone",
            f"a model of {len(nodes)} layers, none of whose features have positions",
            "one with features [B, H, W, C], of convolutions for instance",
        )
    _check_tokens(nodes)
    narrow = {id(node) for node in narrow_points(nodes)}
    last: dict[int, str] = {}
    joined: dict[int, str] = {}
    for node in spatial:
        name = node.layer.name
        if isinstance(node.layer, _JOINS):
            joined[strides[name]] = name
        if id(node) in narrow and not isinstance(node.layer, _PADS):
            last.pop(strides[name], None)  # to the end, where an earlier one was
            last[strides[name]] = name
    # Cells that take what the last two made (NASNet) leave no such point.
    order = [node.layer.name for node in spatial]
    for stride in joined.keys() - last.keys():
        last[stride] = joined[stride]
    if not last:
        last[strides[order[-1]]] = order[-1]
    return Resolutions(
        strides, dict(sorted(last.items(), key=lambda item: order.index(item[1])))
    )


def named(
    levels: Sequence[int | str] | int | str | None,
) -> tuple[int | str, ...] | None:
    """Levels as `choose` takes them: whole numbers of any kind are strides.

    Raises:
        SettingError: If one is neither a number nor a name.
    """
    if levels is None:
        return None
    if isinstance(levels, str | Integral):
        levels = (levels,)
    for level in levels:
        if isinstance(level, bool) or not isinstance(level, str | Integral):
            raise SettingError("levels", level, "strides or names of layers")
    return tuple(x if isinstance(x, str) else int(x) for x in levels)


def choose(
    found: Resolutions,
    levels: tuple[int | str, ...] | None,
    count: int,
    positions: Mapping[str, tuple[int | None, int | None]],
) -> dict[int | str, str]:
    """The layers whose features are attended to.

    Args:
        found: What there is to choose from.
        levels: Layer names, strides, or None, of `named`.
        count: How many resolutions, where that is None.
        positions: Layer name -> `(h, w)` for images of the size that will be used.

    Returns:
        Stride or name of the level -> name of the layer, in the backbone's order.

    Raises:
        SettingError: If there is no such layer, or it has one position only.
    """
    wide = {s: n for s, n in found.last.items() if positions.get(n) != (1, 1)}
    if levels is None:
        if not wide:
            raise SettingError(
                "image_shape",
                "images of which the backbone leaves one position at every level",
                "larger images",
            )
        return dict(list(wide.items())[-count:])
    chosen = {}
    for level in levels:
        name = found.last.get(level) if isinstance(level, int) else level
        if name not in found.strides:
            strides = ", ".join(map(str, found.last))
            raise SettingError(
                "levels",
                level,
                f"strides of the backbone ({strides}), or names of its layers that "
                "have positions",
            )
        if positions.get(name) == (1, 1):
            raise SettingError(
                "levels",
                level,
                f"levels with more than one position: {name} has 1x1",
            )
        chosen[level] = name
    order = list(found.strides)
    return dict(sorted(chosen.items(), key=lambda item: order.index(item[1])))


def _strides(images, nodes: Sequence[Node]) -> dict[str, int]:
    size = tuple(n or _SOME_SIZE for n in images.shape[1:3])
    try:
        places = grids(keras.Model(images, nodes[-1].outputs), size)
    except SettingError as error:
        raise SettingError("backbone", error.received, error.accepted) from None
    return {
        node.layer.name: round(max(places[node.layer.name].stride))
        for node in nodes
        if node.layer.name in places
        and len(node.outputs) == 1
        and len(node.outputs[0].shape) == 4
        and not isinstance(node.layer, _GLOBAL_POOLS)
    }


def _check_tokens(nodes: Sequence[Node]) -> None:
    for node in nodes:
        tokens = any(len(x.shape) == 3 for x in node.outputs)
        if tokens and getattr(node.layer, "weights", None):
            raise SettingError(
                "backbone",
                f"layer {node.layer.name!r} ({type(node.layer).__name__})",
                "features that keep their positions, [B, H, W, C]; this layer's are "
                "tokens, as in a vision transformer, which attends by itself",
            )
