"""Writes a trained run as a versioned SavedModel for TensorFlow Serving.

python -m pipelines.export --workdir=runs/mine --export_dir=saved_models/mine

With --preset it exports a preset, by name or folder, instead of a run. With
--format=litert or onnx it writes one file for those runtimes; with --format=preset a
folder for `ltpa_tf.models.from_preset`.
"""

from collections.abc import Sequence

from absl import flags

from ltpa_tf.errors import SettingError
from ltpa_tf.programs import program

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a finished run.")
_PRESET = flags.DEFINE_string(
    "preset", None, "Instead of a run: a preset's name, or its folder."
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
_QUANTIZE = flags.DEFINE_enum(
    "quantize", "none", ["none", "float16", "int8"], "Smaller numbers, for litert."
)


def main(argv: Sequence[str]) -> None:
    """Exports the run or preset and prints where to."""
    del argv
    if _FORMAT.value in ("saved_model", "preset") and _QUANTIZE.value != "none":
        raise SettingError(
            "--quantize", _QUANTIZE.value, f"none, for --format={_FORMAT.value}"
        )
    if (_WORKDIR.value is None) == (_PRESET.value is None):
        raise SettingError(
            "--workdir, --preset", [_WORKDIR.value, _PRESET.value], "one of the two"
        )
    if _PRESET.value is not None and _FORMAT.value != "saved_model":
        raise SettingError(
            "--format", _FORMAT.value, "saved_model, for a preset: it has no images"
        )
    from ltpa_tf import serving
    from ltpa_tf.run import RunFolder

    settings = {
        "version": _VERSION.value,
        "stable": _STABLE.value,
        "keep": _KEEP.value,
    }
    if _PRESET.value is not None:
        print(serving.export_preset(_PRESET.value, _EXPORT_DIR.value, **settings))
        return
    run = RunFolder(_WORKDIR.value, _DATA_DIR.value)
    if _FORMAT.value == "preset":
        print(serving.preset_of_run(run, _EXPORT_DIR.value, weights=_WEIGHTS.value))
        return
    if _FORMAT.value != "saved_model":
        file, report = serving.convert_run(
            run,
            _EXPORT_DIR.value,
            form=_FORMAT.value,
            quantize=_QUANTIZE.value,
            weights=_WEIGHTS.value,
        )
        for name, value in report.items():
            print(f"{name}: {value}")
        print(file)
        return
    path = serving.export_run(
        run,
        _EXPORT_DIR.value,
        weights=_WEIGHTS.value,
        **settings,
    )
    print(path)


def cli() -> None:
    """The installed command `ltpa-export`."""
    flags.mark_flag_as_required("export_dir")
    program.run(main)


if __name__ == "__main__":
    cli()
