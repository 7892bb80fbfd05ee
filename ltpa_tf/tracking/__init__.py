"""Experiment trackers: TensorBoard, MLflow, Weights & Biases, by settings of `log`."""

from ltpa_tf.tracking.trackers import log_export, started

__all__ = ["log_export", "started"]
