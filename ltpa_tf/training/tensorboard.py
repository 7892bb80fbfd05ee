"""What TensorBoard shows of a run."""

import math
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from ml_collections import ConfigDict
from tensorboard.plugins.hparams import api

from ltpa_tf import config as configuration

# Epochs of a run whose pictures are kept, about.
_PICTURED_EPOCHS = 50


class Board:
    """Writes the events of a run.

    Args:
        folder: Where events go.
        config: The whole config; `config.log` says what is logged.
        enabled: Off for all processes but one.
        hparams: Whether the HParams page lists the run.
    """

    def __init__(
        self, folder: Path, config: ConfigDict, *, enabled: bool, hparams: bool
    ):
        self._folder = str(folder)
        self._settings = config.log
        self._picture_every = math.ceil(config.train.epochs / _PICTURED_EPOCHS)
        self._profiling = False
        self._last_step = time.monotonic()
        self._enabled = enabled and config.log.tensorboard
        self._writer = tf.summary.create_noop_writer()
        if self._enabled:
            self._writer = tf.summary.create_file_writer(self._folder)
            if hparams:
                with self._writer.as_default():
                    api.hparams(_plain(config))

    def step(self, step: int, figures: dict[str, float]) -> None:
        """Running means within an epoch, every few seconds."""
        if time.monotonic() - self._last_step >= self._settings.every_seconds:
            self._scalars(step, figures, "running/")
            self._last_step = time.monotonic()

    def epoch(self, epoch: int, line: dict, pictures: np.ndarray | None) -> None:
        """The scalars of `metrics.jsonl`, and the attention maps now and then."""
        step = line["step"]
        self._scalars(step, {k: v for k, v in line.items() if k != "step"})
        if pictures is not None and len(pictures) and epoch % self._picture_every == 0:
            with self._writer.as_default():
                tf.summary.image(
                    "attention", pictures, step=step, max_outputs=len(pictures)
                )
        self._writer.flush()

    def profile(self, step: int) -> None:
        """Starts or stops the profile if it is time; `step` steps are done."""
        if not (self._enabled and self._settings.profile_steps):
            return
        start = self._settings.profile_start
        if step == start:
            tf.profiler.experimental.start(self._folder)
            self._profiling = True
        elif self._profiling and step >= start + self._settings.profile_steps:
            self._stop_profile()

    def steps_to_border(self, step: int) -> int:
        """Steps until a profile starts or stops: no call may go beyond."""
        if not self._settings.profile_steps:
            return 2**31 - 1
        start = self._settings.profile_start
        borders = (start, start + self._settings.profile_steps)
        return min((b - step for b in borders if b > step), default=2**31 - 1)

    def close(self) -> None:
        """Writes what is left."""
        if self._profiling:
            self._stop_profile()
        self._writer.close()

    def _stop_profile(self) -> None:
        tf.profiler.experimental.stop()
        self._profiling = False

    def _scalars(self, step: int, figures: dict[str, float], prefix: str = "") -> None:
        with self._writer.as_default():
            for name, value in figures.items():
                tf.summary.scalar(prefix + name, value, step=step)


def _plain(config: ConfigDict) -> dict[str, bool | int | float | str]:
    """The settings by whole key, as hparams takes them."""
    return {
        key: value if isinstance(value, bool | int | float | str) else str(value)
        for key, value in configuration.flat(config).items()
    }
