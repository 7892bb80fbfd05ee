"""From scores to the attention map and the attended descriptor."""

from typing import ClassVar

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.positions import flatten_positions
from ltpa_tf.layers.products import weighted_sum

_REGISTER = keras.saving.register_keras_serializable(package="ltpa_tf")


class AttentionPooling(keras.layers.Layer):
    """What all normalizations share; use one of the subclasses.

    Call arguments:
        scores: `[B, H, W]`, the compatibility scores `c_i`.
        local: `[B, H, W, C]`, the local features `l_i`.

    Output:
        A tuple of the attended descriptor `g_a`, `[B, C]` in the policy's compute
        dtype but accumulated in float32, and the attention map, float32 `[B, H, W]`.

    Attributes:
        shift_invariant: Whether a constant added to all scores of an image leaves
            everything as it is.
        hard: Whether it chooses some positions, and drops the others.
        chooses: Whether its choice learns from rewards, see `layers.choices`.
        elementwise: Whether the local features' gradient has the form that XLA fuses
            with its neighbours. See `layers.products`.

    Example:
        >>> issubclass(layers.SoftmaxPooling, layers.AttentionPooling)
        True
    """

    shift_invariant: ClassVar[bool] = False
    hard: ClassVar[bool] = False
    chooses: ClassVar[bool] = False
    elementwise = False

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)  # or scores would be rounded

    def call(self, scores, local):
        return self.attend(self.normalize(self.flat(scores)), local)

    def flat(self, scores):
        """float32 `[B, 1, n]` of scores `[B, H, W]`."""
        height, width = keras.ops.shape(scores)[1:]
        scores = keras.ops.reshape(scores, (-1, 1, height * width))
        return keras.ops.cast(scores, "float32")

    def attend(self, attention, local):
        """The layer's output for `[B, S, n]`: S maps of each image, one mostly."""
        height, width, channels = keras.ops.shape(local)[1:]
        attended = self.pool(attention, flatten_positions(local))
        return (
            keras.ops.cast(
                keras.ops.reshape(attended, (-1, channels)), self.compute_dtype
            ),
            keras.ops.reshape(attention, (-1, height, width)),
        )

    def normalize(self, scores):
        """The attention `a_i` of float32 scores `[B, 1, n]`, in the same shape."""
        raise NotImplementedError

    def shares(self, attention):
        """What each position's features are multiplied by: they add up to `g_a`.

        Args:
            attention: float32 `[B, H, W]`.
        """
        return attention

    def pool(self, attention, local):
        """`[B, S, C]` from the attention `[B, S, n]` and local features `[B, n, C]`."""
        if self.elementwise:
            return weighted_sum(attention, local, self.compute_dtype)
        return keras.ops.matmul(attention, local)

    def build(self, scores_shape, local_shape):
        if len(local_shape) != 4 or tuple(scores_shape) != tuple(local_shape[:3]):
            raise SettingError(
                "scores",
                tuple(scores_shape),
                f"[B, H, W] of the local features {tuple(local_shape)}",
            )
        super().build(scores_shape)

    def compute_output_shape(self, scores_shape, local_shape):
        return (local_shape[0], local_shape[-1]), tuple(local_shape[:3])

    def compute_output_spec(self, scores, local):
        attended, attention = self.compute_output_shape(scores.shape, local.shape)
        return (
            keras.KerasTensor(attended, self.compute_dtype),
            keras.KerasTensor(attention, "float32"),
        )


@_REGISTER
class SoftmaxPooling(AttentionPooling):
    """`a = softmax(c)` over all n positions; `g_a = sum_i a_i l_i` (section 3.2).

    Example:
        >>> scores = np.log([[[1.0, 3.0]]])
        >>> local = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
        >>> descriptor, attention = layers.SoftmaxPooling()(scores, local)
        >>> np.asarray(attention).round(2), np.asarray(descriptor).round(2)
        (array([[[0.25, 0.75]]], dtype=float32), array([[2.5, 3.5]], dtype=float32))
    """

    shift_invariant = True

    def normalize(self, scores):
        return keras.ops.softmax(scores, axis=-1)


@_REGISTER
class SigmoidPooling(AttentionPooling):
    """`a_i = sigmoid(c_i)`, each for itself; `g_a = mean_i a_i l_i`.

    Not in the paper; the default of the best-known PyTorch implementation (SaoYan).

    Example:
        >>> scores = np.zeros((1, 1, 2))
        >>> local = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
        >>> descriptor, attention = layers.SigmoidPooling()(scores, local)
        >>> np.asarray(attention), np.asarray(descriptor)
        (array([[[0.5, 0.5]]], dtype=float32), array([[1. , 1.5]], dtype=float32))
    """

    def normalize(self, scores):
        return keras.ops.sigmoid(scores)

    def shares(self, attention):
        height, width = keras.ops.shape(attention)[1:]
        return attention / keras.ops.cast(height * width, "float32")

    def pool(self, attention, local):
        positions = keras.ops.cast(keras.ops.shape(local)[1], "float32")
        return super().pool(attention, local) / positions
