"""Moves a label to another version: promotes a canary, or rolls back.

python -m pipelines.promote --export_dir=saved_models/mine --version=2

The version is checked before as by check_export; one that a server wouldn't load gets
no label. With --copy_to it is copied into another folder and gets the label there.
Servers that poll models.config follow within seconds and without a restart.
"""

from collections.abc import Sequence

from absl import flags

from ltpa_tf.programs import program

_EXPORT_DIR = flags.DEFINE_string("export_dir", None, "Folder of the model's versions.")
_VERSION = flags.DEFINE_integer("version", None, "The version that gets the label.")
_LABEL = flags.DEFINE_string("label", "stable", "The label.")
_BASE_PATH = flags.DEFINE_string(
    "base_path",
    None,
    "Where the server will find the folder; by default as before, at first here.",
)
_COPY_TO = flags.DEFINE_string(
    "copy_to",
    None,
    "Another folder of versions, such as a volume that servers read. The version is "
    "copied into it, aside first and then renamed, and gets the label there.",
)
_CHECK = flags.DEFINE_bool(
    "check", True, "Whether the version is loaded and asked before."
)


def main(argv: Sequence[str]) -> None:
    """Checks, copies, writes models.config anew and prints the labels."""
    del argv
    from ltpa_tf import serving

    labels = serving.promote(
        _EXPORT_DIR.value,
        {_LABEL.value: _VERSION.value},
        base_path=_BASE_PATH.value,
        copy_to=_COPY_TO.value,
        check=_CHECK.value,
    )
    for label, version in sorted(labels.items()):
        print(f"{label}: version {version}")


def cli() -> None:
    """The installed command `ltpa-promote`."""
    flags.mark_flags_as_required(["export_dir", "version"])
    program.run(main)


if __name__ == "__main__":
    cli()
