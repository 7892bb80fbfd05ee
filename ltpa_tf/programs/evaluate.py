"""Measures a finished run on held-out examples.

python -m pipelines.evaluate --workdir=runs/mine

Writes WORKDIR/evaluation.json and WORKDIR/evaluation/*.png: accuracy, also by class,
confusion, calibration, and where boxes are known how often each attention map points
into them. With other weights, another part or other data the files are named so, such
as evaluation-best.json: one evaluation replaces none of another.

    python -m pipelines.evaluate --workdir=runs/mine --labelled_dir=other_photos/

measures on a folder of other images, with a subfolder for each class or some of them.

    python -m pipelines.evaluate --workdir=runs/mine --maps=attention,evidence,gradcam

also measures what maps of these methods are worth, beside chance and the centre alone:
on boxes, where they are known; on images side by side; by taking away what they name;
and against models that have forgotten what they learned. What a call that was cut off
has measured is kept. --swap_global gives images each other's global features and
measures what that does to maps and predictions.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import flags

from ltpa_tf.programs import program

if TYPE_CHECKING:
    from rich.table import Table

_MISTAKES = 5  # of those in the file, on screen
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a finished run.")
_DATA_DIR = program.define_data_dir()
_LABELLED_DIR = flags.DEFINE_string(
    "labelled_dir", "", "A folder of other images, one subfolder per class."
)
_SPLIT = flags.DEFINE_enum(
    "split", "test", ["test", "validation"], "Which examples to measure on."
)
_WEIGHTS = flags.DEFINE_enum(
    "weights", "final", ["final", "best"], "Which weights of the run."
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Examples per step; changes no result.", lower_bound=1
)
_MAPS = flags.DEFINE_list(
    "maps", [], "Measure maps of these methods, such as attention,evidence,gradcam."
)
_MAP_EXAMPLES = flags.DEFINE_integer(
    "map_examples", 500, "On how many images both are measured.", lower_bound=2
)
_SWAP = flags.DEFINE_bool(
    "swap_global", False, "Measure what the global feature does to the maps."
)


def main(argv: Sequence[str]) -> None:
    """Evaluates the run, prints a table and the files' paths."""
    del argv
    from rich.progress import MofNCompleteColumn, Progress

    from ltpa_tf import evaluation
    from ltpa_tf.run import RunFolder

    run = RunFolder(_WORKDIR.value, _DATA_DIR.value)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task(f"{_SPLIT.value} examples", total=None)
        result = evaluation.evaluate_run(
            run,
            split=_SPLIT.value,
            weights=_WEIGHTS.value,
            labelled_dir=_LABELLED_DIR.value,
            batch_size=_BATCH_SIZE.value,
            maps=_MAPS.value,
            map_examples=_MAP_EXAMPLES.value,
            swap=_SWAP.value,
            progress=lambda done, of: bar.update(task, completed=done, total=of),
            maps_progress=lambda name: bar.update(
                task, description=f"maps, {name}", completed=0, total=None
            ),
        )
    _print_table(result)
    file = run.path / result["file"]
    print(file)
    print(file.with_suffix(""))


def _print_table(result: dict) -> None:
    from rich.table import Table

    from ltpa_tf.evaluation import border

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
    for sentence in border.warnings(result.get("border", {})):
        console.print(f"warning: {sentence}")


def _mistakes(mistakes: list[dict]) -> "Table":
    from rich.table import Table

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


def _maps(measured: dict) -> "Table":
    """The means; the file has intervals and more measures."""
    from rich.table import Table

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


def _swaps(measured: dict) -> "Table":
    from rich.table import Table

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


def cli() -> None:
    """Entry point of `ltpa-evaluate`."""
    flags.mark_flag_as_required("workdir")
    program.run(main)


if __name__ == "__main__":
    cli()
