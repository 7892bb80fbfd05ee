"""Writes a trained run as a versioned SavedModel for TensorFlow Serving.

python -m pipelines.export --workdir=runs/mine --export_dir=saved_models/mine
"""

from collections.abc import Sequence

from absl import flags

from pipelines import program

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a finished run.")
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


def main(argv: Sequence[str]) -> None:
    """Exports the run and prints the new version's folder."""
    del argv
    program.start_tensorflow()
    from ltpa_tf import serving
    from ltpa_tf.run import RunFolder

    path = serving.export_run(
        RunFolder(_WORKDIR.value),
        _EXPORT_DIR.value,
        weights=_WEIGHTS.value,
        version=_VERSION.value,
        stable=_STABLE.value,
        keep=_KEEP.value,
    )
    print(path)


def cli() -> None:
    """The installed command `ltpa-export`."""
    flags.mark_flags_as_required(["workdir", "export_dir"])
    program.run(main)


if __name__ == "__main__":
    cli()
