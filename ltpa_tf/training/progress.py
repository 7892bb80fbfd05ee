"""What is said on screen: what a training is about to do, and how far it is."""

import contextlib
import time
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from ml_collections import ConfigDict
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from ltpa_tf import data
from ltpa_tf.data import sharpness
from ltpa_tf.words import count

# From here on a class is worth a word: the largest has so many times its images.
_UNEQUAL = 3
# Images that the model's speed is measured on, and passes that a training step takes:
# forward, and backward to features and to weights.
_PROBE, _PASSES = 8, 3
_LONG = 3600.0  # seconds
# Parts of so many images whose sharpness differs by this factor are worth a word.
_SHARPER, _TOLD_APART = 1.25, 100


class ProgressBar(keras.callbacks.Callback):
    """A progress bar on a terminal; elsewhere a plain line every few seconds.

    Args:
        epochs: Epochs of the whole run.
        steps_per_epoch: Steps of each.
        batch_size: Images of a step.
        every_seconds: Between two lines where there is no terminal.
        quiet: Show nothing: this process is not the one that speaks.
    """

    def __init__(
        self,
        epochs: int,
        steps_per_epoch: int,
        batch_size: int,
        *,
        every_seconds: float = 10.0,
        quiet: bool = False,
    ):
        super().__init__()
        self._epochs = epochs
        self._steps_per_epoch = steps_per_epoch
        self._batch_size = batch_size
        self._every_seconds = every_seconds
        self._console = Console(
            stderr=True, highlight=False, soft_wrap=True, quiet=quiet
        )
        self._bar = None
        self._last_line = time.monotonic()
        if self._console.is_terminal and not quiet:
            self._bar = Progress(
                TextColumn("epoch {task.fields[epoch]}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TextColumn("{task.fields[numbers]}"),
                TimeRemainingColumn(elapsed_when_finished=True),
                console=self._console,
                transient=True,
            )

    def __enter__(self) -> "ProgressBar":
        if self._bar is not None:
            self._task = self._bar.add_task(
                "train",
                total=self._epochs * self._steps_per_epoch,
                epoch="",
                numbers="",
            )
            self._bar.start()
        return self

    def __exit__(self, *error) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, sentence: str) -> None:
        """A line that stays."""
        self._console.print(sentence, markup=False)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """An epoch, counted from 0, begins or goes on."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Shows the running means after this batch of the epoch."""
        epoch, logs = self._epoch + 1, logs or {}
        step = self._epoch * self._steps_per_epoch + batch + 1
        if self._bar is not None:
            self._bar.update(
                self._task,
                completed=step,
                epoch=f"{epoch}/{self._epochs}",
                numbers=_text(logs),
            )
        elif time.monotonic() - self._last_line >= self._every_seconds:
            total = self._epochs * self._steps_per_epoch
            self.say(
                f"epoch {epoch}/{self._epochs}  step {step}/{total}  {_text(logs)}"
                f"{self._left(step, logs)}"
            )
            self._last_line = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """A line with the epoch's results, which stays."""
        self.say(f"epoch {epoch + 1}/{self._epochs}  {_text(logs or {})}")
        self._last_line = time.monotonic()

    @contextlib.contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Says that something takes its time, and then how long it took."""
        self.say(f"{what} ...")
        start = time.monotonic()
        yield
        self.say(f"{what} took {time.monotonic() - start:.1f} s")

    def _left(self, step: int, logs: dict[str, float]) -> str:
        if "images_per_second" not in logs:
            return ""
        images = (self._epochs * self._steps_per_epoch - step) * self._batch_size
        return f"  {_duration(images / logs['images_per_second'])} left"


_FORMATS = {
    "loss": "loss {:.4f}",
    "accuracy": "accuracy {:.2%}",
    "val_loss": "validation loss {:.4f}",
    "val_accuracy": "validation accuracy {:.2%}",
    "images_per_second": "{:,.0f} images/s",
}


def _text(logs: dict[str, float]) -> str:
    return "  ".join(
        text.format(logs[key]) for key, text in _FORMATS.items() if key in logs
    )


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    )


def header(
    config: ConfigDict, source: data.Source, model: keras.Model, *, timed: bool
) -> list[str]:
    """A few lines about a training that is about to start.

    Args:
        config: The whole config.
        source: The data set.
        model: The model.
        timed: Whether to estimate the time, as on a CPU. It is measured on a forward
            pass; an accelerator has to compile first, and is quicker than that tells.
    """
    lines = [_images(source), *_balance(config, source), *_sharpness(config, source)]
    if timed:
        images = config.train.epochs * len(source.train)
        lines += _time(images, _speed(source.train, model))
    return lines


def _images(source: data.Source) -> str:
    parts = [
        f"{len(split):,} {name}"
        for name, split in (
            ("training", source.train),
            ("validation", source.validation),
            ("test", source.test),
        )
        if split is not None
    ]
    height, width, _ = source.image_shape
    listed = ", ".join(parts)
    classes = len(source.class_names)
    return f"{source.name}: {listed} images of {height}x{width} in {classes} classes."


def _balance(config: ConfigDict, source: data.Source) -> list[str]:
    numbers = np.bincount(source.train.labels, minlength=len(source.class_names))
    fewest, most = int(numbers.argmin()), int(numbers.argmax())
    if numbers[most] < _UNEQUAL * numbers[fewest]:
        return []
    names = source.class_names
    way_out = "train.class_weights=balanced lets every class count alike"
    if config.train.class_weights != "none":
        way_out = "train.class_weights makes up for it"
    return [
        f"The classes are unequal: {count(int(numbers[fewest]), 'training image')} of "
        f"{names[fewest]!r}, {numbers[most]:,} of {names[most]!r}; {way_out}."
    ]


def _sharpness(config: ConfigDict, source: data.Source) -> list[str]:
    if source.test is None or min(map(len, (source.train, source.test))) < _TOLD_APART:
        return []
    train, test = (sharpness.detail(part) for part in (source.train, source.test))
    if not train or 1 / _SHARPER < test / train < _SHARPER:
        return []
    way_out = (
        "augment.sharpness=2.0 trains for both, data.match_sharpness=True brings the "
        "test images to the training images'"
    )
    if config.augment.sharpness:
        way_out = "augment.sharpness trains for both"
    return [
        f"The test images are {test / train:.2f} times as sharp as the training "
        f"images: they may have been made smaller in another way; {way_out}."
    ]


def _speed(split: data.Split, model: keras.Model) -> float:
    """Training images per second, about."""
    indices = tf.range(min(_PROBE, len(split)), dtype=tf.int64)
    images = tf.cast(split.images(indices, tf.constant(0, tf.int64)), tf.float32)
    forward = tf.function(lambda: model(images, training=False), autograph=False)
    forward()
    start = time.perf_counter()
    forward()
    return len(indices) / (_PASSES * (time.perf_counter() - start))


def _time(images: int, speed: float) -> list[str]:
    seconds = images / speed
    lines = [f"About {_roughly(seconds)} on this machine, {speed:,.0f} images/s."]
    if seconds >= _LONG:
        lines += [
            "Half the data.image_size takes a quarter of that, and half the "
            "model.width another quarter; an accelerator takes minutes."
        ]
    return lines


def _roughly(seconds: float) -> str:
    if seconds < 100:
        return count(max(1, round(seconds)), "second")
    if seconds < 100 * 60:
        return count(round(seconds / 60), "minute")
    return f"{seconds / 3600:,.1f} hours"
