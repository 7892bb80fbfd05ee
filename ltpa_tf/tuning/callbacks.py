"""Keras callbacks that end a trial's training before its last epoch."""

import statistics
from collections.abc import Iterator
from pathlib import Path

import keras

from ltpa_tf.errors import EnoughError
from ltpa_tf.tuning import histories

# A median of fewer trials says too little.
_FEWEST = 4


class StopAfter(keras.callbacks.Callback):
    """Leaves a run at a rung of Hyperband's, between two epochs: it can go on later.

    Args:
        epochs: How many to train.
    """

    def __init__(self, epochs: int):
        super().__init__()
        self._epochs = epochs

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        """Raises `EnoughError` where the next epoch would be one too many."""
        del logs
        if epoch >= self._epochs:
            raise EnoughError


class MedianStopping(keras.callbacks.Callback):
    """Ends a trial whose best epoch so far is worse than half of the other trials'.

    Compared are the best objectives of the same number of epochs, over all executions
    of all other trials that got that far.

    Args:
        trial_folder: The trial's; the others lie beside it.
        run_folder: The execution's run folder.
        objective: A metric of `metrics.jsonl`.
        from_epoch: The first epoch (from 1) after which a trial may be ended.
    """

    def __init__(
        self, trial_folder: Path, run_folder: Path, objective: str, from_epoch: int
    ):
        super().__init__()
        self._trial_folder = trial_folder
        self._own = run_folder / "metrics.jsonl"
        self._verdict = histories.verdict_file(run_folder)
        self._objective = objective
        self._from_epoch = from_epoch

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        """A run that goes on has not been ended."""
        del epoch, logs
        self._verdict.unlink(missing_ok=True)

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        """Compares, and ends the trial where it lags behind."""
        del logs
        epoch += 1
        if epoch == self.params["epochs"]:
            return  # there is nothing left to spare
        mine = histories.best_until(histories.read(self._own), epoch, self._objective)
        others = [value for value in self._others(epoch) if value is not None]
        if epoch < self._from_epoch or mine is None or len(others) < _FEWEST:
            return
        median = statistics.median(others)
        behind = (
            mine > median
            if histories.direction(self._objective) == "min"
            else mine < median
        )
        if behind:
            self._verdict.write_text(
                f"{mine:.4g} is worse than {median:.4g}, the median of {len(others)} "
                f"runs after epoch {epoch}",
                encoding="utf-8",
            )
            self.model.stop_training = True

    def _others(self, epoch: int) -> Iterator[float | None]:
        for file in self._trial_folder.parent.glob("trial_*/run_*/metrics.jsonl"):
            if file.parent.parent != self._trial_folder:
                yield histories.best_until(histories.read(file), epoch, self._objective)
