"""Searches for good settings, or goes on with a search that was cut off.

    python -m pipelines.tune --config=configs/tune_quickstart.py --workdir=runs/tune

The config says what to search and for how long. On many machines with a common
workdir, the same command runs once as the chief, which trains nothing, and once or more
as a worker, each with keras-tuner's environment variables:

    KERASTUNER_TUNER_ID=chief    KERASTUNER_ORACLE_IP=HOST KERASTUNER_ORACLE_PORT=8000
    KERASTUNER_TUNER_ID=worker-1 KERASTUNER_ORACLE_IP=HOST KERASTUNER_ORACLE_PORT=8000

Exit codes: 0 when the search is over, 1 when no trial was completed or none can be, 2
for a setting that can't be used, 143 after SIGTERM and 130 after Ctrl-C (the same
command goes on then).
"""

from collections.abc import Sequence

from absl import flags

from ltpa_tf.programs import program

_CONFIG = program.define_config()
_WORKDIR = flags.DEFINE_string("workdir", None, "The search's folder; made if needed.")
flags.mark_flag_as_required("workdir")


def main(argv: Sequence[str]) -> None:
    """Searches."""
    del argv
    from ltpa_tf import tuning
    from ltpa_tf.configs import common

    tuning.search(_CONFIG.value, _WORKDIR.value, defaults=common.get_config())


def cli() -> None:
    """The installed command `ltpa-tune`."""
    program.run(main)


if __name__ == "__main__":
    cli()
