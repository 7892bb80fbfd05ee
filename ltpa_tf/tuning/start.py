"""`search`: from a config with a space to the best config."""

import os
import signal
import sys
import threading

import keras_tuner
from keras_tuner.src.distribute import utils as machines
from ml_collections import ConfigDict

from ltpa_tf import run
from ltpa_tf.tuning import settings
from ltpa_tf.tuning.errors import SearchError
from ltpa_tf.tuning.oracles import make_oracle
from ltpa_tf.tuning.report import Report
from ltpa_tf.tuning.tuner import Tuner


def search(
    config: ConfigDict, workdir: str | os.PathLike, *, defaults: ConfigDict
) -> dict | None:
    """Runs a search, or goes on with one that was cut off.

    With keras-tuner's environment variables set, this process is the chief that hands
    out trials, or a worker that trains them; see docs/tuning.md.

    Args:
        config: A training's config with `config.search`, see `configs/search.py`.
        workdir: The search's folder; the same for all machines.
        defaults: What `best_config.py` starts from: `configs/common.py`'s config.

    Returns:
        What `search_summary.json` holds; None on a worker.

    Raises:
        SettingError: If a setting can't be used; before the first trial.
        SearchError: If no trial was completed, or none can be.
        SystemExit: If a signal stopped it.
    """
    base, wanted = settings.split(config)
    space = settings.check(base, wanted)
    folder = run.RunFolder(workdir)
    folder.create()
    worker = machines.has_chief_oracle() and not machines.is_chief_oracle()
    if not worker:
        settings.remember(base, wanted, folder.path / "search.json")
    oracle = make_oracle(wanted, space, seed=base.seed, epochs=base.train.epochs)
    tuner = Tuner(oracle, space, wanted, folder.path)
    report = Report(oracle, space, wanted, defaults, folder.path)
    oracle.on_end = report.update
    _exit_on_sigterm()
    oracle.verbose = 0  # its own lines, that is; the trials' are `report`'s
    try:
        tuner.search()
    except keras_tuner.errors.FatalError as error:
        raise SearchError(str(error)) from error
    return None if worker else report.finish()


def _exit_on_sigterm() -> None:
    """As on Ctrl-C, a training that runs saves its state before the search ends."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(
            signal.SIGTERM, lambda number, frame: sys.exit(128 + signal.SIGTERM)
        )
