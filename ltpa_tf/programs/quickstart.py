"""The whole path on bundled data: train, evaluate, explain, export, ask the export.

    make quickstart

Ends with a short summary. Started again, it goes on with whatever isn't done yet.
"""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from ltpa_tf.programs import program

if TYPE_CHECKING:
    from ltpa_tf.run import RunFolder

_WORKDIR = flags.DEFINE_string("workdir", "runs/quickstart", "Folder of the run.")
_EXPORT_DIR = flags.DEFINE_string(
    "export_dir", "saved_models/quickstart", "Folder of the export's version 1."
)
_EXAMPLES = 200  # that the export is asked about
_TOLERANCE = 1e-5  # between export and model in memory, in probability


def main(argv: Sequence[str]) -> int:
    """Runs every stage and prints the summary; 1 if the export isn't the model."""
    del argv
    program.check_apart(_EXPORT_DIR.value, _WORKDIR.value)
    start = time.monotonic()
    from ltpa_tf import evaluation, explain, training
    from ltpa_tf.configs import quickstart
    from ltpa_tf.run import RunFolder

    run = RunFolder(_WORKDIR.value)
    summary = training.train(quickstart.get_config(), run.path)
    print("Evaluating on test images and drawing attention maps", flush=True)
    result = evaluation.evaluate_run(run)
    figure = explain.explain_run(run)[0]
    version, difference = _export(run, Path(_EXPORT_DIR.value))
    _print_summary(
        result,
        {
            "export against memory": f"{difference:.0e} at most, in probability",
            "seconds": f"{time.monotonic() - start:.0f}; training took "
            f"{summary['seconds']:.0f} in all",
            "attention maps": figure,
            "run folder": run.path,
            "export": version,
        },
    )
    return 0 if difference <= _TOLERANCE else 1


def _export(run: "RunFolder", folder: Path) -> tuple[Path, float]:
    """Version 1, and how far its answers are from the model's.

    A version 1 of an earlier run gives way.
    """
    from ltpa_tf import serving

    version = folder / "1"
    if version.exists():
        difference = _difference(run, version)
        if difference <= _TOLERANCE:
            return version, difference
        print(f"Replacing {version}, the export of another run")
        shutil.rmtree(version)
    print("Exporting the SavedModel and asking it", flush=True)
    serving.export_run(run, folder, version=1)
    return version, _difference(run, version)


def _difference(run: "RunFolder", version: Path) -> float:
    """The largest difference in probability between an export and the run's model."""
    import keras
    import numpy as np

    from ltpa_tf import serving

    images = run.load_split("test").array[:_EXAMPLES]
    answers = serving.Predictor.from_saved_model(version).predict(images)
    export = np.array([answer.probabilities for answer in answers])
    memory = keras.ops.softmax(run.load_model()(images, training=False))
    return float(np.abs(export - keras.ops.convert_to_numpy(memory)).max())


def _print_summary(result: dict, rest: dict[str, object]) -> None:
    from rich.table import Table

    table = Table(title="Quickstart", show_header=False)
    table.add_row("test accuracy", f"{result['top1']:.2%}")
    for level, rate in result["pointing"].items():
        what = "a random pixel" if level == "chance" else level.replace("_", " ")
        table.add_row(f"points at the digit: {what}", f"{rate:.2%}")
    for name, value in rest.items():
        table.add_row(name, str(value))
    program.console().print(table)


def cli() -> None:
    """The installed command `ltpa-quickstart`."""
    program.run(main)


if __name__ == "__main__":
    cli()
