"""Training: one loop for one device, many GPUs and many machines.

summary = ltpa_tf.training.train(config, "runs/mine")
"""

from ltpa_tf.errors import (
    CheckpointError,
    Interrupted,
    NonFiniteError,
    TrainingError,
    WorkerLostError,
)
from ltpa_tf.training.model import build_model
from ltpa_tf.training.records import versions
from ltpa_tf.training.train import train
from ltpa_tf.training.trainer import Trainer

__all__ = [
    "CheckpointError",
    "Interrupted",
    "NonFiniteError",
    "Trainer",
    "TrainingError",
    "WorkerLostError",
    "build_model",
    "train",
    "versions",
]
