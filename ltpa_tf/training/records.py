"""What a run shows, and keeps beside checkpoints: progress, metrics, summary."""

import contextlib
import importlib.metadata
import platform
import time
from collections.abc import Callable, Iterator, Mapping

import keras
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

import ltpa_tf
from ltpa_tf import data, distribution
from ltpa_tf.data.notes import notes
from ltpa_tf.training.saving import CheckpointManager, Position
from ltpa_tf.training.trainer import Trainer
from ltpa_tf.words import count

_TIMES = ("seconds", "images_per_second")
# Images that the model's speed is measured on, and passes that a training step takes:
# forward, and backward to features and to weights.
_PROBE, _PASSES = 8, 3
_LONG = 3600.0  # seconds


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


class BestModel(keras.callbacks.Callback):
    """Keeps the model of the best validation accuracy as `best.keras`.

    Keras's `ModelCheckpoint` forgets the best value when a run is continued.

    Args:
        checkpoints: Writes the file, and holds the best value.
    """

    def __init__(self, checkpoints: CheckpointManager):
        super().__init__()
        self._checkpoints = checkpoints

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        """Saves if the epoch was better than all before."""
        position = self._checkpoints.position
        if logs.get("val_accuracy", -1.0) > position.best:
            position.best, position.best_epoch = logs["val_accuracy"], epoch + 1
            self._checkpoints.save_best()


class EarlyStopping(keras.callbacks.Callback):
    """Stops when validation accuracy hasn't risen for some epochs.

    Keras's own forgets the best value when a run is continued. Comes after `BestModel`.

    Args:
        patience: So many epochs; 0 = off.
        position: Knows the best epoch.
        say: Takes a sentence for the user.
    """

    def __init__(self, patience: int, position: Position, say: Callable[[str], None]):
        super().__init__()
        self._patience, self._position, self._say = patience, position, say

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        """Stops if it is time."""
        best = self._position.best_epoch
        if self._patience and epoch + 1 - best >= self._patience:
            self._say(
                f"Stopping early: validation accuracy was best in epoch {best}, "
                f"{self._position.best:.2%}."
            )
            self.model.stop_training = True


def header(
    config: ConfigDict, source: data.Source, model: keras.Model, *, timed: bool
) -> list[str]:
    """A few lines about a training that is about to start.

    Where it is `timed`, as on a CPU, the last tells how long it will take, measured on
    a forward pass; an accelerator has to compile first, and is quicker than that tells.
    """
    lines = notes(
        source,
        class_weights=config.train.class_weights != "none",
        sharpness=config.augment.sharpness > 0,
    )
    if timed:
        images = config.train.epochs * len(source.train)
        lines += _time(images, _speed(source.train, model))
    return lines


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


def summarize(trainer: Trainer, position: Position, last: Mapping[str, float]) -> dict:
    """What stands in `summary.json`; every process computes the same.

    Args:
        trainer: What was trained with.
        position: Where the run ended.
        last: The metrics of its last epoch.
    """
    return {
        "epochs": -(-position.step // trainer.steps_per_epoch),
        "steps": position.step,
        "seconds": position.seconds,
        "images_per_second": last.get("images_per_second"),
        "metrics": {name: v for name, v in last.items() if name not in _TIMES},
        "best": {"epoch": position.best_epoch, "val_accuracy": position.best}
        if position.best_epoch
        else None,
        "parameters": trainer.model.count_params(),
        "replicas": trainer.strategy.num_replicas_in_sync,
        "device": distribution.device_name(),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """What the result depends on.

    Example:
        >>> "tensorflow" in training.versions()
        True
    """
    # This package's own version is known also where it runs without being installed.
    names = ("tensorflow", "keras", "numpy")
    found = {name: importlib.metadata.version(name) for name in names}
    return {
        "python": platform.python_version(),
        "ltpa_tf": ltpa_tf.__version__,
        **found,
    }
