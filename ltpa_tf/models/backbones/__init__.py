"""Attention on any functional Keras model."""

from ltpa_tf.models.backbones.attach import attach

__all__ = ["attach"]
