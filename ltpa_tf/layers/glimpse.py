"""Hard attention as cropping: what one glimpse sees of an image.

"Recurrent Models of Visual Attention" (Mnih et al., 2014, arXiv 1406.6247). Locations
are (y, x) from -1 to 1 in float32: (-1, -1) is the image's top left corner, (0, 0) its
centre.
"""

import math

import keras

from ltpa_tf.errors import SettingError

_REGISTER = keras.saving.register_keras_serializable(package="ltpa_tf")


@_REGISTER
class GlimpseSensor(keras.layers.Layer):
    """Patches around a location, each twice as large as the one before, equally fine.

    The retina of section 3.1: scale s is a square of `g * 2**s` pixels as `g` by `g`
    means of `2**s` by `2**s` pixels. Locations need not be whole pixels: what a
    cell covers of a pixel is its weight. Beyond the image all is 0.

    Args:
        glimpse_size: Cells a side, the same for all scales; of the finest, pixels.
        scales: How many.
        **kwargs: As for every Keras layer.

    Call arguments:
        images: `[B, H, W, C]`.
        locations: float32 `[B, S, 2]`, S of each image.

    Output:
        `[B, S, g, g, scales * C]`, in the policy's compute dtype.

    Example:
        >>> sensor = layers.GlimpseSensor(glimpse_size=8, scales=3)
        >>> sensor(np.ones((2, 60, 60, 1)), np.zeros((2, 5, 2))).shape
        TensorShape([2, 5, 8, 8, 3])
    """

    def __init__(self, glimpse_size: int = 12, scales: int = 3, **kwargs):
        super().__init__(autocast=False, **kwargs)
        check_glimpse(glimpse_size, scales)
        self.glimpse_size, self.scales = glimpse_size, scales

    def build(self, images_shape, locations_shape=None):
        check_glimpse(self.glimpse_size, self.scales, *images_shape[1:3])
        super().build(images_shape)

    def call(self, images, locations):
        images = keras.ops.cast(images, self.compute_dtype)
        locations = keras.ops.cast(locations, "float32")
        patches = [self._patch(images, locations, 2**s) for s in range(self.scales)]
        return keras.ops.concatenate(patches, axis=-1)

    def _patch(self, images, locations, cell):
        _, height, width, channels = keras.ops.shape(images)
        samples = keras.ops.shape(locations)[1]
        rows = self._covered(locations[..., 0], height, cell)
        columns = self._covered(locations[..., 1], width, cell)
        # One product for all samples: the image is not repeated.
        rows = keras.ops.reshape(rows, (-1, samples * self.glimpse_size, height))
        flat = keras.ops.reshape(images, (-1, height, width * channels))
        bands = keras.ops.matmul(rows, flat)
        bands = keras.ops.reshape(
            bands, (-1, samples, self.glimpse_size, width, channels)
        )
        return keras.ops.matmul(keras.ops.expand_dims(columns, 2), bands)

    def _covered(self, places, pixels, cell):
        """`[B, S, g, pixels]`: the share that each pixel has of each cell."""
        centre = (keras.ops.expand_dims(places, -1) + 1) / 2 * pixels
        cells = (
            keras.ops.arange(self.glimpse_size, dtype="float32") - self.glimpse_size / 2
        )
        begin = keras.ops.expand_dims(centre + cells * cell, -1)
        pixel = keras.ops.arange(pixels, dtype="float32")
        common = keras.ops.minimum(begin + cell, pixel + 1)
        common = common - keras.ops.maximum(begin, pixel)
        share = keras.ops.maximum(common, 0.0) / cell
        return keras.ops.cast(share, self.compute_dtype)

    def compute_output_shape(self, images_shape, locations_shape):
        channels = self.scales * images_shape[-1]
        return (*locations_shape[:2], self.glimpse_size, self.glimpse_size, channels)

    def compute_output_spec(self, images, locations):
        shape = self.compute_output_shape(images.shape, locations.shape)
        return keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "glimpse_size": self.glimpse_size,
            "scales": self.scales,
        }


def check_glimpse(
    glimpse_size, scales, height: int | None = None, width: int | None = None
):
    """Refuses a glimpse that can't be, or is larger than the image.

    Raises:
        SettingError: Naming `glimpse_size` or `scales`.
    """
    for name, value in (("glimpse_size", glimpse_size), ("scales", scales)):
        if not is_whole(value) or value < 1:
            raise SettingError(name, value, "a whole number from 1")
    side = min(height or math.inf, width or math.inf)
    if glimpse_size > side:
        raise SettingError(
            "glimpse_size", glimpse_size, f"1 to {side}: the image has {height}x{width}"
        )


def is_whole(value) -> bool:
    """Whether a value is an int, and no bool."""
    return isinstance(value, int) and not isinstance(value, bool)
