"""What a finished run says of itself."""

import hashlib
import importlib.metadata
import platform
from collections.abc import Mapping

import keras
import numpy as np

import ltpa_tf
from ltpa_tf.training import distribution
from ltpa_tf.training.saving import Position
from ltpa_tf.training.trainer import Trainer

_TIMES = ("seconds", "images_per_second")


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
