"""Pictures of a search."""

import math

import numpy as np
from matplotlib.figure import Figure

from ltpa_tf.explain import style
from ltpa_tf.tuning import histories
from ltpa_tf.tuning.importance import Importance
from ltpa_tf.tuning.results import ranked
from ltpa_tf.tuning.space import Space, label

_WIDTH, _HEIGHT, _GAP = 2.6, 2.0, 0.75
_COLUMNS = 4


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
    figure = style.new_figure(columns * (_WIDTH + _GAP), lines * (_HEIGHT + 1.3 * _GAP))
    for i, key in enumerate(keys):
        axes = style.place(
            figure,
            (i % columns) * (_WIDTH + _GAP),
            (i // columns) * (_HEIGHT + 1.3 * _GAP),
            _WIDTH,
            _HEIGHT,
        )
        _panel(style.plain(axes), trials, space, key, objective)
        first = i % columns == 0
        style.label(axes, x=key, y=objective.replace("_", " ") if first else "")
    best = trials[0]
    style.title(
        figure.axes[0],
        f"{objective} against each setting",
        f"one dot per completed trial ({len(trials)}); red: the best, trial "
        f"{best['trial']}, {best[objective]:.4f}\n"
        "hollow: stopped early; a setting is missing where its condition was not met",
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
        f"What mattered for {objective}",
        "how much worse a random forest predicts unseen trials with the setting "
        f"shuffled\n{importance.caveat}",
    )
    return figure


def _panel(axes, trials: list[dict], space: Space, key: str, objective: str) -> None:
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
        axes.set_xticks(range(len(choices)), [label(choice) for choice in choices])
        axes.set_xlim(-0.5, len(choices) - 0.5)
        if sum(len(label(choice)) for choice in choices) > 24:
            axes.tick_params(axis="x", rotation=20)
    elif item.kind == "log":
        axes.set_xscale("log")
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
    _cut_outliers(axes, [row[objective] for row in trials], objective)


def _cut_outliers(axes, values: list[float], objective: str) -> None:
    """Losses can be anything; half an axis for one diverged trial hides the rest."""
    if histories.direction(objective) == "max" or len(values) < 5:
        return
    low, high = np.min(values), np.quantile(values, 0.75)
    if np.max(values) > high + 5 * (high - low):
        axes.set_ylim(top=high + 2 * (high - low))
