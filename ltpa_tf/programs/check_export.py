"""Says what a server would refuse in an export, without a server.

python -m pipelines.check_export saved_models/quickstart

Exit code 0 if there is nothing, 1 with a line for each finding.
"""

import sys
from collections.abc import Sequence

from absl import flags

from ltpa_tf.programs import program

_EXPORT_DIR = flags.DEFINE_string("export_dir", None, "Folder of the model's versions.")
_BASE_PATH = flags.DEFINE_string(
    "base_path", None, "Where the server will find the folder, if not here."
)


def main(argv: Sequence[str]) -> int:
    """Prints the findings."""
    del argv
    from ltpa_tf import serving

    findings = serving.check_export(_EXPORT_DIR.value, base_path=_BASE_PATH.value)
    for sentence in findings:
        print(sentence)
    if not findings:
        found = serving.list_versions(_EXPORT_DIR.value)
        print(f"{_EXPORT_DIR.value}: nothing wrong with versions {[*found]}")
    return 1 if findings else 0


def cli() -> None:
    """The installed command `ltpa-check-export`; the folder may be given bare."""
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        sys.argv[1] = f"--export_dir={sys.argv[1]}"
    flags.mark_flag_as_required("export_dir")
    program.run(main)


if __name__ == "__main__":
    cli()
