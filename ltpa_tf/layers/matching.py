"""Channel matching: local and global features of one length."""

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.preactivation import BATCH_NORM, before_linear


@keras.saving.register_keras_serializable(package="ltpa_tf")
class ChannelMatching(keras.layers.Layer):
    """Projects features to another number of channels.

    The paper projects g down to the channels of l (section 3.1). Applied to l instead,
    position by position, it is the accepted alternative: l is projected to g's
    channels, for the scores only (see `AttentionEstimator`).

    Args:
        channels: Of the output.
        projection: `"paper"`: batch norm, ReLU, dropout, linear layer, as the authors'
            code has it; `"linear"`: the linear layer alone.
        batch_norm: Whether the paper's form has its batch norm.
        dropout: Rate of the paper's form.
        epsilon: Of its batch norm; the authors' code has 1e-5.
        **kwargs: As for every Keras layer.

    Call arguments:
        features: `[B, C]`, or `[B, H, W, C]`.

    Output:
        `[B, channels]`, or `[B, H, W, channels]`, in the policy's compute dtype.

    Example:
        >>> match = layers.ChannelMatching(256)
        >>> match(keras.Input((512,))).shape, match.count_params()
        ((None, 256), 133376)
    """

    def __init__(
        self,
        channels: int,
        projection: str = "paper",
        batch_norm: bool = True,
        dropout: float = 0.5,
        epsilon: float = BATCH_NORM["epsilon"],
        **kwargs,
    ):
        super().__init__(**kwargs)
        if channels < 1:
            raise SettingError("channels", channels, "1 or more")
        self.channels = channels
        self.projection = projection
        self.batch_norm = batch_norm
        self.dropout = dropout
        self.epsilon = epsilon
        self.before = before_linear(
            projection,
            batch_norm=batch_norm,
            dropout=dropout,
            epsilon=epsilon,
            dtype=self.dtype_policy,
        )
        self.linear = keras.layers.Dense(channels, dtype=self.dtype_policy)

    def build(self, features_shape):
        self.before.build(features_shape)
        self.linear.build(features_shape)
        super().build(features_shape)

    def call(self, features):
        return self.linear(self.before(features))

    def compute_output_shape(self, features_shape):
        return (*features_shape[:-1], self.channels)

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "projection": self.projection,
            "batch_norm": self.batch_norm,
            "dropout": self.dropout,
            "epsilon": self.epsilon,
        }
