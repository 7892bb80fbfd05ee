"""Initial values of convolution kernels."""

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="ltpa_tf")
class PartialIdentity(keras.initializers.Initializer):
    """As many channels as fit pass through unchanged; the other filters are random.

    The first `min(in, out)` filters of a convolution, whose height and width must be
    odd, each copy one input channel. A deep stack then passes its input on from the
    first step, like one with shortcuts (Dirac initialization, as in
    https://arxiv.org/abs/2404.00498, section 3.3).

    Args:
        rest: Initializer of the other filters; by default uniform with a variance of 1
            over three times the inputs, as PyTorch has it.

    Example:
        >>> kernel = layers.PartialIdentity()((3, 3, 1, 2))
        >>> np.asarray(kernel)[..., 0, 0]
        array([[0., 0., 0.],
               [0., 1., 0.],
               [0., 0., 0.]], dtype=float32)
    """

    def __init__(self, rest=None):
        self.rest = keras.initializers.get(
            rest or keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
        )

    def __call__(self, shape, dtype=None):
        height, width, inputs, outputs = shape
        same = np.arange(min(inputs, outputs))
        identity = np.zeros(shape)
        identity[height // 2, width // 2, same, same] = 1
        identity, random = (
            keras.ops.cast(x, dtype or keras.config.floatx())
            for x in (identity, np.arange(outputs) >= len(same))
        )
        return self.rest(shape, dtype) * random + identity

    def get_config(self):
        return {"rest": keras.initializers.serialize(self.rest)}
