"""Draws where a finished run's model looks.

python -m pipelines.explain --workdir=runs/mine                    # 8 test images
python -m pipelines.explain --workdir=runs/mine --images=photos/   # your own

Writes WORKDIR/attention.png with a row for each image (the first 24), and
WORKDIR/attention/NNN.png, one for each; of a model that takes glimpses
WORKDIR/glimpses.png with their paths.

    python -m pipelines.explain --workdir=runs/mine --report

writes WORKDIR/report.html instead: one page, which needs no other file, of training,
what `evaluate` has measured, images with the maps of several methods, the surest
mistakes and the model card.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from ltpa_tf.errors import SettingError
from ltpa_tf.programs import program
from ltpa_tf.programs.images import define_images, image_files, report_unusable
from ltpa_tf.words import count, text_of

if TYPE_CHECKING:
    from ltpa_tf.run import RunFolder

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a finished run.")
_DATA_DIR = program.define_data_dir()
_IMAGES, _RECURSIVE = define_images(
    "By default images of the run's own data are drawn."
)
_INDICES = flags.DEFINE_list(
    "indices", None, "Which examples of the split, e.g. 3,17; by default a sample."
)
_COUNT = flags.DEFINE_integer(
    "count",
    None,
    "How many examples to sample; by default 8, or all of fewer.",
    lower_bound=1,
)
_SEED = flags.DEFINE_integer("seed", 0, "Of the sample.", lower_bound=0)
_SPLIT = flags.DEFINE_enum(
    "split", "test", ["test", "validation"], "Which examples to choose from."
)
_WEIGHTS = flags.DEFINE_enum(
    "weights", "final", ["final", "best"], "Which weights of the run."
)
_REPORT = flags.DEFINE_bool("report", False, "Write report.html instead.")
_MAPS = flags.DEFINE_list(
    "maps",
    None,
    "Methods whose maps the report shows; by default attention, evidence and gradcam, "
    "as far as the model has them.",
)


def main(argv: Sequence[str]) -> int:
    """Draws, and prints the figure's path."""
    names = [*(_IMAGES.value or ()), *argv[1:]]
    if argv[1:] and not _IMAGES.value:
        raise SettingError("--images", None, f"the flag before {argv[1]!r}")
    indices = _indices()
    _check_report()
    from ltpa_tf import run

    with run.opened(_WORKDIR.value, _DATA_DIR.value) as folder:
        if _REPORT.value:
            print(folder.shown(_write_report(folder, indices)))
            return 0
        return _draw(folder, names, indices)


def _draw(run: "RunFolder", names: Sequence[str], indices: list[int] | None) -> int:
    import numpy as np

    from ltpa_tf import explain
    from ltpa_tf.images import files

    errors = []
    if names:
        size = tuple(run.read_dataset()["image_shape"][:2])
        paths = image_files(names, recursive=_RECURSIVE.value)
        images = files.read_images(paths, size, run.preprocessing())
        images = files.set_aside(images, errors)
        good = [
            (image, text_of(path.name))
            for path, image in zip(paths, images, strict=True)
            if image is not None
        ]
        if not good:
            files.refuse(errors, "--images")
        pixels, shown = zip(*good, strict=True)
        written = explain.explain_images(
            run, np.stack(pixels), shown, weights=_WEIGHTS.value
        )
    else:
        written = explain.explain_run(
            run,
            split=_SPLIT.value,
            weights=_WEIGHTS.value,
            indices=indices,
            count=_COUNT.value or 8,
            seed=_SEED.value,
        )
    print(run.shown(written[0]))
    if written[1:]:
        print(f"{run.shown(written[1].parent)}: {count(len(written) - 1, 'image')}")
    return report_unusable(errors)


def _check_report() -> None:
    if _REPORT.value and _IMAGES.value is not None:
        raise SettingError("--images", _IMAGES.value, "nothing beside --report")
    if _MAPS.value is not None and not _REPORT.value:
        raise SettingError("--maps", _MAPS.value, "nothing without --report")


def _write_report(run: "RunFolder", indices: list[int] | None) -> Path:
    from ltpa_tf.report import write_report

    return write_report(
        run,
        maps=_MAPS.value,
        split=_SPLIT.value,
        weights=_WEIGHTS.value,
        indices=indices,
        count=_COUNT.value,
        seed=_SEED.value,
    )


def _indices() -> list[int] | None:
    if _INDICES.value is None:
        return None
    if _IMAGES.value is not None:
        raise SettingError("--indices", _INDICES.value, "nothing beside --images")
    try:
        return [int(text) for text in _INDICES.value]
    except ValueError:
        raise SettingError(
            "--indices", ",".join(_INDICES.value), "whole numbers, e.g. 3,17"
        ) from None


def cli() -> None:
    """Entry point of `ltpa-explain`."""
    flags.mark_flag_as_required("workdir")
    program.run(main, arguments=True, remote=["workdir", "data_dir"])


if __name__ == "__main__":
    cli()
