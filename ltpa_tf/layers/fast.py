"""Batch normalization and max pooling in fewer passes over memory than Keras's.

A training step on a GPU spends some two fifths of its time between the convolutions,
moving features (docs/logs/notes-step.md). Both layers load, save and behave as Keras's
own.
"""

from collections.abc import Callable

import keras

_REGISTER = keras.saving.register_keras_serializable(package="ltpa_tf")


@_REGISTER
class FastBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization whose statistics take one pass over the features, not two.

    The variance is E[(x - s)^2] - E[x - s]^2, in float32, instead of the mean of
    (x - E[x])^2: both sums are then one reduction. Flax does the same with s = 0, which
    loses all digits where the mean is large beside the deviation; s is taken from the
    batch itself, so that it is near the mean from the first step on. With a mask, or
    synchronized over replicas, the statistics are Keras's own.

    Attributes:
        kernel: What normalizes a training batch of images in their place, where XLA
            doesn't fuse what Keras's operations compute: a function of float features
            `[B, H, W, C]`, float32 gamma and beta `[C]`, and epsilon, that returns the
            normalized features, the mean and the variance. The trainer sets it.
    """

    kernel: Callable | None = None

    def call(self, inputs, training=None, mask=None):
        images = len(inputs.shape) == 4 and self.axis in (-1, 3)
        suits = images and self.scale and self.center and not self.synchronized
        if not (self.kernel and training and self.trainable and suits and mask is None):
            return super().call(inputs, training=training, mask=mask)
        gamma, beta = map(keras.ops.convert_to_tensor, (self.gamma, self.beta))
        outputs, mean, variance = self.kernel(inputs, gamma, beta, self.epsilon)
        for moving, new in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            moving.assign(moving * self.momentum + new * (1 - self.momentum))
        return keras.ops.cast(outputs, self.compute_dtype)

    def _moments(self, inputs, mask):
        if mask is not None or self.synchronized:
            return super()._moments(inputs, mask)
        axes = self._reduction_axes
        shift = _some_feature(inputs, axes)
        shape = [1 if axis in axes else -1 for axis in range(len(inputs.shape))]
        shifted = inputs - keras.ops.reshape(shift, shape)
        mean = keras.ops.mean(shifted, axes)
        mean_square = keras.ops.mean(keras.ops.square(shifted), axes)
        # Rounding must not make it negative.
        variance = keras.ops.relu(mean_square - keras.ops.square(mean))
        return mean + shift, variance


def _some_feature(inputs, axes):
    """`[C]`: the median of three of the batch's features, for each channel.

    One could be an outlier. Minimum and maximum of slices are no pass over memory.

    Args:
        inputs: Features, `[B, ..., C]` or with the channels elsewhere.
        axes: All axes but that of the channels.
    """
    sizes = keras.ops.shape(inputs)

    def feature(quarter):
        return inputs[
            tuple(
                size * quarter // 4 if axis in axes else slice(None)
                for axis, size in enumerate(sizes)
            )
        ]

    a, b, c = (keras.ops.stop_gradient(feature(quarter)) for quarter in (1, 2, 3))
    lower, upper = keras.ops.minimum(a, b), keras.ops.maximum(a, b)
    return keras.ops.maximum(lower, keras.ops.minimum(upper, c))


@_REGISTER
class FastMaxPooling(keras.layers.MaxPooling2D):
    """2x2 max pooling that XLA can fuse with its neighbours.

    Attributes:
        elementwise: Whether to compute it as the maximum of every second row and
            column, with a gradient of its own. Outputs and gradients are the same; but
            XLA turns the gradient of a pool into a scatter, the slowest operation of
            the whole step on a GPU. Without XLA the pool is the faster one. Hence off
            at first; the trainer turns it on where XLA compiles.
            Only 2x2 pools of even height and width have this form.
    """

    elementwise = False

    def call(self, inputs):
        _, height, width, _ = inputs.shape
        has_form = (
            self.data_format == "channels_last"
            and tuple(self.pool_size) == tuple(self.strides) == (2, 2)
            and all(side is not None and side % 2 == 0 for side in (height, width))
        )
        if not (self.elementwise and has_form):
            return super().call(inputs)
        return _pooled(inputs)


@keras.ops.custom_gradient
def _pooled(x):
    """2x2 maxima of `[B, H, W, C]`; the first of equal pixels gets the gradient.

    Which of the four it is, a byte for each maximum, is kept for the gradient.
    """
    left, right = x[:, :, ::2], x[:, :, 1::2]
    columns = keras.ops.maximum(left, right)
    upper, lower = columns[:, ::2], columns[:, 1::2]
    in_right, in_lower = left < right, upper < lower
    column = keras.ops.where(in_lower, in_right[:, 1::2], in_right[:, ::2])
    winner = 2 * keras.ops.cast(in_lower, "uint8") + keras.ops.cast(column, "uint8")

    def gradient(*args, upstream=None):
        if upstream is None:
            (upstream,) = args
        pixels = keras.ops.cast([[0, 1], [2, 3]], "uint8")[:, None, :, None]
        spread = keras.ops.where(
            winner[:, :, None, :, None] == pixels, upstream[:, :, None, :, None], 0
        )
        return keras.ops.reshape(spread, keras.ops.shape(x))

    return keras.ops.maximum(upper, lower), gradient
