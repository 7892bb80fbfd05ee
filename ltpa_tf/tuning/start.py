"""`search`: from a config with a space to the best config."""

import contextlib
import functools
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import keras_tuner
from keras_tuner.src import config as keras_tuner_config
from keras_tuner.src.distribute import utils as machines
from keras_tuner.src.engine import conditions
from ml_collections import ConfigDict

from ltpa_tf import config as configuration
from ltpa_tf import files, run
from ltpa_tf.errors import SearchError, SettingError
from ltpa_tf.lock import only_one
from ltpa_tf.tuning import chief, settings
from ltpa_tf.tuning.oracles import make_oracle
from ltpa_tf.tuning.report import SUMMARY_FILE, Report
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

    Example:
        >>> from ltpa_tf.configs import tune_quickstart
        >>> config = tune_quickstart.get_config()
        >>> config.model.width, config.train.epochs, config.search.trials = 0.125, 2, 1
        >>> config.data.train_examples = 128
        >>> best = tuning.search(
        ...     config, "searches/mine", defaults=tune_quickstart.get_config()
        ... )
        <BLANKLINE>
        trial 0 (1 of 1): learning_rate=...
        >>> best["completed"], best["failed"]
        (1, 0)
    """
    base, wanted = settings.split(configuration.with_absolute_paths(config))
    space = settings.check(base, wanted)
    worker = _is_worker()
    folder = run.RunFolder(workdir)
    if folder.exists(folder.config_file):
        raise SettingError(
            "--workdir", str(workdir), "another folder: this one holds a run"
        )
    with (
        files.no_empty_folder(folder.path),
        _only_one(folder),
        _exit_on_sigterm(),
        _quiet_keras_tuner(),
        _sentences(folder.path),
    ):
        is_over = functools.partial(
            settings.is_over, wanted, folder.path / SUMMARY_FILE
        )
        if worker and not chief.wait_for(is_over):
            print(f"The search in {folder.path} is over.")
            return None
        if not worker or folder.search_file.exists():
            settings.remember(base, wanted, folder.search_file)
        oracle = make_oracle(wanted, space, seed=base.seed, epochs=base.train.epochs)
        tuner = Tuner(oracle, space, wanted, folder.path)
        report = Report(oracle, space, wanted, defaults, folder.path)
        oracle.on_end = report.update
        oracle.verbose = 0  # its own lines, that is; the trials' are `report`'s
        if worker or not is_over():  # a chief would wait for workers
            tuner.search()
        return None if worker else report.finish()


def _is_worker() -> bool:
    """Whether another process hands out the trials."""
    names = ("KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT", "KERASTUNER_TUNER_ID")
    if any(name in os.environ for name in names[:2]):
        for name in names:
            if not os.environ.get(name):
                raise SettingError(name, "nothing", f"a value, as {', '.join(names)}")
    return machines.has_chief_oracle() and not machines.is_chief_oracle()


@contextlib.contextmanager
def _only_one(folder: run.RunFolder) -> Iterator[None]:
    """Two processes of one id would train the same trials into the same files."""
    folder.create()
    name = os.environ.get("KERASTUNER_TUNER_ID", "tuner0")
    free = f"a folder in which no other search (as {name}) is running"
    with only_one(folder.path, name, free):
        yield


@contextlib.contextmanager
def _quiet_keras_tuner() -> Iterator[None]:
    """Without what keras-tuner prints of its own accord."""
    debug = keras_tuner_config.DEBUG
    # It would print a traceback for every failed trial, whose reason is a sentence.
    keras_tuner_config.DEBUG = False
    # `Parent.to_proto` still has a print in it that someone once looked for an error
    # with; between machines it would write into every worker's output.
    conditions.print = lambda *values: None
    try:
        yield
    finally:
        keras_tuner_config.DEBUG = debug
        del conditions.print


@contextlib.contextmanager
def _sentences(folder: Path) -> Iterator[None]:
    try:
        yield
    except keras_tuner.errors.FatalError as error:
        raise SearchError(str(error)) from error
    except OSError as error:
        if error.errno not in files.DISK_ERRORS:
            raise
        raise SearchError(
            f"{folder} can't be written to any more: {error.strerror}. Put this right "
            "and start again with the same --workdir to continue."
        ) from error


@contextlib.contextmanager
def _exit_on_sigterm() -> Iterator[None]:
    """As on Ctrl-C, a training that runs saves its state before the search ends."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(
        signal.SIGTERM, lambda number, frame: sys.exit(128 + signal.SIGTERM)
    )
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
