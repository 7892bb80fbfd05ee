"""Writes a trained run as a versioned SavedModel for TensorFlow Serving.

python -m pipelines.export --workdir=runs/mine --export_dir=saved_models/mine

With --preset it exports a preset, by name or folder, instead of a run. With
--format=litert or onnx it writes one file for those runtimes, with --format=onnx
--triton a model repository for Triton; with --format=preset a folder for
`ltpa_tf.models.from_preset`, or with --export_dir=hf://USER/NAME a repository of the
Hugging Face Hub for it.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from ltpa_tf.errors import SettingError
from ltpa_tf.programs import program

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a finished run.")
_PRESET = flags.DEFINE_string(
    "preset", None, "Instead of a run: a preset's name, folder, or hf://USER/NAME."
)
_DATA_DIR = program.define_data_dir()
_EXPORT_DIR = flags.DEFINE_string(
    "export_dir",
    None,
    "Folder of the model's versions; this one becomes VERSION/ in it.",
)
_VERSION = flags.DEFINE_integer(
    "version", None, "A free version number; by default the next one.", lower_bound=1
)
_WEIGHTS = flags.DEFINE_enum(
    "weights", "final", ["final", "best"], "Which weights of the run."
)
_STABLE = flags.DEFINE_bool(
    "stable", False, "Whether the version gets the label stable, not only canary."
)
_KEEP = flags.DEFINE_integer(
    "keep",
    0,
    "Delete all but this many of the newest versions; labelled ones stay. 0: none.",
    lower_bound=0,
)
_FORMAT = flags.DEFINE_enum(
    "format",
    "saved_model",
    ["saved_model", "litert", "onnx", "preset"],
    "What to write; litert and onnx need the extra of that name and take raw images.",
)
_COMPACT = flags.DEFINE_list(
    "compact",
    [],
    "Cheaper forms of maps to offer beside: native (no maps at the image's size, no "
    "evidence), uint8 (in 8 bits), top (the positions with the most attention).",
)
_TRITON = flags.DEFINE_bool(
    "triton", False, "With --format=onnx: write a model repository for Triton."
)
_QUANTIZE = flags.DEFINE_enum(
    "quantize",
    "none",
    ["none", "float16", "int8"],
    "Smaller numbers, for litert; a preset's kernels are float16 or int8.",
)


def main(argv: Sequence[str]) -> None:
    """Exports the run or preset and prints where to."""
    del argv
    if _FORMAT.value == "saved_model" and _QUANTIZE.value != "none":
        raise SettingError(
            "--quantize", _QUANTIZE.value, f"none, for --format={_FORMAT.value}"
        )
    if _FORMAT.value == "preset" and _COMPACT.value:
        raise SettingError("--compact", _COMPACT.value, "nothing, for a preset")
    if _TRITON.value and _FORMAT.value != "onnx":
        raise SettingError("--format", _FORMAT.value, "onnx, with --triton")
    if (_WORKDIR.value is None) == (_PRESET.value is None):
        raise SettingError(
            "--workdir, --preset", [_WORKDIR.value, _PRESET.value], "one of the two"
        )
    if _PRESET.value is not None and _FORMAT.value != "saved_model":
        raise SettingError(
            "--format", _FORMAT.value, "saved_model, for a preset: it has no images"
        )
    if _EXPORT_DIR.value.startswith("hf://"):
        print(_publish(_EXPORT_DIR.value))
        return
    if _WORKDIR.value is not None:
        program.check_apart(_EXPORT_DIR.value, _WORKDIR.value)
    from ltpa_tf import remote, serving, stores

    with remote.opened(_EXPORT_DIR.value, "--export_dir") as place:
        written = _export(place.path)
        if stores.is_remote(place.name) and _FORMAT.value == "saved_model":
            # A server will find it there.
            serving.label(place.path, {}, base_path=place.name)
        place.upload()
    print(f"{place.name}{str(written).removeprefix(str(place.path))}")


def _publish(uri: str) -> str:
    """Uploads the run as a preset; returns where it is."""
    if _FORMAT.value != "preset":
        raise SettingError("--format", _FORMAT.value, "preset, for hf://")
    from ltpa_tf.models import hub, upload_preset

    hub.check_target(uri, "--export_dir")  # before the work
    with tempfile.TemporaryDirectory() as scratch:
        preset = _export(Path(scratch, Path(uri).name))
        try:
            return upload_preset(uri, preset)
        except SettingError as error:  # the Hub's
            raise SettingError("--export_dir", uri, error.accepted) from error


def _export(folder: Path) -> Path:
    """Writes what was asked for into a folder; returns where it is."""
    from ltpa_tf import run, serving, tracking

    settings = {
        "version": _VERSION.value,
        "stable": _STABLE.value,
        "keep": _KEEP.value,
        "compact": _COMPACT.value,
    }
    weights = _WEIGHTS.value
    if _PRESET.value is not None:
        return serving.export_preset(_PRESET.value, folder, **settings)
    with run.opened(_WORKDIR.value, _DATA_DIR.value) as one:
        if _FORMAT.value == "saved_model":
            version = serving.export_run(one, folder, weights=weights, **settings)
            tracking.log_export(one, version, folder.resolve().name)
            return version
        if _FORMAT.value == "preset":
            storage = "int8" if _QUANTIZE.value == "int8" else "float16"
            return serving.preset_of_run(one, folder, weights, storage)
        file, report = serving.convert_run(
            one,
            folder,
            form=_FORMAT.value,
            quantize=_QUANTIZE.value,
            weights=weights,
            triton=_TRITON.value,
            version=_VERSION.value,
            keep=_KEEP.value,
            compact=_COMPACT.value,
        )
    for name, value in report.items():
        print(f"{name}: {value}")
    return file


def cli() -> None:
    """The installed command `ltpa-export`."""
    flags.mark_flag_as_required("export_dir")
    program.run(main, remote=["workdir", "data_dir", "export_dir", "preset"])


if __name__ == "__main__":
    cli()
