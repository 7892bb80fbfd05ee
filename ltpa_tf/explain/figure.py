"""Images beside their attention, as one figure."""

import os
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ltpa_tf.explain.explanation import Explanation, explain
from ltpa_tf.explain.maps import relative
from ltpa_tf.explain.overlay import STRONGEST, colour, overlay, strength
from ltpa_tf.plotting import style

if TYPE_CHECKING:
    import keras

_PANEL = 230  # pixels a side, about; more if the image has more
_GAP = 0.1  # inches between columns
_CAPTION = 0.26  # inches under each row
_TALLEST = 1.4  # times the width; more rows go on in a second block of columns
_TIMES = "\N{MULTIPLICATION SIGN}"


def attention_figure(
    model: "keras.Model",
    images: np.ndarray,
    labels: Sequence[int] | None,
    class_names: Sequence[str],
    *,
    path: str | os.PathLike,
    boxes: np.ndarray | None = None,
    names: Sequence[str] | None = None,
) -> Path:
    """Draws where a model looks, one row an image; `explain` and `draw` in one call.

    Returns:
        The path of the PNG.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", num_classes=2, width=0.125)
        >>> images = np.zeros((2, 32, 32, 3), np.uint8)
        >>> explain.attention_figure(
        ...     model, images, [0, 1], ["cat", "dog"], path="figure.png"
        ... ).name
        'figure.png'
    """
    rows = explain(model, images, labels=labels, boxes=boxes, names=names)
    return style.save(draw(rows, class_names), path)


