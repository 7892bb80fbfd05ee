"""TensorBoard's events of a run: metrics, hyperparameters, a profile."""

import time
from pathlib import Path

import keras
import tensorflow as tf
from ml_collections import ConfigDict
from tensorboard.plugins.hparams import api

from ltpa_tf import config as configuration


class TensorBoard(keras.callbacks.Callback):
    """Writes the events of a run: metrics, hyperparameters, a profile.

    Args:
        folder: Where events go.
        config: The whole config; `config.log` says what is logged.
        enabled: Off for all processes but one.
        hparams: Whether the HParams page lists the run.

    Attributes:
        writer: Writes other events of the run.
    """

    def __init__(
        self, folder: Path, config: ConfigDict, *, enabled: bool, hparams: bool
    ):
        super().__init__()
        self._folder = str(folder)
        self._settings = config.log
        self._profiling = False
        self._last_step = time.monotonic()
        self._borders, self.writer = (), tf.summary.create_noop_writer()
        if enabled and config.log.tensorboard:
            self.writer = tf.summary.create_file_writer(self._folder)
            if config.log.profile_steps:
                start = config.log.profile_start
                self._borders = (start, start + config.log.profile_steps)
            if hparams:
                with self.writer.as_default():
                    api.hparams(_plain(config))

    def steps_to_border(self, step: int) -> int:
        """Steps until a profile starts or stops; a call takes no more."""
        return min((b - step for b in self._borders if b > step), default=2**31 - 1)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """An epoch, counted from 0, begins or goes on."""
        self._first = epoch * self.params["steps"]

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Starts or stops the profile if it is time."""
        step = self._first + batch
        if self._borders and step == self._borders[0]:
            tf.profiler.experimental.start(self._folder)
            self._profiling = True
        elif self._profiling and step >= self._borders[1]:
            self._stop_profile()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Running means within an epoch, every few seconds."""
        if time.monotonic() - self._last_step >= self._settings.every_seconds:
            self._scalars(self._first + batch + 1, logs or {}, "running/")
            self._last_step = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """The scalars of `metrics.jsonl`."""
        logs = dict(logs or {})
        self._scalars(int(logs.pop("step")), {"epoch": epoch + 1} | logs)
        self.writer.flush()

    def close(self) -> None:
        """Writes what is left."""
        if self._profiling:
            self._stop_profile()
        self.writer.close()

    def _stop_profile(self) -> None:
        tf.profiler.experimental.stop()
        self._profiling = False

    def _scalars(self, step: int, numbers: dict[str, float], prefix: str = "") -> None:
        with self.writer.as_default():
            for name, value in numbers.items():
                tf.summary.scalar(prefix + name, value, step=step)


def _plain(config: ConfigDict) -> dict[str, bool | int | float | str]:
    """The settings by whole key, as hparams takes them."""
    return {
        key: value if isinstance(value, bool | int | float | str) else str(value)
        for key, value in configuration.printable(config).items()
    }
