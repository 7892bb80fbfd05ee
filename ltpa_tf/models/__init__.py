"""Functional Keras models built from `ltpa_tf.layers`.

    model = ltpa_tf.models.build("vgg_att2_concat_pc", num_classes=10)
    model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))

All of them take pixel values 0..255, channels last, and return float32 logits.
"""

from ltpa_tf.models.averaging import averaged_gradients
from ltpa_tf.models.backbones import (
    PREPROCESSING,
    attach,
    check_backbone_name,
    efficientnet_lite0,
    freeze,
    freeze_batch_norm,
    list_backbones,
    named_backbone,
    preprocessing_of,
    stages,
)
from ltpa_tf.models.evidence import evidence_model, evidence_name
from ltpa_tf.models.geometry import grids
from ltpa_tf.models.global_feature import exchange_global
from ltpa_tf.models.initial_values import draw_as_torch
from ltpa_tf.models.inputs import normalization_of, softened
from ltpa_tf.models.names import check_names
from ltpa_tf.models.paths import glimpse_model, glimpses_of
from ltpa_tf.models.precision import as_float32, with_policy
from ltpa_tf.models.presets import (
    from_preset,
    is_preset,
    list_presets,
    preset_metadata,
    preset_settings,
    save_preset,
    upload_preset,
)
from ltpa_tf.models.ram import RecurrentAttention
from ltpa_tf.models.registry import (
    arguments,
    build,
    list_models,
    of_arguments,
    resolve,
    rows,
)
from ltpa_tf.models.resnet import AttentionResNet
from ltpa_tf.models.settings import check_values, levels_within, smallest_side
from ltpa_tf.models.transfer import transfer_weights
from ltpa_tf.models.vgg import AttentionVGG
from ltpa_tf.models.views import (
    attention_layers,
    attention_model,
    estimators,
    levels_of,
    of_any_size,
    prune,
    reapplied,
    training_model,
)

__all__ = [
    "PREPROCESSING",
    "AttentionResNet",
    "AttentionVGG",
    "RecurrentAttention",
    "arguments",
    "as_float32",
    "attach",
    "attention_layers",
    "attention_model",
    "averaged_gradients",
    "build",
    "check_backbone_name",
    "check_names",
    "check_values",
    "draw_as_torch",
    "efficientnet_lite0",
    "estimators",
    "evidence_model",
    "evidence_name",
    "exchange_global",
    "freeze",
    "freeze_batch_norm",
    "from_preset",
    "glimpse_model",
    "glimpses_of",
    "grids",
    "is_preset",
    "levels_of",
    "levels_within",
    "list_backbones",
    "list_models",
    "list_presets",
    "named_backbone",
    "normalization_of",
    "of_any_size",
    "of_arguments",
    "preprocessing_of",
    "preset_metadata",
    "preset_settings",
    "prune",
    "reapplied",
    "resolve",
    "rows",
    "save_preset",
    "smallest_side",
    "softened",
    "stages",
    "training_model",
    "transfer_weights",
    "upload_preset",
    "with_policy",
]
