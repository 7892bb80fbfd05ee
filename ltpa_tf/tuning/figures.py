"""Pictures of a search."""

import itertools
import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, PercentFormatter

from ltpa_tf.plotting import style
from ltpa_tf.tuning import histories
from ltpa_tf.tuning.importance import Importance
from ltpa_tf.tuning.ranges import Range
from ltpa_tf.tuning.results import ranked
from ltpa_tf.tuning.space import Space
from ltpa_tf.tuning.values import label

# Inches, of a panel and between two of them.
_WIDTH, _HEIGHT, _ACROSS, _DOWN = 2.5, 1.9, 0.3, 0.85
_COLUMNS = 4
# Of a tick's label, across a panel.
_LETTERS = 34


def settings_figure(found: list[dict], space: Space, objective: str) -> Figure:
    """The objective against each setting: one dot a completed trial.

    Args:
        found: All trials, see `results.rows`; at least one is completed.
        space: What was searched.
        objective: The metric that counts.
    """
    trials = ranked(found, objective)
    keys = space.keys
    columns = min(_COLUMNS, len(keys))
    lines = math.ceil(len(keys) / columns)
    figure = style.new_figure(columns * (_WIDTH + _ACROSS), lines * (_HEIGHT + _DOWN))
    limits = _limits([row[objective] for row in trials], objective)
    for i, key in enumerate(keys):
        row, column = divmod(i, columns)
        left, top = column * (_WIDTH + _ACROSS), row * (_HEIGHT + _DOWN)
        axes = style.plain(style.place(figure, left, top, _WIDTH, _HEIGHT))
        _panel(axes, trials, space, key, objective)
        axes.set_ylim(*limits)
        if objective.endswith("accuracy"):
            axes.yaxis.set_major_formatter(PercentFormatter(1))
        if column:
            axes.tick_params(axis="y", labelleft=False, length=0)
        style.label(axes, x=key, y="" if column else _in_words(objective))
    best = trials[0]
    style.title(
        figure.axes[0],
        f"{_in_words(objective).capitalize()} against each setting",
        f"one dot per completed trial ({len(trials)}); red: the best, trial "
        f"{best['trial']}, {best[objective]:.4f}; hollow: stopped early\n"
        "trials that did not search a setting are missing from its panel",
    )
    return figure


def importance_figure(importance: Importance, objective: str) -> Figure:
    """A bar for each setting, the most important on top."""
    keys = sorted(importance.shares, key=lambda key: importance.shares[key][0])
    means = [importance.shares[key][0] for key in keys]
    spreads = [importance.shares[key][1] for key in keys]
    height = max(0.9, 0.32 * len(keys))
    figure = style.new_figure(5.0, height)
    axes = style.plain(style.place(figure, 0, 0, 4.6, height))
    believable = importance.r2 > 0
    advice = "" if believable else ": read nothing into these bars"
    axes.barh(
        range(len(keys)),
        means,
        xerr=spreads,
        height=0.66,
        color=style.BLUE if believable else style.FAINT,
        ecolor=style.QUIET,
        error_kw={"linewidth": 1},
    )
    axes.axvline(0, color=style.QUIET, linewidth=0.8)
    axes.set_yticks(range(len(keys)), keys)
    axes.tick_params(axis="y", length=0)
    style.label(axes, x="growth of the forest's squared error, share of the variance")
    style.title(
        axes,
        f"What mattered for {_in_words(objective)}",
        "how much worse a random forest predicts unseen trials with the setting "
        f"shuffled; lines: spread over folds\n{importance.caveat}{advice}",
    )
    return figure


def _panel(
    axes: Axes, trials: list[dict], space: Space, key: str, objective: str
) -> None:
    shown = [row for row in trials if key in row["settings"]]
    values = [row["settings"][key] for row in shown]
    item = space.range_of(key)
    if item.kind == "choice":
        choices = list(
            dict.fromkeys(
                value for r in space.ranges if r.key == key for value in r.values
            )
        )
        places = [choices.index(value) for value in values]
        # Side by side where they'd hide each other; the same each time.
        shift = np.random.default_rng(0).uniform(-0.15, 0.15, len(places))
        values = np.array(places) + shift
        names = [label(choice) for choice in choices]
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.5, len(names) - 0.5)
        widest = max(map(len, map("".join, itertools.pairwise(names)))) / 2
        if widest + 1.5 > _LETTERS / len(names):
            axes.tick_params(axis="x", rotation=25)
    else:
        _scale(axes, item)
    axes.grid(axis="y", color=style.FAINT, linewidth=0.5)
    for row, value in reversed(list(zip(shown, values, strict=True))):
        best = row is trials[0]
        colour = style.VERMILION if best else style.BLUE
        axes.scatter(
            value,
            row[objective],
            s=42 if best else 22,
            facecolor="white" if row["note"] else colour,
            edgecolor=colour,
            linewidth=1.0,
            zorder=3 if best else 2,
        )


def _scale(axes: Axes, item: Range) -> None:
    """The whole range, so that it shows where no trial was."""
    low, high = item.values
    if item.kind == "log":
        axes.set_xscale("log")
        margin = (high / low) ** 0.05
        axes.set_xlim(low / margin, high * margin)
        decades = math.log10(high / low)
        axes.xaxis.set_major_locator(
            LogLocator(subs=(1, 3) if decades < 2.2 else (1,), numticks=8)
        )
        axes.xaxis.set_major_formatter(lambda value, position: f"{value:g}")
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        margin = 0.05 * (high - low)
        axes.set_xlim(low - margin, high + margin)
        axes.xaxis.set_major_locator(
            MaxNLocator(5, integer=item.kind == "integer", steps=[1, 2, 5, 10])
        )


def _limits(values: list[float], objective: str) -> tuple[float, float]:
    """One vertical scale for all panels.

    A loss can be anything: one diverged trial, out of sight above, must not press all
    others together.
    """
    low, high = min(values), max(values)
    if histories.direction(objective) == "min" and len(values) > 4:
        usual = float(np.quantile(values, 0.75))
        high = min(high, usual + 2 * (usual - low))
    margin = 0.06 * (high - low) or 0.01
    return low - margin, high + margin


def _in_words(objective: str) -> str:
    return objective.replace("val_", "validation ").replace("_", " ")