def draw(explanations: Sequence[Explanation], class_names: Sequence[str]) -> Figure:
    """A figure with a row for each image: prediction, image, each level's map.

    Colour shows attention relative to uniform on a scale that is the same for every
    map, level and figure (see `overlay.strength`); under each map stands its peak.

    Args:
        explanations: At least one, of images of one size and of the same levels.
        class_names: K names.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", num_classes=2, width=0.125)
        >>> found = explain.explain(model, np.zeros((2, 32, 32, 3), np.uint8))
        >>> figure = explain.draw(found, ["cat", "dog"])
        >>> len(figure.axes) > 4
        True
    """
    levels = list(explanations[0].maps)
    height, width = _panel_size(explanations[0].image)
    step = height + _CAPTION
    verdicts = [_verdict(item, class_names) for item in explanations]
    text_width = 0.25 + max(_width(says, more) for says, _, more in verdicts)
    block_width = text_width + (len(levels) + 1) * (width + _GAP)
    blocks = _blocks(len(explanations), step / block_width)
    rows = -(-len(explanations) // blocks)
    figure = style.new_figure(blocks * block_width - text_width, rows * step)

    def panel(place: int, column: int) -> Axes:
        block, row = divmod(place, rows)
        left = block * block_width + column * (width + _GAP)
        return style.place(figure, left, row * step, width, height)

    for place, item in enumerate(explanations):
        axes = panel(place, 0)
        _show(axes, item.image, item.box)
        says, color, more = verdicts[place]
        left = {"ha": "right", "linespacing": 1.35}
        bold = {"size": 11, "weight": "bold", "color": color}
        _beside(axes, (0, 0.5), (-10, 2), says, va="bottom", **bold, **left)
        _beside(axes, (0, 0.5), (-10, -2), more, va="top", **left)
        if place % rows == 0:
            _heading(axes, "image")
        for column, level in enumerate(levels, 1):
            attention = item.maps[level]
            axes = panel(place, column)
            _show(axes, overlay(item.image, attention, item.grids.get(level)), item.box)
            peak = f"peak {relative(attention).max():.1f}{_TIMES}"
            _beside(axes, (1, 0), (0, -3), peak, ha="right", va="top")
            if place % rows == 0:
                size = f"{attention.shape[0]} {_TIMES} {attention.shape[1]}"
                _heading(axes, level.replace("_", " "), size)
    _scale(figure, width + _GAP, rows * step, len(levels) * (width + _GAP) - _GAP)
    style.title(
        figure.axes[0],
        "Where the model looks",
        "colour: attention relative to uniform, one scale for all maps\n"
        "grey: no more than a uniform share",
        above=25,
    )
    return figure


def _blocks(rows: int, proportion: float) -> int:
    """How many blocks side by side, so that the figure is no tower.

    Args:
        rows: Of all blocks together.
        proportion: Height to width of a row.
    """
    blocks = 1
    while blocks < rows and -(-rows // blocks) * proportion > _TALLEST * blocks:
        blocks += 1
    return blocks


def _panel_size(image: np.ndarray) -> tuple[float, float]:
    """Inches; small images are enlarged by a whole number of pixels."""
    height, width = image.shape[:2]
    times = max(1, round(_PANEL / (height * width) ** 0.5))
    return times * height / style.DPI, times * width / style.DPI


def _show(axes: Axes, image: np.ndarray, box: Sequence[int] | None) -> None:
    axes.imshow(image, aspect="auto")
    axes.set_axis_off()
    if box is None:
        return
    top, left, bottom, right = box
    # White within black is seen on any image.
    for line, color in ((2.2, "black"), (1.0, "white")):
        axes.add_patch(
            Rectangle(
                (left - 0.5, top - 0.5),
                right - left,
                bottom - top,
                fill=False,
                linewidth=line,
                edgecolor=color,
            )
        )


def _verdict(item: Explanation, class_names: Sequence[str]) -> tuple[str, str, str]:
    """Prediction, its colour, and what else is known."""
    predicted = class_names[item.predicted]
    color = style.INK
    lines = [f"{item.probabilities[item.predicted]:.1%}", item.name]
    if item.label is not None:
        right = item.predicted == item.label
        predicted = f"{'✓' if right else '✗'} {predicted}"
        color = style.GREEN if right else style.VERMILION
        lines.insert(1, f"true: {class_names[item.label]}")
    details = "\n".join(_folded(line, 25) for line in lines if line)
    return _folded(predicted, 17), color, details


def _width(predicted: str, details: str) -> float:
    """Inches that the texts of `_verdict` take, and some more."""
    return max(
        0.1 * max(map(len, predicted.split("\n"))),
        0.066 * max(map(len, details.split("\n"))),
    )


def _folded(text: str, width: int) -> str:
    return "\n".join(wrap(text, width, max_lines=2, placeholder=" …"))


def _heading(axes: Axes, text: str, detail: str = "") -> None:
    _beside(axes, (0, 1), (0, 4), text, size=9.5, color=style.INK)
    _beside(axes, (1, 1), (0, 4), detail, ha="right")


def _beside(axes: Axes, corner, offset, text: str, *, size=8, **how) -> None:
    """Text at a place of the axes, moved by points."""
    axes.annotate(
        text,
        corner,
        offset,
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=size,
        parse_math=False,
        **{"color": style.QUIET, "ha": "left", "va": "bottom", **how},
    )


def _scale(figure: Figure, left: float, top: float, width: float) -> None:
    """The colour scale under the maps, as it looks over a middle grey."""
    doublings = np.arange(np.log2(STRONGEST) + 1)
    axes = style.place(figure, left, top + 0.1, min(width, 3.2), 0.12)
    values = strength(2 ** np.linspace(0, doublings[-1], 256))[None]
    axes.imshow(
        colour(np.full((1, 256, 3), 128, np.uint8), values),
        aspect="auto",
        extent=(0, doublings[-1], 0, 1),
    )
    names = [f"{2**d:.0f}{_TIMES}" for d in doublings]
    names[0], names[-1] = f"≤ {names[0]}", f"≥ {names[-1]}"
    axes.set_xticks(doublings, names, fontsize=8)
    axes.set_yticks([])
    axes.tick_params(length=2, color=style.FAINT, labelcolor=style.QUIET)
    axes.spines[:].set_visible(False)
