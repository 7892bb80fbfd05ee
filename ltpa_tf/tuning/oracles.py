"""keras-tuner's four algorithms, made to last: killed at any moment, they go on."""

import functools
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import keras_tuner
from ml_collections import ConfigDict
from sklearn.exceptions import ConvergenceWarning

from ltpa_tf import files
from ltpa_tf.tuning.space import Space

ALGORITHMS = ("random", "hyperband", "bayesian", "grid")


def make_oracle(
    settings: ConfigDict,
    space: Space,
    *,
    seed: int,
    epochs: int,
) -> keras_tuner.Oracle:
    """The oracle of `config.search`.

    Args:
        settings: `config.search`, checked.
        space: What to search.
        seed: The same seed proposes the same trials.
        epochs: Of a whole trial; Hyperband's largest rung.
    """
    hyperparameters = keras_tuner.HyperParameters()
    space.register(hyperparameters)
    arguments = {
        "objective": settings.objective,
        "hyperparameters": hyperparameters,
        "allow_new_entries": False,
        "tune_new_entries": False,
        # To keras-tuner 0 is no seed; neighbouring ones would draw the same values.
        "seed": 1 + 1_000_003 * seed,
        # It would end the search with an exception; `_Lasting` ends it in peace.
        "max_consecutive_failed_trials": None,
    }
    if settings.algorithm == "hyperband":
        oracle = Hyperband(
            max_epochs=epochs,
            factor=settings.hyperband.factor,
            hyperband_iterations=settings.hyperband.iterations,
            **arguments,
        )
    elif settings.algorithm == "bayesian":
        oracle = Bayesian(
            num_initial_points=settings.bayesian.initial_points or None,
            beta=settings.bayesian.exploration,
            **arguments,
        )
    else:
        oracle = {"random": Random, "grid": Grid}[settings.algorithm](**arguments)
    oracle.max_trials = settings.trials or None
    oracle.seconds_allowed = settings.hours * 3600 or None
    oracle.failures_allowed = settings.failures
    oracle.first_values = space.defaults()
    return oracle


class _Lasting:
    """Lets keras-tuner's oracles survive kills and failures, in searches of days.

    * It ends after a time, or when trials only fail.
    * The first trial is the config as it is, where the space contains it.
    * Its files are written whole or not at all.
    * After a kill, a trial is neither lost nor counted twice, see `reload`.

    Attributes:
        seconds_allowed: No trial starts after these; None = no limit.
        seconds: Spent before this process was started.
        failures_allowed: Failed trials in a row that end the search.
        first_values: keras-tuner's values of the first trial, None = as drawn.
        on_end: Called with its number after each trial, where the oracle is.
    """

    seconds_allowed: float | None = None
    seconds = 0.0
    failures_allowed: int | None = None
    first_values: dict | None = None
    on_end: Callable[[str], None] = staticmethod(lambda trial_id: None)

    def __init__(self, *args, **kwargs):
        self._clock = time.monotonic()
        super().__init__(*args, **kwargs)

    @property
    def seconds_spent(self) -> float:
        """How long the search has run, over all its starts."""
        return self.seconds + time.monotonic() - self._clock

    @property
    def stop_reason(self) -> str | None:
        """Why no further trial may start, as text."""
        spent = self.seconds_spent
        if self.seconds_allowed and spent >= self.seconds_allowed:
            return f"search.hours are over ({spent / 3600:.2f} h)"
        last = self.end_order[-(self.failures_allowed or 1) :]
        if len(last) == self.failures_allowed and all(
            self.trials[trial_id].status == "FAILED" for trial_id in last
        ):
            return f"the last {len(last)} trials failed (search.failures)"
        return None

    def populate_space(self, trial_id: str) -> dict:
        """The next trial's values, or word that there is none."""
        if self.stop_reason:
            return {"status": "STOPPED", "values": None}
        return super().populate_space(trial_id)

    def _random_values(self) -> dict | None:
        if self.first_values and not self.start_order:
            return dict(self.first_values)
        return super()._random_values()

    @keras_tuner.synchronized
    def end_trial(self, trial) -> None:
        """Records a trial; keras-tuner calls it once it has ended."""
        super().end_trial(trial)
        self.on_end(trial.trial_id)

    def save(self) -> None:
        """Writes `oracle.json`."""
        files.write_text(Path(self._get_oracle_fname()), json.dumps(self.get_state()))

    def _save_trial(self, trial) -> None:
        file = Path(self._get_trial_dir(trial.trial_id), "trial.json")
        files.write_text(file, json.dumps(trial.get_state()))

    def reload(self) -> None:
        """Reads the files, and puts right what a kill between two of them left.

        A trial that `oracle.json` doesn't know had not begun: it will be proposed
        again. One that has ended is not to be run again, though it may have been killed
        before it was taken off the list of those that run. The others start again
        without the results they may have reported.
        """
        super().reload()
        known = set(self.start_order)
        began = sorted((k for k in self.trials if k in known), key=int)
        self.trials = {k: self.trials[k] for k in began}
        ended = {
            k for k, trial in self.trials.items() if trial.status not in _UNFINISHED
        }
        self.end_order = list(dict.fromkeys(k for k in self.end_order if k in ended))
        self.end_order += sorted(ended - set(self.end_order), key=int)
        # The queue is taken from its end: the oldest goes first.
        self._retry_queue = sorted(known - ended, key=int, reverse=True)
        for trial_id in self._retry_queue:
            trial = self.trials[trial_id]
            trial.metrics = type(trial.metrics)()

    def get_state(self) -> dict:
        """What `oracle.json` holds."""
        return super().get_state() | {"seconds": self.seconds_spent}

    def set_state(self, state: dict) -> None:
        """Takes over what `oracle.json` held."""
        super().set_state(state)
        self.seconds = state["seconds"]
        self._clock = time.monotonic()


_UNFINISHED = ("RUNNING", "IDLE", "INVALID")


class Random(_Lasting, keras_tuner.oracles.RandomSearchOracle):
    """Random search."""


class Hyperband(_Lasting, keras_tuner.oracles.HyperbandOracle):
    """Hyperband: many short trials, the best of which go on."""


class Bayesian(_Lasting, keras_tuner.oracles.BayesianOptimizationOracle):
    """A Gaussian process proposes the next trial."""

    def populate_space(self, trial_id: str) -> dict:
        """The next trial's values, or word that there is none."""
        with warnings.catch_warnings():
            # Of few trials its length scale is often found at a bound: no matter.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return super().populate_space(trial_id)


class Grid(_Lasting, keras_tuner.oracles.GridSearchOracle):
    """All combinations, which keras-tuner alone would forget about when reloaded."""

    def reload(self) -> None:
        """Rebuilds the order in which combinations follow each other."""
        super().reload()
        values = {k: trial.hyperparameters.values for k, trial in self.trials.items()}
        compare = functools.cmp_to_key(self._compare)
        for trial_id in sorted(values, key=lambda k: compare(values[k])):
            self._ordered_ids.insert(trial_id)
        self._populate_next = list(self.start_order)
