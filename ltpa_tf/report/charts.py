"""Charts as inline SVG, in the page's own colours, dark ones too."""

import io
import re
from collections.abc import Mapping, Sequence

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ltpa_tf.plotting import style
from ltpa_tf.report.html import fill

# Of a figure -> in the page, see style.css.
_VARIABLES = {
    style.INK: "--ink",
    style.QUIET: "--quiet",
    style.FAINT: "--faint",
    style.BLUE: "--blue",
    style.VERMILION: "--vermilion",
    style.GREEN: "--green",
}
_COLOURS = (style.BLUE, style.VERMILION, style.GREEN, style.QUIET)
_PANELS = {
    "Loss": {"loss": "training", "val_loss": "validation"},
    "Accuracy": {"accuracy": "training", "val_accuracy": "validation"},
    "Learning rate": {"learning_rate": ""},
    "Norm of the gradient": {"gradient_norm": ""},
}
_ENTROPY = "Entropy of the maps (1: flat)"


def curves(epochs: Sequence[Mapping]) -> list[Markup]:
    """A chart for each panel that the lines of `metrics.jsonl` have something for."""
    levels = {
        key: key.removeprefix("entropy_").replace("_", " ")
        for key in epochs[-1]
        if key.startswith("entropy_")
    }
    charts = []
    for title, keys in {**_PANELS, _ENTROPY: levels}.items():
        there = {k: name for k, name in keys.items() if any(k in e for e in epochs)}
        if there:
            figure = _panel(title, there, epochs)
            charts.append(svg(figure, _said(title, there, epochs[-1])))
    return charts


def svg(figure: Figure, said: str) -> Markup:
    """The figure as a piece of HTML.

    Args:
        figure: In `plotting.style`'s colours.
        said: What it shows, for those who don't see it.
    """
    stream = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    how = {"bbox_inches": "tight", "transparent": True, "metadata": nothing}
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "report"}):
        figure.savefig(stream, format="svg", **how)
    text = stream.getvalue()
    # What would be twice, or mean the whole page.
    text = re.sub(r'\s(id="[a-z0-9]+_\d+"|xmlns(:\w+)?="[^"]*")', "", text)
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    for colour, variable in _VARIABLES.items():
        text = re.sub(colour, f"var({variable})", text, flags=re.IGNORECASE)
    width, box, inner = re.search(
        r'<svg\s+width="([\d.]+)pt".*?viewBox="([^"]+)".*?>(.*)</svg>', text, re.DOTALL
    ).groups()
    return fill(
        '<svg class="chart" role="img" aria-label="{}" viewBox="{}" '
        'style="max-width:{}pt">{}</svg>',
        said,
        box,
        width,
        Markup(inner),  # Matplotlib's own, which escapes its texts
    )


def _panel(title: str, keys: Mapping[str, str], epochs: Sequence[Mapping]) -> Figure:
    figure = style.new_figure(3.5, 2.2)
    axes = style.plain(style.place(figure, 0, 0, 3.5, 2.2))
    for number, (key, name) in enumerate(keys.items()):
        at = [(one["epoch"], one[key]) for one in epochs if one.get(key) is not None]
        axes.plot(
            *zip(*at, strict=True),
            color=_COLOURS[number % len(_COLOURS)],
            linestyle="-" if number < len(_COLOURS) else ":",
            linewidth=1.5,
            marker="o" if len(at) == 1 else "",
            label=name,
        )
    axes.grid(color=style.FAINT, linewidth=0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.label(axes, x="epoch")
    axes.set_title(title, fontsize=11, loc="left", color=style.INK, fontweight="bold")
    if any(keys.values()):
        axes.legend(fontsize=9, frameon=False, labelcolor=style.INK)
    return figure


def _said(title: str, keys: Mapping[str, str], last: Mapping) -> str:
    ends = (f"{name} {last[k]:.4g}".strip() for k, name in keys.items() if k in last)
    return f"{title} by epoch; at the end: {', '.join(ends)}"
