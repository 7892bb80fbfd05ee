"""Batch norm, ReLU and dropout, as the paper has them before a linear layer."""

import math

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.fast import FastBatchNormalization
from ltpa_tf.words import one_of

# Torch's batch norm as the authors use it: its momentum 0.1 is Keras's 0.9.
BATCH_NORM = {"epsilon": 1e-3, "momentum": 0.9}


@keras.saving.register_keras_serializable(package="ltpa_tf")
class Preactivation(keras.layers.Layer):
    """Batch norm, ReLU, dropout.

    Args:
        batch_norm: Whether to normalize first.
        dropout: Rate; the paper's 0.5 by default.
        epsilon: Of the batch norm; the authors' code has 1e-5.
        **kwargs: As for every Keras layer.

    Call arguments:
        features: `[B, ..., C]`.

    Output:
        The same shape, in the policy's compute dtype.

    Example:
        >>> before = layers.Preactivation(batch_norm=False)
        >>> np.asarray(before(np.array([[-1.0, 2.0]])))
        array([[0., 2.]], dtype=float32)
    """

    def __init__(
        self,
        batch_norm: bool = True,
        dropout: float = 0.5,
        epsilon: float = BATCH_NORM["epsilon"],
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not 0 <= dropout < 1:
            raise SettingError("dropout", dropout, "0 or more, and below 1")
        if not 0 < epsilon < math.inf:
            raise SettingError("epsilon", epsilon, "a number above 0")
        self.batch_norm = batch_norm
        self.dropout = dropout
        self.epsilon = epsilon

    def build(self, features_shape):
        dtype = self.dtype_policy
        self.steps = []
        if self.batch_norm:
            settings = BATCH_NORM | {"epsilon": self.epsilon}
            self.steps += [FastBatchNormalization(**settings, dtype=dtype)]
        self.steps += [keras.layers.ReLU(dtype=dtype)]
        if self.dropout:
            self.steps += [keras.layers.Dropout(self.dropout, dtype=dtype)]
        for step in self.steps:
            step.build(features_shape)
        super().build(features_shape)

    def call(self, features):
        for step in self.steps:
            features = step(features)
        return features

    def linear_around(self, features):
        """Slope and shift of the layer linearized at these features, at inference.

        Piecewise linear: `slope * features + shift` is the output, and stays so until
        a feature crosses the ReLU's zero.

        Args:
            features: `[B, C]`.

        Returns:
            Two tensors, float32 `[B, C]`.
        """
        features = keras.ops.cast(features, "float32")
        slope, shift = keras.ops.ones_like(features), keras.ops.zeros_like(features)
        if self.batch_norm:
            norm = self.steps[0]
            mean, variance, gamma, beta = (
                keras.ops.cast(keras.ops.convert_to_tensor(x), "float32")
                for x in (
                    norm.moving_mean,
                    norm.moving_variance,
                    norm.gamma,
                    norm.beta,
                )
            )
            scale = gamma * keras.ops.rsqrt(variance + norm.epsilon)
            slope, shift = slope * scale, shift + beta - mean * scale
        passes = keras.ops.cast(slope * features + shift > 0, "float32")
        return slope * passes, shift * passes

    def compute_output_shape(self, features_shape):
        return tuple(features_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "batch_norm": self.batch_norm,
            "dropout": self.dropout,
            "epsilon": self.epsilon,
        }


PROJECTIONS = ("paper", "linear")


def before_linear(projection: str, **kwargs) -> keras.layers.Layer:
    """What stands before a linear layer: a `Preactivation`, or nothing at all.

    Args:
        projection: `"paper"`: a `Preactivation`; `"linear"`: nothing.
        **kwargs: For `Preactivation`.

    Raises:
        SettingError: If there is no such projection.
    """
    if projection not in PROJECTIONS:
        raise SettingError("projection", projection, one_of(PROJECTIONS))
    if projection == "paper":
        return Preactivation(**kwargs)
    return keras.layers.Identity(dtype=kwargs.get("dtype"), name=kwargs.get("name"))
