"""Normalization of pixel values, the first layer of every model."""

import keras
import numpy as np

_NAME = "normalization"


def normalized(images, mean, std):
    """Pixel values 0..255 to zero mean and unit variance, in float32."""
    scale = [1 / (255 * float(s)) for s in std]
    offset = [-float(m / s) for m, s in zip(mean, std, strict=True)]
    return keras.layers.Rescaling(
        # [1, 1, C]: Keras would shape [C] by the user's image_data_format.
        scale=[[scale]],
        offset=[[offset]],
        dtype="float32",
        name=_NAME,
    )(images)


def normalization_of(
    model: keras.Model,
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """The mean and standard deviation by which a model normalizes its images.

    Args:
        model: A functional model.

    Returns:
        Both per channel, of pixel values scaled to 0..1, as `mean` and `std` of
        `AttentionVGG`; of a model that convolves the pixels as they are, 0 and 1/255;
        None where it can't be told, as on a backbone with a preprocessing of its own.

    Example:
        >>> model = models.build("vgg_none", mean=(0.5,) * 3, std=(0.25,) * 3)
        >>> models.normalization_of(model)
        ((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    """
    layers = (x for x in model.layers if not isinstance(x, keras.layers.InputLayer))
    first = next(layers, None)
    if isinstance(first, keras.layers.Rescaling) and first.name == _NAME:
        scale, offset = np.ravel(first.scale), np.ravel(first.offset)
        std = 1 / (255 * scale)
        # Rounded, so that the numbers come back which `normalized` was given.
        return tuple((-offset * std).round(12).tolist()), tuple(std.round(12).tolist())
    if hasattr(first, "kernel_size") or isinstance(first, keras.layers.ZeroPadding2D):
        channels = model.input_shape[-1]
        return channels * (0.0,), channels * (1 / 255,)
    return None
