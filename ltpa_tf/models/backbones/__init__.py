"""Attention on any functional Keras model."""

from ltpa_tf.models.backbones.attach import attach
from ltpa_tf.models.backbones.lite import efficientnet_lite0
from ltpa_tf.models.backbones.named import (
    check_backbone_name,
    list_backbones,
    named_backbone,
)
from ltpa_tf.models.backbones.preprocessing import PREPROCESSING, preprocessing_of
from ltpa_tf.models.backbones.stages import freeze, freeze_batch_norm, stages

__all__ = [
    "PREPROCESSING",
    "attach",
    "check_backbone_name",
    "efficientnet_lite0",
    "freeze",
    "freeze_batch_norm",
    "list_backbones",
    "named_backbone",
    "preprocessing_of",
    "stages",
]
