"""What `evaluate` measures if asked: attacks, global features, other data."""

from collections.abc import Callable, Mapping

from markupsafe import Markup

from ltpa_tf.report.html import bars, fill, join


def further(result: Mapping) -> Markup:
    """Tables with bars; of what wasn't measured the flag that measures it.

    Args:
        result: What `evaluation.evaluate_run` gave.
    """
    parts = [
        make(result[key]) if key in result else fill(_MISSING, what, flag)
        for key, (what, flag, make) in _PARTS.items()
    ]
    return join(parts)


def _attacks(measured: Mapping) -> Markup:
    changes = {k: v for k, v in measured.items() if k != "examples"}
    levels = [name for name in changes["clean"] if name != "accuracy"]
    about = (
        "<strong>Accuracy under attack</strong> {:,} images; by so many of 255 levels, "
        "and corrupted"
    )
    accuracy = [(_shown(k), v["accuracy"]) for k, v in changes.items()]
    tables = [bars(fill(about, measured["examples"]), "change", accuracy)]
    about = "<strong>Map of {}</strong> rank correlation with that of the clean image"
    for level in levels:
        alike = [(_shown(k), v[level]["rank_correlation"]) for k, v in changes.items()]
        tables.append(bars(fill(about, _shown(level)), "change", alike))
    return join(tables)


def _global_feature(measured: Mapping) -> Markup:
    about = (
        "<strong>By another image's global feature, {}</strong> share of the map that "
        "moves{}"
    )
    tables = []
    for level, exact in measured["exact"].items():
        kinds = ("same_class", "other_class", "noise", "own_image")
        rows = [(_SWAPS[k], measured[k][level]["moved"]) for k in kinds]
        why = "; by its formula none can" if exact else ""
        tables.append(bars(fill(about, _shown(level), why), "of", rows))
    return join(tables)


def _transfer(measured: Mapping) -> Markup:
    about = "<strong>Transfer to {}</strong> accuracy of a linear classifier"
    return join(
        bars(
            fill(about, name),
            "features",
            [(_shown(part), one) for part, one in found["accuracy"].items()],
        )
        for name, found in measured.items()
    )


def _shown(name: str) -> str:
    return name.replace("_", " ")


_SWAPS = {
    "same_class": "an image of its class",
    "other_class": "one of another class",
    "noise": "noise",
    "own_image": "(another image altogether)",
}
_MISSING = (
    "<p>{} wasn't measured: <code>{}</code> of <code>pipelines.evaluate</code>.</p>"
)
# Key in the result -> what it is, the flag that measures it, and its tables.
_PARTS: dict[str, tuple[str, str, Callable]] = {
    "robustness": ("What attacks do", "--robustness", _attacks),
    "global_feature": (
        "What the global feature does",
        "--swap_global",
        _global_feature,
    ),
    "transfer": ("Worth for other data", "--transfer=NAME:DIR", _transfer),
}
