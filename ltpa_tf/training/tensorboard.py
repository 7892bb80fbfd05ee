"""TensorBoard's events: metrics, a profile, and where the attention looks."""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ml_collections import ConfigDict
from tensorboard.plugins.hparams import api

from ltpa_tf import config as configuration
from ltpa_tf import data, models
from ltpa_tf.explain.overlay import overlay
from ltpa_tf.training.network import local_variables
from ltpa_tf.training.state import StateVariables

# Images that the entropy is averaged over, at most.
_EXAMPLES = 32
# Smaller images are enlarged to at least this many pixels.
_HEIGHT = 128
# Epochs of a run whose pictures are kept, about.
_PICTURED_EPOCHS = 50


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


class AttentionMaps(keras.callbacks.Callback):
    """Shows what the attention looks at in a few images that are not trained on.

    After each epoch every level's entropy joins the metrics, and now and then
    TensorBoard gets pictures.

    Args:
        model: The model, for its graph.
        source: The data set; its first test images are watched.
        pictures: How many images to make pictures of.
        state: Holds the values of the model's variables.
        writer: Takes the pictures.
        show: Others that take them: step, uint8 `[N, H, W', 3]`.
    """

    def __init__(
        self,
        model: keras.Model,
        source: data.Source,
        pictures: int,
        state: StateVariables | None = None,
        writer: tf.summary.SummaryWriter | None = None,
        show: Sequence[Callable[[int, np.ndarray], None]] = (),
    ):
        super().__init__()
        self._state, self._writer, self._show = state, writer, show
        split = source.test or source.validation
        self._maps = None
        if split is None or not models.estimators(model):
            return
        self._pictures = min(pictures, len(split))
        examples = tf.range(min(_EXAMPLES, len(split)), dtype=tf.int64)
        self._images = split.images(examples, tf.constant(0, tf.int64)).numpy()
        self._graph = model
        self._attention = models.attention_model(model)
        self._grids = models.grids(model, self._images.shape[1:3])
        self._maps = tf.function(self._maps_with, autograph=False)

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        """Adds `entropy_LEVEL` to the logs."""
        entropies, pictures = self.look(*self._state.read_for_evaluation())
        logs |= entropies
        every = math.ceil(self.params["epochs"] / _PICTURED_EPOCHS)
        if pictures is not None and len(pictures) and (epoch + 1) % every == 0:
            with self._writer.as_default():
                tf.summary.image(
                    "attention",
                    pictures,
                    step=int(logs["step"]),
                    max_outputs=len(pictures),
                )
            for show in self._show:
                show(int(logs["step"]), pictures)

    def look(
        self, weights: list[tf.Tensor], local: list[tf.Tensor]
    ) -> tuple[dict[str, float], np.ndarray | None]:
        """Entropies and pictures with these values of the model's variables.

        Args:
            weights: Values of its trainable variables.
            local: Values of its other float variables.

        Returns:
            For each level `entropy_LEVEL`, the maps' mean entropy as a share of an even
            map's: 1 looks everywhere, 0 at a single place. And uint8 `[N, H, W', 3]`
            pictures: each image, and beside it the same under its map of every level,
            see `explain.overlay`; None without attention.
        """
        if self._maps is None:
            return {}, None
        found = self._maps(weights, local)
        maps = {name: value.numpy() for name, value in found.items()}
        del maps["logits"]
        entropies = {f"entropy_{name}": entropy(m) for name, m in maps.items()}
        few = slice(self._pictures)
        height, width = self._images.shape[1:3]
        factor = -(-_HEIGHT // height)
        size = height * factor, width * factor
        strips = [self._images[few]]
        for name, each in maps.items():
            pairs = zip(self._images[few], each[few], strict=True)
            laid = [overlay(image, one, self._grids[name]) for image, one in pairs]
            strips.append(np.reshape(laid, strips[0].shape))
        strips = [_enlarged(strip, *size) for strip in strips]
        return entropies, np.concatenate(strips, axis=2)

    def _maps_with(self, weights: list, local: list) -> dict[str, tf.Tensor]:
        variables = [*self._graph.trainable_variables, *local_variables(self._graph)]
        values = zip(variables, [*weights, *local], strict=True)
        with keras.StatelessScope(state_mapping=list(values)):
            return self._attention(tf.cast(self._images, tf.float32), training=False)


def entropy(maps: np.ndarray) -> float:
    """The mean entropy of `[N, h, w]` maps: 1 for even ones, 0 for a single place."""
    shares = maps.reshape(len(maps), -1).astype(np.float64)
    shares = shares / np.maximum(shares.sum(1, keepdims=True), 1e-12)
    nats = -(shares * np.log(np.maximum(shares, 1e-12))).sum(1)
    return float(nats.mean() / np.log(shares.shape[1]))


def _enlarged(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """The nearest pixel of `[N, h, w, 3]` for each of `[N, height, width, 3]`."""
    rows = np.arange(height) * images.shape[1] // height
    columns = np.arange(width) * images.shape[2] // width
    return images[:, rows][:, :, columns]
