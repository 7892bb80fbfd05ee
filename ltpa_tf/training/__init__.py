"""Training: one loop for one device, many GPUs and many machines.

summary = ltpa_tf.training.train(config, "runs/mine")
"""

from ltpa_tf.training.errors import (
    CheckpointError,
    Interrupted,
    NonFiniteError,
    TrainingError,
    WorkerLostError,
)
from ltpa_tf.training.start import train

__all__ = [
    "CheckpointError",
    "Interrupted",
    "NonFiniteError",
    "TrainingError",
    "WorkerLostError",
    "train",
]
