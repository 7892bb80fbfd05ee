"""Pictures of where a model that takes glimpses looks."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ltpa_tf.plotting import style

if TYPE_CHECKING:
    import keras

_PANEL = 2.0  # inches
_GAP = 0.12
_TITLE = 0.3
_COLUMNS = 4


def draw_paths(
    model: "keras.Model",
    images: np.ndarray,
    class_names: Sequence[str],
    path: Path,
    labels: Sequence[int] | None = None,
) -> Path:
    """Draws each image with its glimpses, and a line from the first to the last.

    A square is what a glimpse sees at its finest scale; of several paths the first is
    drawn.

    Args:
        model: See `models.glimpse_model`.
        images: uint8 `[N, H, W, C]`.
        class_names: K names.
        path: Of the PNG.
        labels: True classes.

    Returns:
        The path.
    """
    from ltpa_tf.models import glimpse_model, glimpses_of  # these need TensorFlow

    outputs = glimpse_model(model)(images.astype("float32"), training=False)
    predicted = np.asarray(outputs["logits"]).argmax(-1)
    size = np.array(images.shape[1:3])
    points = (np.asarray(outputs["locations"])[:, 0] + 1) / 2 * size - 0.5
    side = glimpses_of(model).sensor.glimpse_size
    columns = min(_COLUMNS, len(images))
    rows = -(-len(images) // columns)
    step_x, step_y = _PANEL + _GAP, _PANEL + _TITLE
    figure = style.new_figure(columns * step_x - _GAP, rows * step_y)
    for i, image in enumerate(images):
        row, column = divmod(i, columns)
        left, top = column * step_x, row * step_y + _TITLE
        axes = style.place(figure, left, top, _PANEL, _PANEL)
        axes.imshow(np.squeeze(image), cmap="gray", vmin=0, vmax=255)
        axes.set_axis_off()
        _draw_path(axes, points[i], side)
        said, color = class_names[predicted[i]], style.INK
        if labels is not None:
            right = predicted[i] == labels[i]
            color = style.GREEN if right else style.VERMILION
            said = said if right else f"{said}, true: {class_names[labels[i]]}"
        axes.set_title(said, fontsize=9, color=color, parse_math=False, loc="left")
    return style.save(figure, path)


def _draw_path(axes: Axes, points: np.ndarray, side: int) -> None:
    """The line, and a square around each place, the later the darker."""
    height, width = axes.get_ylim()[0], axes.get_xlim()[1]
    axes.plot(points[:, 1], points[:, 0], color=style.VERMILION, linewidth=1.2)
    axes.plot(*points[0, ::-1], "o", color=style.VERMILION, markersize=4)
    for number, (y, x) in enumerate(points, 1):
        corner = (x - side / 2, y - side / 2)
        shade = {"alpha": 0.25 + 0.75 * number / len(points)}
        axes.add_patch(
            Rectangle(
                corner, side, side, fill=False, edgecolor=style.VERMILION, **shade
            )
        )
    axes.set_xlim(-0.5, width)
    axes.set_ylim(height, -0.5)
