"""Asks a trained run, an export or a server about image files.

python -m pipelines.predict --saved_model=saved_models/mine --images=photos/
python -m pipelines.predict --preset=NAME --images=photos/
python -m pipelines.predict --server=http://127.0.0.1:8501 --model=mine --images=a.jpg

Prints a table; with --output also writes predictions.json and, for models with
attention, every image with its maps laid over it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from ltpa_tf.errors import SettingError
from ltpa_tf.programs import program
from ltpa_tf.programs.images import image_files

if TYPE_CHECKING:
    from PIL import Image

    from ltpa_tf.serving import Prediction

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a finished run.")
_PRESET = flags.DEFINE_string(
    "preset", None, "A preset: its name, or the folder of one of your own."
)
_SAVED_MODEL = flags.DEFINE_string(
    "saved_model", None, "Folder of an export: of one version, or of all (the latest)."
)
_SERVER = flags.DEFINE_string(
    "server", None, "http://HOST:8501 or grpc://HOST:8500 of a server to ask."
)
_MODEL = flags.DEFINE_string("model", None, "With --server: the model's name there.")
_VERSION = flags.DEFINE_integer("version", None, "With --server: a version.")
_LABEL = flags.DEFINE_string("label", None, "With --server: a label, such as stable.")
_IMAGES = flags.DEFINE_list(
    "images", None, "JPEG or PNG files, or folders of them, separated by commas."
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "Folder for predictions.json and overlays."
)

_LONGER_SIDE = 256  # pixels, of an image in a strip


def main(argv: Sequence[str]) -> None:
    """Predicts, prints, writes."""
    del argv
    files = image_files(_IMAGES.value)
    _check_source()
    program.start()
    predictions = _predict(files)
    _print_table(files, predictions)
    if _OUTPUT.value:
        _write(Path(_OUTPUT.value), files, predictions)


def _check_source() -> None:
    sources = [_PRESET.value, _WORKDIR.value, _SAVED_MODEL.value, _SERVER.value]
    if sum(one is not None for one in sources) != 1:
        raise SettingError(
            "--preset, --workdir, --saved_model, --server",
            sources,
            "exactly one of them",
        )
    for flag in (_MODEL, _VERSION, _LABEL):
        if not _SERVER.value and flag.value is not None:
            raise SettingError(
                f"--{flag.name}", flag.value, "nothing, without --server"
            )
    if _SERVER.value and not _MODEL.value:
        raise SettingError("--model", _MODEL.value, "name of a model on the server")


def _predict(files: Sequence[Path]) -> list["Prediction"]:
    from ltpa_tf import models, serving
    from ltpa_tf.run import RunFolder

    if _PRESET.value:
        names = models.preset_metadata(_PRESET.value)["class_names"]
        model = models.from_preset(_PRESET.value)
        return serving.Predictor.from_model(model, names).predict_files(files)
    if _SAVED_MODEL.value:
        return serving.Predictor.from_saved_model(_SAVED_MODEL.value).predict_files(
            files
        )
    if _WORKDIR.value:
        run = RunFolder(_WORKDIR.value)
        names = run.read_dataset()["class_names"]
        return serving.Predictor.from_model(run.load_model(), names).predict_files(
            files
        )
    try:
        with serving.Client(
            _SERVER.value, _MODEL.value, label=_LABEL.value, version=_VERSION.value
        ) as client:
            return client.predict_files(files)
    except serving.ServingError as error:
        raise SettingError(
            "--server", _SERVER.value, f"a server that answers ({error})"
        ) from error


def _print_table(files: Sequence[Path], predictions: Sequence["Prediction"]) -> None:
    import rich.table

    # Folded where it is too long: its end, the file's name, is what tells it apart.
    image = rich.table.Column("image", overflow="fold")
    table = rich.table.Table(image, "class", "probability", "next")
    for file, prediction in zip(files, predictions, strict=True):
        following = ", ".join(f"{name} {p:.1%}" for name, p in prediction.top()[1:3])
        table.add_row(
            str(file), prediction.name, f"{prediction.probability:.1%}", following
        )
    program.console().print(table)


def _write(
    folder: Path, files: Sequence[Path], predictions: Sequence["Prediction"]
) -> None:
    from ltpa_tf.run import make_folder, write_json

    make_folder(folder, "--output")
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

    from ltpa_tf import data, explain

    image = Image.fromarray(data.decode_image(file.read_bytes()).numpy())
    scale = _LONGER_SIDE / max(image.size)
    size = tuple(max(1, round(scale * side)) for side in image.size)
    enlarge = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    pixels = np.asarray(image.resize(size, enlarge))
    overlays = [explain.overlay(pixels, m) for m in prediction.image_maps.values()]
    return Image.fromarray(np.concatenate([pixels, *overlays], axis=1))


def cli() -> None:
    """The installed command `ltpa-predict`."""
    flags.mark_flag_as_required("images")
    program.run(main, tensorflow=False)  # not before the flags are known to be right


if __name__ == "__main__":
    cli()
