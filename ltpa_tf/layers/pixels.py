"""Pixel values as a pretrained backbone expects them."""

from collections.abc import Sequence

import keras

from ltpa_tf.errors import SettingError


@keras.saving.register_keras_serializable(package="ltpa_tf")
class PixelScaling(keras.layers.Layer):
    """`scale * pixel + offset` for each channel, in float32, under every dtype policy.

    Args:
        scale: One number for each channel of the output.
        offset: Likewise.
        reverse: Whether channels change their order, red, green, blue to blue, green,
            red, before they are scaled.
        **kwargs: As for every Keras layer.

    Call arguments:
        images: `[B, H, W, C]`, pixel values 0 to 255. A single channel, grey, becomes
            as many as there are scales.

    Output:
        float32 `[B, H, W, len(scale)]`.

    Raises:
        SettingError: If scale and offset are of different lengths, or the images have
            another number of channels, 1 aside.

    Example:
        >>> scaling = layers.PixelScaling(scale=[1 / 127.5] * 3, offset=[-1.0] * 3)
        >>> np.asarray(scaling(np.array([[[[0.0, 127.5, 255.0]]]])))
        array([[[[-1.,  0.,  1.]]]], dtype=float32)
    """

    def __init__(
        self,
        scale: Sequence[float],
        offset: Sequence[float],
        reverse: bool = False,
        **kwargs,
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        if len(scale) != len(offset) or not len(scale):
            raise SettingError("offset", offset, f"{len(scale)} numbers, as scale has")
        self.scale = [float(s) for s in scale]
        self.offset = [float(o) for o in offset]
        self.reverse = reverse

    def build(self, images_shape):
        if images_shape[-1] not in (1, len(self.scale)):
            raise SettingError(
                "images", tuple(images_shape), f"1 channel, or {len(self.scale)}"
            )
        super().build(images_shape)

    def call(self, images):
        channels = len(self.scale)
        if images.shape[-1] != channels:
            images = keras.ops.concatenate(channels * [images], axis=-1)
        elif self.reverse:
            each = keras.ops.split(images, channels, axis=-1)
            images = keras.ops.concatenate(each[::-1], axis=-1)
        return images * keras.ops.array(self.scale) + keras.ops.array(self.offset)

    def compute_output_shape(self, images_shape):
        return (*images_shape[:-1], len(self.scale))

    def get_config(self):
        return {
            **super().get_config(),
            "scale": self.scale,
            "offset": self.offset,
            "reverse": self.reverse,
        }
