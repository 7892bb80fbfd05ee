"""What `evaluate` measured, as tables and charts."""

from collections.abc import Mapping

import numpy as np
from markupsafe import Markup

from ltpa_tf.evaluation.border import warnings
from ltpa_tf.evaluation.figures import confusion_figure, reliability_figure
from ltpa_tf.report.charts import svg
from ltpa_tf.report.html import bar, bars, fill, join, table

_IN_A_TABLE = 20  # classes up to which the confusion matrix is one
_CONFUSIONS = 10

_BASELINES = ("chance", "centre")
# Measure -> its name, what it is, and whether more of it is better.
_HIGHEST = "the highest place lies in the box"
_MEASURES = {
    "pointing": ("Pointing", _HIGHEST, True),
    "pointing_small": ("Pointing, small boxes", _HIGHEST, True),
    "pointing_small_right": ("Pointing, small boxes, right answers", _HIGHEST, True),
    "energy": ("Energy", "share of the map inside the box", True),
    "top_k": ("Top k", "share in the box of as many highest pixels", True),
    "iou_otsu": ("IoU, Otsu", "overlap with the box, threshold by image", True),
    "iou_best": ("IoU, best", "overlap with the box, one best threshold", True),
    "gridpg_2": ("Grid 2x2", "share of the map on the asked of 4 images", True),
    "gridpg_3": ("Grid 3x3", "share of the map on the asked of 9 images", True),
    "deletion": ("Deletion", "probability while the highest pixels go", False),
    "insertion": ("Insertion", "probability while the highest pixels come", True),
    "road_morf": ("ROAD, highest first", "probability without these pixels", False),
    "road_lerf": ("ROAD, lowest first", "probability without these pixels", True),
    "mu_fidelity": ("MuFidelity", "correlation of what parts have and are worth", True),
}


def by_class(result: Mapping) -> Markup:
    """Accuracy of each class, the confusion matrix, and what is confused most."""
    accuracy = {k: v for k, v in result["per_class"].items() if v is not None}
    rows = [(k, _percent(v), bar(v, v, v, (0, 1))) for k, v in accuracy.items()]
    classes = table("Accuracy by class", ("class", "accuracy", ""), rows)
    if len(accuracy) > _IN_A_TABLE:
        classes = fill("<details><summary>Every class</summary>{}</details>", classes)
    return join([_confusion(result), _most_confused(result), classes])


def calibration(result: Mapping) -> Markup:
    """The reliability diagram and its numbers."""
    bins = result["reliability"]
    number = len(bins["count"])
    rows = [
        (
            f"{k / number:.0%} to {(k + 1) / number:.0%}",
            f"{count:,}",
            _percent(bins["confidence"][k]),
            _percent(bins["accuracy"][k]),
        )
        for k, count in enumerate(bins["count"])
        if count
    ]
    said = f"Reliability: expected calibration error {_percent(result['ece'])}"
    head = ("confidence", "examples", "mean confidence", "accuracy")
    numbers = table("Predictions by confidence", head, rows)
    return join([svg(reliability_figure(result), said), numbers])


def border(result: Mapping) -> Markup:
    """Warnings of maps that look at the border whatever the image."""
    found = warnings(result.get("border", {}))
    return join(fill('<p class="warning">{}.</p>', sentence) for sentence in found)


def worth(result: Mapping) -> Markup:
    """A table with bars for each measure, and one of the sanity check.

    Args:
        result: Has, as `maps`, what `evaluation.map_measures.measure_maps` gave.
    """
    measured = result["maps"]
    rows = {
        name: values
        for of_method in measured["methods"].values()
        for name, values in of_method.items()
    }
    tables = [
        _measure(*about, _column(rows, key))
        for key, about in _MEASURES.items()
        if _column(rows, key)
    ]
    sanity = [
        (_shown(name), *(f"{one:.3f}" for one in values))
        for name, values in _column(rows, "sanity").items()
    ]
    head = ("map", "last layer", "last half", "all layers")
    caption = fill(
        "<strong>Sanity</strong> rank correlation with the map of the model whose "
        "layers are drawn anew; near 0 is better"
    )
    if sanity:
        tables.append(table(caption, head, sanity))
    if measured.get("agreement"):
        tables.append(_agreement(measured["agreement"]))
    about = "On {:,} images; bars begin at 0. evaluation.json has more measures."
    return join([fill(f"<p>{about}</p>", measured["examples"]), *tables])


def _measure(
    name: str, explanation: str, higher: bool, values: Mapping[str, list[float]]
) -> Markup:
    ours = [one[0] for name, one in values.items() if name not in _BASELINES]
    best = (max if higher else min)(ours, default=None)
    rows = [
        (
            fill('<span class="{}">{}</span>', _kind(key, one[0] == best), _shown(key)),
            one,
        )
        for key, one in values.items()
    ]
    caption = fill(
        "<strong>{}</strong> {}; {} is better",
        name,
        explanation,
        "higher ↑" if higher else "lower ↓",
    )
    return bars(caption, "map", rows)


def _agreement(found: Mapping[str, Mapping]) -> Markup:
    rows = [
        (_shown(one), *(f"{found[one][k][0]:.2f}" if k != one else "" for k in found))
        for one in found
    ]
    caption = fill("<strong>Agreement</strong> rank correlation of every two maps")
    matrix = table(caption, ("", *map(_shown, found)), rows)
    return fill('<div class="whole">{}</div>', matrix)


def _kind(name: str, best: bool) -> str:
    return "baseline" if name in _BASELINES else "best" if best else ""


def _column(rows: Mapping[str, Mapping], measure: str) -> dict[str, list[float]]:
    return {name: row[measure] for name, row in rows.items() if measure in row}


def _confusion(result: Mapping) -> Markup:
    names, counts = list(result["per_class"]), np.array(result["confusion"])
    if len(names) > _IN_A_TABLE:
        return svg(confusion_figure(result), "Confusion matrix; the table has its most")
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    rows = [(name, *map(_cell, counts[k], shares[k])) for k, name in enumerate(names)]
    caption = "Confusion: a row for each true class, a column for each predicted one"
    kind = "long" if max(map(len, names)) > 3 else "short"
    matrix = table(caption, ("", *names), rows)
    return fill('<div class="confusion {}">{}</div>', kind, matrix)


def _cell(count: int, share: float) -> Markup:
    # The square root lets a confusion of 1% be seen beside 100%.
    return fill(
        '<span class="{}" style="--share:{:.3f}">{}</span>',
        "strong" if share > 0.6 else "weak",
        share**0.5,
        count or "",
    )


def _most_confused(result: Mapping) -> Markup:
    names, counts = list(result["per_class"]), np.array(result["confusion"])
    wrong = counts * (1 - np.eye(len(names), dtype=counts.dtype))
    order = np.argsort(-wrong, axis=None, kind="stable")[:_CONFUSIONS]
    shares = wrong / np.maximum(counts.sum(1, keepdims=True), 1)
    rows = [
        (names[i], names[j], f"{wrong[i, j]:,}", _percent(shares[i, j]))
        for i, j in zip(*np.unravel_index(order, wrong.shape), strict=True)
        if wrong[i, j]
    ]
    head = ("true", "predicted", "examples", "of the class")
    return table("Most frequent confusions", head, rows) if rows else Markup()


def _shown(name: str) -> str:
    return name.replace("_", " ")


def _percent(value: float) -> str:
    return f"{value:.2%}"
