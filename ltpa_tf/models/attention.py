"""From the features of some levels and the global one to logits: the paper's part."""

from collections.abc import Mapping

import keras

from ltpa_tf.layers.compatibility import COMPATIBILITIES
from ltpa_tf.layers.estimator import AttentionEstimator
from ltpa_tf.layers.gate import Gate
from ltpa_tf.layers.heads import HEADS
from ltpa_tf.layers.matching import ChannelMatching


def attention_logits(
    features: Mapping[int | str, keras.KerasTensor],
    g: keras.KerasTensor,
    num_classes: int,
    *,
    compatibility: str,
    normalization: str,
    match: str,
    projection: str,
    head: str,
    batch_norm: bool,
    dropout: float,
    projection_epsilon: float,
    logit_scale: float,
    positions: int | None,
    score_scale: float,
    descriptor: str,
    dtype: keras.DTypePolicy,
    head_dropout: float | None = None,
) -> keras.KerasTensor:
    """Attends to each level and classifies from what it found.

    Args:
        features: Level -> its local features, `[B, H, W, C]`; empty: no attention, the
            head on g. The estimator of level 7 has the name `level_7`.
        g: The global feature, `[B, C]`.
        num_classes: Number of classes.
        compatibility: This and the others as in `AttentionVGG`.
        normalization: Likewise.
        match: Likewise.
        projection: Likewise.
        head: Likewise.
        batch_norm: Likewise.
        dropout: Likewise.
        projection_epsilon: Likewise.
        logit_scale: Likewise.
        positions: Likewise.
        score_scale: Likewise.
        descriptor: Likewise.
        dtype: Dtype policy of all layers.
        head_dropout: Rate of the head; None: `dropout`.

    Returns:
        float32 logits `[B, num_classes]`.
    """
    form = _form(projection, batch_norm, dropout, projection_epsilon, dtype)
    descriptors = []
    for level, local in features.items():
        local, query, keys = _matched(local, g, level, compatibility, match, form)
        number = {"level": level} if isinstance(level, int) else {}
        estimator = AttentionEstimator(
            compatibility,
            normalization,
            positions=positions,
            score_scale=score_scale,
            name=f"level_{level}",
            dtype=dtype,
            **number,
        )
        attended, _, _ = estimator(local, query, keys)
        if descriptor == "attended_and_max":
            attended = _with_maximum(attended, local, level, dtype)
        descriptors.append(attended)
    if head_dropout is not None:
        form["dropout"] = head_dropout
    logits = HEADS[head](num_classes, **form, logit_scale=logit_scale, name="logits")
    return logits(descriptors or [g])


def gated(
    local: keras.KerasTensor,
    g: keras.KerasTensor,
    level: int,
    *,
    compatibility: str,
    match: str,
    projection: str,
    projection_epsilon: float,
    batch_norm: bool,
    dropout: float,
    dtype: keras.DTypePolicy,
) -> keras.KerasTensor:
    """`sigmoid(c_i) l_i` at each position: the features that a level lets through.

    Args:
        local: The level's features, `[B, H, W, C]`.
        g: What they are compared with, `[B, C_g]`.
        level: Its number; the estimator is called `level_7`, the gate `gate_7`.
        compatibility: This and the others as in `AttentionVGG`.
        match: Likewise.
        projection: Likewise.
        projection_epsilon: Likewise.
        batch_norm: Likewise.
        dropout: Likewise.
        dtype: Dtype policy of all layers.

    Returns:
        As `local`, or with the channels of g where its projection is gated.
    """
    form = _form(projection, batch_norm, dropout, projection_epsilon, dtype)
    local, query, keys = _matched(local, g, level, compatibility, match, form)
    estimator = AttentionEstimator(compatibility, "sigmoid", level=level, dtype=dtype)
    _, _, attention = estimator(local, query, keys)
    return Gate(name=f"gate_{level}", dtype=dtype)(local, attention)


def _with_maximum(attended, local, level, dtype):
    """`[B, 2 C]`: the descriptor, and the largest of each channel."""
    largest = keras.layers.GlobalMaxPooling2D(
        data_format="channels_last", name=f"max_{level}", dtype=dtype
    )(local)
    join = keras.layers.Concatenate(name=f"descriptor_{level}", dtype=dtype)
    return join([attended, largest])


def _form(projection, batch_norm, dropout, epsilon, dtype) -> dict:
    """What projections and head have in common, as their layers take it."""
    return {
        "projection": projection,
        "batch_norm": batch_norm,
        "dropout": dropout,
        "epsilon": epsilon,
        "dtype": dtype,
    }


def _matched(local, g, level, compatibility, match, form):
    """What of l is attended to, and what of g and of l is compared, None: the same l.

    For the estimator: `(local, query, keys)`.
    """
    if compatibility == "local":
        return local, None, None
    equal = local.shape[-1] == g.shape[-1]
    if equal or not COMPATIBILITIES[compatibility].equal_channels:
        return local, g, None
    name = f"match_{level}"
    if match == "global_to_local":
        return local, ChannelMatching(local.shape[-1], **form, name=name)(g), None
    keys = ChannelMatching(g.shape[-1], **form, name=name)(local)
    return (keys, g, None) if match == "projected_local" else (local, g, keys)
