"""An evaluation on screen: the file has intervals, and more measures."""

from rich.table import Table

from ltpa_tf.evaluation import border
from ltpa_tf.programs import program

_MISTAKES = 5  # of those in the file

# Measure -> its heading.
_MEASURES = {
    "pointing": "pointing",
    "pointing_small": "small boxes",
    "energy": "energy",
    "iou_best": "IoU",
    "gridpg_3": "grid 3x3",
    "deletion": "deletion \u2193",
    "insertion": "insertion",
    "road_morf": "ROAD \u2193",
    "mu_fidelity": "fidelity",
}


def show(result: dict) -> None:
    """Prints what `evaluation.evaluate_run` gives."""
    table = Table(
        title=f"{result['examples']:,} {result['split']} examples, "
        f"{result['weights']} weights",
        show_header=False,
    )
    table.add_column()
    table.add_column(justify="right")
    table.add_row("top-1 accuracy", f"{result['top1']:.2%}")
    if "top5" in result:
        table.add_row("top-5 accuracy", f"{result['top5']:.2%}")
    table.add_row("balanced accuracy", f"{result['balanced_accuracy']:.2%}")
    for name in ("precision", "recall", "f1"):
        shown = name.replace("f1", "F1")
        table.add_row(f"{shown}, mean of classes", f"{result[name]:.2%}")
    if result.get("auc") is not None:
        table.add_row("area under the ROC curve", f"{result['auc']:.4f}")
    table.add_row("negative log-likelihood", f"{result['nll']:.4f}")
    table.add_row("expected calibration error", f"{result['ece']:.2%}")
    for name, rate in result.get("pointing", {}).items():
        table.add_row(f"pointing, {name.replace('_', ' ')}", f"{rate:.2%}")
    console = program.console()
    console.print(table)
    if result["mistakes"]:
        console.print(_mistakes(result["mistakes"][:_MISTAKES]))
    if "maps" in result:
        console.print(_maps(result["maps"]))
    if "global_feature" in result:
        console.print(_swaps(result["global_feature"]))
    if "robustness" in result:
        console.print(_robustness(result["robustness"]))
    if "transfer" in result:
        console.print(_transfer(result["transfer"]))
    for sentence in border.warnings(result.get("border", {})):
        console.print(f"warning: {sentence}")


def _mistakes(mistakes: list[dict]) -> Table:
    table = Table(
        "example", "class", "predicted", "probability", title="Worst mistakes"
    )
    for one in mistakes:
        table.add_row(
            str(one["index"]),
            one["true"],
            one["predicted"],
            f"{one['probability']:.1%}",
        )
    return table


def _maps(measured: dict) -> Table:
    """The means; the file has intervals and more measures."""
    rows = {
        name: values
        for of_method in measured["methods"].values()
        for name, values in of_method.items()
    }
    shown = [m for m in _MEASURES if any(m in values for values in rows.values())]
    table = Table(
        "map",
        *(_MEASURES[measure] for measure in shown),
        title=f"Maps, {measured['examples']:,} examples",
        caption="larger is better, but for \u2193",
    )
    for name, values in rows.items():
        means = (values.get(measure, [None])[0] for measure in shown)
        cells = ("" if mean is None else f"{mean:.3f}" for mean in means)
        table.add_row(name.replace("_", " "), *cells)
    return table


def _swaps(measured: dict) -> Table:
    levels = list(measured["exact"])
    table = Table(
        "global feature of",
        *(f"moved, {level.replace('_', ' ')}" for level in levels),
        "other prediction",
        title=f"Another image's global feature, {measured['examples']:,} examples",
    )
    for kind in ("same_class", "other_class", "noise"):
        found = measured[kind]
        table.add_row(
            kind.replace("_", " "),
            *(f"{found[level]['moved'][0]:.2%}" for level in levels),
            f"{found['predictions'][0]:.2%}",
        )
    scale = (f"{measured['own_image'][level]['moved'][0]:.2%}" for level in levels)
    table.add_row("(another image altogether)", *scale, "")
    return table


def _robustness(measured: dict) -> Table:
    levels = [name for name in measured["clean"] if name != "accuracy"]
    table = Table(
        "change",
        "accuracy",
        *(f"map like before, {level.replace('_', ' ')}" for level in levels),
        title=f"Attacked and corrupted, {measured['examples']:,} examples",
        caption="maps: rank correlation; attacks by so many of 255",
    )
    for name, found in measured.items():
        if name != "examples":
            alike = (f"{found[one]['rank_correlation'][0]:.3f}" for one in levels)
            table.add_row(name, f"{found['accuracy'][0]:.2%}", *alike)
    return table


def _transfer(measured: dict) -> Table:
    table = Table(
        "data set",
        "features of",
        "accuracy",
        "95% interval",
        title="A linear classifier on this model's features",
    )
    for name, found in measured.items():
        for part, (mean, low, high) in found["accuracy"].items():
            interval = f"{low:.2%} to {high:.2%}"
            table.add_row(name, part.replace("_", " "), f"{mean:.2%}", interval)
    return table
