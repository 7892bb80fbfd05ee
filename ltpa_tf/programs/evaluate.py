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
on boxes or masks, where they are known, among others by the Jaccard index of what
Otsu's threshold makes of a map (weak segmentation); on images side by side; by taking
away what they name; and against models that have forgotten what they learned. What a
call that was cut off has measured is kept. --swap_global gives images each other's
global features and measures what that does to maps and predictions; --robustness
attacks and corrupts the images.

    python -m pipelines.evaluate --workdir=runs/mine --transfer=npz:data/cifar10.npz

trains a linear classifier for another data set on the features of this model, which
stays as it is, and measures it on that data set's test part.
"""

from collections.abc import Sequence

from absl import flags

from ltpa_tf.errors import SettingError
from ltpa_tf.programs import program

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a finished run.")
_DATA_DIR = program.define_data_dir()
_LABELLED_DIR = flags.DEFINE_string(
    "labelled_dir", "", "A folder of other images, one subfolder per class."
)
_SKIP = flags.DEFINE_bool(
    "skip_damaged", False, "Go on without the files of that folder that can't be used."
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
_MAP_MEASURES = flags.DEFINE_list(
    "map_measures",
    ["boxes", "grids", "faithfulness", "sanity"],
    "What is measured of them; the last two take long.",
)
_MAP_EXAMPLES = flags.DEFINE_integer(
    "map_examples",
    None,
    "On how many images these are measured; by default 500, or all of fewer.",
    lower_bound=2,
)
_SWAP = flags.DEFINE_bool(
    "swap_global", False, "Measure what the global feature does to the maps."
)
_ROBUSTNESS = flags.DEFINE_bool(
    "robustness", False, "Measure predictions and maps under attack and corruption."
)
_TRANSFER = flags.DEFINE_string(
    "transfer",
    "",
    "Another data set, NAME or NAME:DIR as data.name and data.dir take them, to tell "
    "apart by this model's features.",
)


def main(argv: Sequence[str]) -> None:
    """Evaluates the run, prints a table and the files' paths."""
    del argv
    from rich.progress import MofNCompleteColumn, Progress

    if _SKIP.value and not _LABELLED_DIR.value:
        raise SettingError("--skip_damaged", True, "nothing, without --labelled_dir")
    if flags.FLAGS["map_measures"].present and not _MAPS.value:
        raise SettingError(
            "--map_measures", _MAP_MEASURES.value, "nothing, without --maps"
        )
    from ltpa_tf import evaluation, run
    from ltpa_tf.programs import evaluation_tables

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with (
        run.opened(_WORKDIR.value, _DATA_DIR.value) as folder,
        Progress(*columns, transient=True) as bar,
    ):
        task = bar.add_task(f"{_SPLIT.value} examples", total=None)
        result = evaluation.evaluate_run(
            folder,
            split=_SPLIT.value,
            weights=_WEIGHTS.value,
            labelled_dir=_LABELLED_DIR.value,
            skip_damaged=_SKIP.value,
            batch_size=_BATCH_SIZE.value,
            maps=_MAPS.value,
            map_measures=_MAP_MEASURES.value,
            map_examples=_MAP_EXAMPLES.value,
            swap=_SWAP.value,
            attack=_ROBUSTNESS.value,
            transfer=_TRANSFER.value,
            progress=lambda done, of: bar.update(task, completed=done, total=of),
            maps_progress=lambda name: bar.update(
                task, description=f"maps, {name}", completed=0, total=None
            ),
        )
    evaluation_tables.show(result)
    file = folder.path / result["file"]
    print(folder.shown(file))
    print(folder.shown(file.with_suffix("")))


def cli() -> None:
    """Entry point of `ltpa-evaluate`."""
    flags.mark_flag_as_required("workdir")
    program.run(main, remote=["workdir", "data_dir"])


if __name__ == "__main__":
    cli()
