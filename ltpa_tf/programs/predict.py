"""Asks a trained run, an export or a server about image files.

python -m pipelines.predict --saved_model=saved_models/mine --images=photos/
python -m pipelines.predict --preset=NAME --images=photos/
python -m pipelines.predict --server=http://127.0.0.1:8501 --model=mine --images=a.jpg

Prints a table; with --output also writes predictions.json and .csv and, for models with
attention, every image with its maps laid over it.
"""

import csv
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from ltpa_tf.errors import SettingError
from ltpa_tf.files import make_folder
from ltpa_tf.images import Preprocessing
from ltpa_tf.programs import program
from ltpa_tf.programs.images import define_images, image_files, report_unusable
from ltpa_tf.words import text_of

if TYPE_CHECKING:
    from ltpa_tf.serving import Prediction

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a finished run.")
_PRESET = flags.DEFINE_string(
    "preset",
    None,
    "A preset: its name, the folder of one of your own, or hf://USER/NAME.",
)
_SAVED_MODEL = flags.DEFINE_string(
    "saved_model", None, "Folder of an export: of one version, or of all (the latest)."
)
_SERVER = flags.DEFINE_string(
    "server", None, "http://HOST:8501 or grpc://HOST:8500 of a server to ask."
)
_MODEL = flags.DEFINE_string("model", None, "With --server: the model's name there.")
_PROTOCOL = flags.DEFINE_enum(
    "protocol",
    None,
    ["v1", "v2"],
    "With --server: v1 is TensorFlow Serving's and the default, v2 the Open Inference "
    "Protocol of Triton and KServe.",
)
_VERSION = flags.DEFINE_integer("version", None, "With --server: a version.")
_LABEL = flags.DEFINE_string("label", None, "With --server: a label, such as stable.")
_LOG = flags.DEFINE_string(
    "log", None, "With --server: add a line for each answer, for pipelines.monitor."
)
_IMAGES, _RECURSIVE = define_images()
_OUTPUT = flags.DEFINE_string(
    "output", None, "Folder for predictions.json and overlays."
)


def main(argv: Sequence[str]) -> int:
    """Predicts, prints, writes."""
    names = [*_IMAGES.value, *argv[1:]]
    files = image_files(names, recursive=_RECURSIVE.value)
    _check_source()
    if _OUTPUT.value:
        make_folder(Path(_OUTPUT.value), "--output")
    program.start()
    errors = []
    answers = zip(files, _predict(files, errors), strict=True)
    answered = [(file, one) for file, one in answers if one is not None]
    if answered:
        _print_table(answered)
        if _OUTPUT.value:
            _write(Path(_OUTPUT.value), answered)
    return report_unusable(errors)


def _check_source() -> None:
    sources = [_PRESET.value, _WORKDIR.value, _SAVED_MODEL.value, _SERVER.value]
    if sum(one is not None for one in sources) != 1:
        raise SettingError(
            "--preset, --workdir, --saved_model, --server",
            sources,
            "exactly one of them",
        )
    for flag in (_MODEL, _PROTOCOL, _VERSION, _LABEL, _LOG):
        if not _SERVER.value and flag.value is not None:
            raise SettingError(
                f"--{flag.name}", flag.value, "nothing, without --server"
            )
    if _SERVER.value and not _MODEL.value:
        raise SettingError("--model", _MODEL.value, "name of a model on the server")


def _predict(
    files: Sequence[Path], errors: list[SettingError]
) -> list["Prediction | None"]:
    from ltpa_tf import models, run, serving

    if _PRESET.value:
        known = models.preset_metadata(_PRESET.value)
        predictor = serving.Predictor.from_model(
            models.from_preset(_PRESET.value),
            known["class_names"],
            Preprocessing.of(known.get("preprocessing", {})),
        )
        return predictor.predict_files(files, errors=errors)
    if _SAVED_MODEL.value:
        predictor = serving.Predictor.from_saved_model(_SAVED_MODEL.value)
        return predictor.predict_files(files, errors=errors)
    if _WORKDIR.value:
        with run.opened(_WORKDIR.value) as folder:
            predictor = serving.Predictor.from_model(
                folder.load_model_for_use(),
                folder.read_dataset()["class_names"],
                folder.preprocessing(),
            )
        return predictor.predict_files(files, errors=errors)
    # Of each try it would warn; why the last one failed, the error says.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    try:
        with serving.Client(
            _SERVER.value,
            _MODEL.value,
            protocol=_PROTOCOL.value or "v1",
            label=_LABEL.value,
            version=_VERSION.value,
            log=_LOG.value,
        ) as client:
            return client.predict_files(files, errors=errors)
    except (serving.NotServed, serving.RequestRefused) as error:
        asked = {"model": _MODEL, "label": _LABEL, "version": _VERSION}
        given = {name: flag.value for name, flag in asked.items() if flag.value}
        raise SettingError(
            ", ".join(f"--{name}" for name in given),
            ", ".join(map(str, given.values())),
            f"what the server has and takes ({error})",
        ) from error
    except serving.ServingError as error:
        raise SettingError(
            "--server", _SERVER.value, f"a server that answers ({error})"
        ) from error


def _print_table(answered: Sequence[tuple[Path, "Prediction"]]) -> None:
    import rich.table

    # Folded where it is too long: its end, the file's name, is what tells it apart.
    image = rich.table.Column("image", overflow="fold")
    table = rich.table.Table(image, "class", "probability", "next")
    for file, prediction in answered:
        following = ", ".join(f"{name} {p:.1%}" for name, p in prediction.top()[1:3])
        table.add_row(
            text_of(file), prediction.name, f"{prediction.probability:.1%}", following
        )
    program.console().print(table)


def _write(folder: Path, answered: Sequence[tuple[Path, "Prediction"]]) -> None:
    from ltpa_tf.explain.strip import strip
    from ltpa_tf.files import write_json

    for number, (file, prediction) in enumerate(answered):
        if prediction.maps:
            maps = list(prediction.image_maps.values())
            drawn = strip(file, maps, prediction.preprocessing)
            # With the number, a name can be too long for a file system.
            drawn.save(folder / f"{number:03d}_{text_of(file.stem)[:50]}.png")
    write_json(
        folder / "predictions.json",
        [
            {
                "image": text_of(file),
                "class": prediction.name,
                "probability": prediction.probability,
                "top": dict(prediction.top()),
                "maps": _lists(prediction.maps),
                **_evidence(prediction),
            }
            for file, prediction in answered
        ],
    )
    with (folder / "predictions.csv").open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["image", "class", "probability"])
        for file, prediction in answered:
            rows.writerow([text_of(file), prediction.name, prediction.probability])


def _lists(maps: Mapping) -> dict[str, list]:
    return {str(level): values.tolist() for level, values in maps.items()}


def _evidence(prediction: "Prediction") -> dict:
    """What each position gives to the class's logit, where the export says it."""
    if prediction.evidence_bias is None:
        return {}
    return {
        "evidence": _lists(prediction.evidence),
        "evidence_bias": prediction.evidence_bias.tolist(),
    }


def cli() -> None:
    """The installed command `ltpa-predict`."""
    flags.mark_flag_as_required("images")
    program.run(
        main, tensorflow=False, arguments=True, remote=["workdir", "preset"]
    )  # not before the flags are known to be right


if __name__ == "__main__":
    cli()
