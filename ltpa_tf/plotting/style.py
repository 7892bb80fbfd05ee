"""The one look of all figures, and how they are written.

Figures are made through Matplotlib's objects, never through pyplot: no global state,
no display, safe in threads and notebooks. Axes are placed in inches; what surrounds
them (names, titles) takes the room it needs, since a file is cut to its content.
"""

import os
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ltpa_tf.files import written_aside

# From Okabe and Ito's palette: told apart by every kind of colour vision.
BLUE = "#0072B2"
VERMILION = "#D55E00"
GREEN = "#00795A"  # theirs, darkened until it reads as text on white
INK = "#222222"
QUIET = "#666666"
FAINT = "#CFCFCF"

DPI = 150
_MARGIN = 0.2  # inches around the content


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure; the size, in inches, is the frame for `place`."""
    figure = Figure(figsize=(width, height), facecolor="white", dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def place(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place given in inches from the figure's upper left corner."""
    across, down = figure.get_size_inches()
    return figure.add_axes(
        [left / across, 1 - (top + height) / down, width / across, height / down]
    )


def plain(axes: Axes) -> Axes:
    """Leaves of a chart's frame what carries information."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(color=FAINT, labelcolor=INK, labelsize=9, length=3)
    axes.set_axisbelow(True)
    return axes


def title(axes: Axes, text: str, explanation: str, above: float = 9) -> None:
    """What a figure shows and how to read it, `above` points over the axes."""
    lines = 1 + explanation.count("\n")
    for string, up, size, weight, colour in (
        (text, above + 5 + 12 * lines, 12, "bold", INK),
        (explanation, above, 8.5, "normal", QUIET),
    ):
        axes.annotate(
            string,
            (0, 1),
            (0, up),
            xycoords="axes fraction",
            textcoords="offset points",
            va="bottom",
            fontsize=size,
            fontweight=weight,
            color=colour,
            linespacing=1.3,
        )


def label(axes: Axes, *, x: str = "", y: str = "") -> None:
    """Names the axes."""
    axes.set_xlabel(x, fontsize=9.5, color=INK, labelpad=6)
    axes.set_ylabel(y, fontsize=9.5, color=INK, labelpad=6)


def percent(value: float, _position: int = 0) -> str:
    """A tick's text."""
    return f"{value:.0%}"


def save(figure: Figure, path: str | os.PathLike) -> Path:
    """Writes a PNG, cut to its content; whole or not at all.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", num_classes=2, width=0.125)
        >>> found = explain.explain(model, np.zeros((2, 32, 32, 3), np.uint8))
        >>> figure = explain.draw(found, ["cat", "dog"])
        >>> explain.save(figure, "maps.png").name
        'maps.png'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(path) as aside:
        figure.savefig(aside, format="png", bbox_inches="tight", pad_inches=_MARGIN)
    return path
