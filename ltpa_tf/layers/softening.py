"""Images made softer, as a part of a model."""

import math

import keras

from ltpa_tf.errors import SettingError


@keras.saving.register_keras_serializable(package="ltpa_tf")
class Softening(keras.layers.Layer):
    """Gives each pixel, along both sides, a share of the two beside it.

    A model that was trained on softer images than those it will get begins with it. In
    float32, under every dtype policy.

    Args:
        share: Of each neighbour; the pixel itself keeps the rest. At most a third, the
            mean of three pixels; below 0 images are made sharper.
        **kwargs: As for every Keras layer.

    Call arguments:
        images: `[B, H, W, C]`; beyond the border is what lies before it.

    Output:
        float32 `[B, H, W, C]`.

    Raises:
        SettingError: If the share is no number, or another one than those above.

    Example:
        >>> row = np.array([8.0, 0.0, 0.0]).reshape((1, 1, 3, 1))
        >>> np.asarray(layers.Softening(0.25)(row)).ravel()
        array([6., 2., 0.], dtype=float32)
    """

    def __init__(self, share: float, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        if not (isinstance(share, int | float) and -math.inf < share <= 1 / 3):
            raise SettingError("share", share, "a number, a third at most")
        self.share = float(share)

    def call(self, images):
        return _softer(_softer(images, self.share, 1), self.share, 2)

    def compute_output_shape(self, images_shape):
        return images_shape

    def get_config(self):
        return {**super().get_config(), "share": self.share}


def _softer(images, share: float, axis: int):
    """Along one axis."""
    whole = [slice(None)] * axis

    def part(start: int | None, stop: int | None):
        return images[(*whole, slice(start, stop))]

    join = keras.ops.concatenate
    before = join([part(None, 1), part(None, -1)], axis)
    after = join([part(1, None), part(-1, None)], axis)
    return (1 - 2 * share) * images + share * (before + after)
