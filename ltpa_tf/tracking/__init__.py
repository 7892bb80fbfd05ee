"""Experiment trackers: MLflow and Weights & Biases, each by one setting of `log`."""

from ltpa_tf.tracking.trackers import log_export, started

__all__ = ["log_export", "started"]
