"""Asks a trained run or an export about image files.

python -m pipelines.predict --saved_model=saved_models/quickstart --images=photos/

Prints a table; with --output also writes predictions.json and, for models with
attention, every image with its maps laid over it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from ltpa_tf.errors import SettingError
from pipelines import program
from pipelines.images import image_files

if TYPE_CHECKING:
    from PIL import Image

    from ltpa_tf.serving import Prediction, Predictor

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a finished run.")
_SAVED_MODEL = flags.DEFINE_string(
    "saved_model", None, "Folder of an export: of one version, or of all (the latest)."
)
_IMAGES = flags.DEFINE_list(
    "images", None, "JPEG or PNG files, or folders of them, separated by commas."
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "Folder for predictions.json and overlays."
)

_STRIP_HEIGHT = 256  # pixels


def main(argv: Sequence[str]) -> None:
    """Predicts, prints, writes."""
    del argv
    files = image_files(_IMAGES.value)
    predictions = _predictor().predict_files(files)
    _print_table(files, predictions)
    if _OUTPUT.value:
        _write(Path(_OUTPUT.value), files, predictions)


def _predictor() -> "Predictor":
    if (_WORKDIR.value is None) == (_SAVED_MODEL.value is None):
        raise SettingError(
            "--workdir, --saved_model",
            [_WORKDIR.value, _SAVED_MODEL.value],
            "exactly one of them",
        )
    from ltpa_tf.run import RunFolder
    from ltpa_tf.serving import Predictor

    if _SAVED_MODEL.value:
        return Predictor.from_saved_model(_SAVED_MODEL.value)
    run = RunFolder(_WORKDIR.value)
    return Predictor.from_model(run.load_model(), run.read_dataset()["class_names"])


def _print_table(files: Sequence[Path], predictions: Sequence["Prediction"]) -> None:
    import rich.console
    import rich.table

    table = rich.table.Table("image", "class", "probability", "next")
    for file, prediction in zip(files, predictions, strict=True):
        following = ", ".join(f"{name} {p:.1%}" for name, p in prediction.top()[1:3])
        table.add_row(
            str(file), prediction.name, f"{prediction.probability:.1%}", following
        )
    rich.console.Console().print(table)


def _write(
    folder: Path, files: Sequence[Path], predictions: Sequence["Prediction"]
) -> None:
    from ltpa_tf.run import write_json

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(
            "--output",
            str(folder),
            f"a folder that can be written to ({error.strerror})",
        ) from None
    for number, (file, prediction) in enumerate(zip(files, predictions, strict=True)):
        if prediction.maps:
            strip = _strip(file, prediction)
            strip.save(folder / f"{number:03d}_{file.stem}.png")
    write_json(
        folder / "predictions.json",
        [
            {
                "image": str(file),
                "class": prediction.name,
                "probability": prediction.probability,
                "top": dict(prediction.top()),
                "maps": {str(n): m.tolist() for n, m in prediction.maps.items()},
            }
            for file, prediction in zip(files, predictions, strict=True)
        ],
    )


def _strip(file: Path, prediction: "Prediction") -> "Image.Image":
    """The image, and beside it the same under the map of each level, lowest first."""
    import numpy as np
    from PIL import Image

    from ltpa_tf import explain

    with Image.open(file) as opened:
        image = opened.convert("RGB")
    scale = _STRIP_HEIGHT / image.height
    size = (max(1, round(scale * image.width)), _STRIP_HEIGHT)
    enlarge = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    pixels = np.asarray(image.resize(size, enlarge))
    overlays = [explain.overlay(pixels, one) for one in prediction.maps.values()]
    return Image.fromarray(np.concatenate([pixels, *overlays], axis=1))


def cli() -> None:
    """Entry point of `ltpa-predict`."""
    flags.mark_flag_as_required("images")
    program.run(main)


if __name__ == "__main__":
    cli()
