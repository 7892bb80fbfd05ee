"""Attention on any functional Keras model."""

from ltpa_tf.models.backbones.attach import attach
from ltpa_tf.models.backbones.named import (
    check_backbone_name,
    list_backbones,
    named_backbone,
)
from ltpa_tf.models.backbones.preprocessing import PREPROCESSING, preprocessing_of

__all__ = [
    "PREPROCESSING",
    "attach",
    "check_backbone_name",
    "list_backbones",
    "named_backbone",
    "preprocessing_of",
]
