"""Reflection padding: beyond the border features go on as their mirror image."""

import keras


@keras.saving.register_keras_serializable(package="ltpa_tf")
class ReflectionPadding(keras.layers.ZeroPadding2D):
    """Continues the features beyond the border by their mirror image.

    Zeros make an edge that is in no image, which a level of attention may take for
    something to look at.

    Attributes:
        elementwise: Whether to compute it as a sum of parts with zeros around them,
            which XLA fuses with the operations before it, where joined parts are a pass
            over memory of their own (docs/logs/notes-step.md). The trainer sets it.

    Call arguments:
        features: `[B, H, W, C]`, H and W larger than the padding.

    Output:
        `[B, H + top + bottom, W + left + right, C]`.

    Example:
        >>> row = np.array([1.0, 2.0, 3.0]).reshape((1, 1, 3, 1))
        >>> padded = layers.ReflectionPadding(((0, 0), (1, 1)))(row)
        >>> np.asarray(padded).ravel()
        array([2., 1., 2., 3., 2.], dtype=float32)
    """

    elementwise = False

    def __init__(self, padding=1, **kwargs):
        super().__init__(padding, data_format="channels_last", **kwargs)

    def call(self, features):
        (top, bottom), (left, right) = self.padding
        if self.elementwise and None not in features.shape[1:3]:
            return _summed(_summed(features, 1, top, bottom), 2, left, right)
        # Not `keras.ops.pad`: TensorFlow's kernel refuses a batch of no images.
        height = keras.ops.shape(features)[1]
        above, below = features[:, 1 : top + 1], features[:, height - 1 - bottom : -1]
        flip, join = keras.ops.flip, keras.ops.concatenate
        features = join([flip(above, 1), features, flip(below, 1)], 1)
        width = keras.ops.shape(features)[2]
        before = features[:, :, 1 : left + 1]
        after = features[:, :, width - 1 - right : -1]
        return join([flip(before, 2), features, flip(after, 2)], 2)

    def compute_output_shape(self, features_shape):
        return super().compute_output_shape(features_shape)

    def get_config(self):
        config = super().get_config()
        del config["data_format"]
        return config


def _summed(features, axis: int, before: int, after: int):
    """The features and their mirror images along one axis, each put between zeros."""
    size = features.shape[axis]
    whole = before + size + after

    def placed(start: int, stop: int, at: int):
        part = [slice(None)] * 4
        part[axis] = slice(start, stop)
        zeros = [(0, 0)] * 4
        zeros[axis] = (at, whole - at - (stop - start))
        return keras.ops.pad(features[tuple(part)], zeros)

    total = placed(0, size, before)
    for distance in range(1, before + 1):
        total += placed(distance, distance + 1, before - distance)
    for distance in range(1, after + 1):
        last = size - 1 - distance
        total += placed(last, last + 1, before + size - 1 + distance)
    return total
