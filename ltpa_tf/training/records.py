"""What a run keeps beside checkpoints: metrics, best model, summary; early stopping."""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np

import ltpa_tf
from ltpa_tf import distribution, files
from ltpa_tf.training.saving import CheckpointManager, Position
from ltpa_tf.training.trainer import Trainer
from ltpa_tf.words import count

_TIMES = ("seconds", "images_per_second")


class MetricsFile(keras.callbacks.Callback):
    """`metrics.jsonl`: one line of JSON per epoch.

    Args:
        file: The file; may not be there yet.
    """

    def __init__(self, file: Path):
        super().__init__()
        self._file = file

    def rewind(self, step: int) -> int:
        """Drops what was written after `step`, and what is not a whole line.

        Returns:
            The number of lines that are left.
        """
        lines = {at: line for at, line in self._lines().items() if at <= step}
        if self._file.exists():
            files.write_text(
                self._file, "".join(f"{line}\n" for line in lines.values())
            )
        return len(lines)

    def resume(
        self, step: int, steps_per_epoch: int, say: Callable[[str], None]
    ) -> None:
        """Rewinds; lines that are lost are no reason to lose the run as well."""
        epochs, lines = step // steps_per_epoch, self.rewind(step)
        if lines < epochs:
            say(
                f"{self._file} was changed by someone else: of "
                f"{count(epochs, 'epoch')} it has only {lines}. The run goes on "
                "without the others."
            )

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        """Writes the epoch's line."""
        # Keras hands out floats.
        self.append({"epoch": epoch + 1, **logs, "step": int(logs["step"])})

    def append(self, line: dict) -> None:
        """Writes a line through to the disk."""
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def line(self, step: int) -> dict:
        """The line of the epoch that ended with `step`; empty if there is none."""
        return json.loads(self._lines().get(step, "{}"))

    def epochs(self) -> list[dict]:
        """What was written, the first epoch first."""
        return [json.loads(line) for line in self._lines().values()]

    def _lines(self) -> dict[int, str]:
        """The whole lines by their step."""
        if not self._file.exists():
            return {}
        lines = {}
        for line in self._file.read_text("utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                epoch = files.check_object(json.loads(line), {"step": int})
                lines[epoch["step"]] = line
        return lines


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


def weights_sha256(model: keras.Model) -> str:
    """SHA-256 over shape, dtype and values of `model.weights`, in order."""
    digest = hashlib.sha256()
    for weight in model.weights:
        value = np.ascontiguousarray(keras.ops.convert_to_numpy(weight))
        digest.update(f"{value.dtype.str} {value.shape}\n".encode())
        digest.update(value.data)
    return digest.hexdigest()


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
