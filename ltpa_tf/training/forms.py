"""How the layers of a model are best computed: with XLA or without."""

import keras
import tensorflow as tf

from ltpa_tf.layers import AttentionPooling, LocalCompatibility
from ltpa_tf.layers.fast import FastBatchNormalization, FastMaxPooling


def choose_forms(model: keras.Model, jit: bool) -> None:
    """Gives each layer the form that suits, of those that compute the same.

    XLA makes few kernels of many small operations, but none of a large one. Without it
    every operation is a pass over memory, and the large ones win.

    Args:
        model: The model; its outputs and weights stay as they are.
        jit: Whether XLA compiles it.
    """
    for layer in model._flatten_layers():
        if isinstance(layer, FastMaxPooling | LocalCompatibility | AttentionPooling):
            layer.elementwise = jit
        elif isinstance(layer, FastBatchNormalization):
            layer.kernel = None if jit else _fused_batch_norm


def _fused_batch_norm(features, gamma, beta, epsilon):
    """TensorFlow's own kernel; its variance is the unbiased one."""
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=features,
        scale=gamma,
        offset=beta,
        mean=tf.zeros([0]),
        variance=tf.zeros([0]),
        epsilon=epsilon,
    )
    count = tf.cast(tf.size(features) // tf.size(gamma), tf.float32)
    return outputs, mean, variance * ((count - 1) / count)
