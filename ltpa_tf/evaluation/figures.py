"""Figures of what `evaluate` returns."""

import os
from pathlib import Path

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from ltpa_tf.plotting import style

_WRITTEN_OUT = 20  # classes up to which each cell carries its count
_NAMED = 200  # classes up to which all are named
_BARS = 40  # in one column


def save_figures(result: dict, folder: str | os.PathLike) -> list[Path]:
    """Writes `confusion.png`, `per_class.png` and `reliability.png`.

    Args:
        result: What `evaluate` returned.
        folder: Made if it isn't there.

    Returns:
        The files' paths.

    Example:
        >>> source = data.load("digits")
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> result = evaluation.evaluate(model, source.test, source.class_names)
        >>> [file.name for file in evaluation.save_figures(result, "figures")]
        ['confusion.png', 'per_class.png', 'reliability.png']
    """
    figures = {
        "confusion.png": confusion_figure(result),
        "per_class.png": per_class_figure(result),
        "reliability.png": reliability_figure(result),
    }
    folder = Path(folder)
    return [style.save(figure, folder / name) for name, figure in figures.items()]


def confusion_figure(result: dict) -> Figure:
    """The confusion matrix; colour is the share of each true class (row)."""
    counts = np.array(result["confusion"])
    names = list(result["per_class"])
    classes = len(names)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)

    written_out = classes <= _WRITTEN_OUT
    if written_out:
        side = max(2.4, 0.46 * classes)
    else:
        side = min(max(5.5, 0.088 * classes), 0.088 * _NAMED)
    font = min(9.0, 60 * side / classes)
    figure = style.new_figure(side + 0.4, side)
    axes = style.place(figure, 0, 0, side, side)
    # The square root lets a confusion of 1% be seen beside 100%.
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1))
    ticks = np.arange(classes if classes <= _NAMED else 0)
    names = names[: len(ticks)]
    axes.set_xticks(ticks, names, rotation=90, fontsize=font, parse_math=False)
    axes.set_yticks(ticks, names, fontsize=font, parse_math=False)
    axes.set_xticks(ticks[1:] - 0.5, minor=True)
    axes.set_yticks(ticks[1:] - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.0 if written_out else 0.3)
    axes.tick_params(which="both", length=0, labelcolor=style.INK)
    axes.spines[:].set_visible(False)
    style.label(axes, x="predicted class", y="true class")
    style.title(
        axes,
        "Confusion matrix",
        f"{result['examples']:,} examples, {result['top1']:.1%} on the diagonal",
    )
    if written_out:
        for row, column in zip(*np.nonzero(counts), strict=True):
            axes.text(
                column,
                row,
                f"{counts[row, column]}",
                ha="center",
                va="center_baseline",
                fontsize=8,
                color="white" if shares[row, column] > 0.36 else style.INK,
            )
    bar = style.place(figure, side + 0.2, 0, 0.13, min(side, 4.6))
    levels = [0, 0.01, 0.1, 0.25, 0.5, 1]
    figure.colorbar(image, cax=bar, ticks=levels).outline.set_visible(False)
    bar.set_yticklabels(map(style.percent, levels))
    bar.tick_params(labelsize=8, length=0, labelcolor=style.INK)
    bar.set_ylabel("share of the true class", fontsize=8.5, color=style.QUIET)
    return figure


def per_class_figure(result: dict) -> Figure:
    """Accuracy of each class, best first, beside that of all examples."""
    accuracy = {k: v for k, v in result["per_class"].items() if v is not None}
    ranking = sorted(accuracy, key=accuracy.get, reverse=True)
    shown = f"line: {result['top1']:.1%} of all {result['examples']:,} examples"
    if len(ranking) > _NAMED:
        shown += f"\nthe {_BARS} best and the {_BARS} worst of {len(ranking):,} classes"
        ranking = ranking[:_BARS] + ranking[-_BARS:]
    columns = -(-len(ranking) // _BARS)
    rows = -(-len(ranking) // columns)
    room = 0.3 + 0.085 * max(map(len, ranking))  # for the names between columns
    width, height = 3.2, max(0.22 * rows, 0.6)
    figure = style.new_figure(columns * (room + width), height)
    for column in range(columns):
        names = ranking[column * rows : (column + 1) * rows]
        axes = style.place(figure, column * (room + width), 0, width, height)
        style.plain(axes).spines["left"].set_visible(False)
        values = [accuracy[name] for name in names]
        axes.barh(range(len(names)), values, height=0.74, color=style.BLUE)
        for y, value in enumerate(values):
            inside = value > 0.2
            axes.text(
                0.02 if inside else value + 0.02,
                y,
                f"{value:.1%}",
                va="center_baseline",
                fontsize=8,
                color="white" if inside else style.INK,
            )
        axes.axvline(result["top1"], color=style.VERMILION, linewidth=1.3)
        axes.set_yticks(range(len(names)), names, parse_math=False)
        axes.set_ylim(rows - 0.4, -0.6)
        axes.set_xlim(0, 1)
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_formatter(style.percent)
    style.title(figure.axes[0], "Accuracy by class", shown)
    return figure


def reliability_figure(result: dict) -> Figure:
    """Accuracy against confidence, and how many examples have that confidence."""
    bins = result["reliability"]
    width = 1 / len(bins["count"])
    filled = [i for i, count in enumerate(bins["count"]) if count]
    confidence, accuracy = (
        [bins[name][i] for i in filled] for name in ("confidence", "accuracy")
    )
    share = [bins["count"][i] / result["examples"] for i in filled]

    figure = style.new_figure(4.2, 5.3)
    upper = style.plain(style.place(figure, 0, 0, 4.2, 3.8))
    upper.plot([0, 1], [0, 1], color=style.QUIET, linewidth=1, linestyle=(0, (4, 3)))
    upper.plot(
        confidence,
        accuracy,
        color=style.BLUE,
        marker="o",
        markersize=5,
        linewidth=1.5,
        clip_on=False,
    )
    upper.set_ylim(0, 1)
    upper.grid(color=style.FAINT, linewidth=0.5)
    style.label(upper, y="accuracy")
    style.title(
        upper,
        "Reliability",
        f"expected calibration error {result['ece']:.2%} over {len(bins['count'])} bins"
        "\ndashed: a perfectly calibrated model; under it, too confident",
    )
    lower = style.plain(style.place(figure, 0, 4.2, 4.2, 1.1))
    lower.bar(
        [i * width for i in filled],
        share,
        width=0.92 * width,
        align="edge",
        color=style.BLUE,
    )
    style.label(
        lower, x="confidence (probability of the predicted class)", y="examples"
    )
    figure.align_ylabels()
    for axes in (upper, lower):
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(style.percent)
        axes.yaxis.set_major_formatter(style.percent)
    return figure
