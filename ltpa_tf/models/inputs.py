"""What models begin with: pixels made softer, and normalized."""

import keras
import numpy as np

from ltpa_tf.layers.softening import Softening
from ltpa_tf.models.views import reapplied

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
    before = keras.layers.InputLayer | Softening
    first = next((x for x in model.layers if not isinstance(x, before)), None)
    if isinstance(first, keras.layers.Rescaling) and first.name == _NAME:
        scale, offset = np.ravel(first.scale), np.ravel(first.offset)
        std = 1 / (255 * scale)
        # Rounded, so that the numbers come back which `normalized` was given.
        return tuple((-offset * std).round(12).tolist()), tuple(std.round(12).tolist())
    if hasattr(first, "kernel_size") or isinstance(first, keras.layers.ZeroPadding2D):
        channels = model.input_shape[-1]
        return channels * (0.0,), channels * (1 / 255,)
    return None


def softened(model: keras.Model, share: float) -> keras.Model:
    """The model for images that are sharper than those it was trained on.

    Args:
        model: A functional model.
        share: Of each neighbour, see `layers.Softening`.

    Returns:
        A model over the same weights, which makes its images softer itself; of a share
        of 0 the model as it is.

    Raises:
        SettingError: The model is not functional, or there is no such share.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> models.softened(model, 0.1).layers[1].share
        0.1
    """
    if not share:
        return model
    sharp = keras.Input(model.input_shape[1:], name=model.input.name)
    soft = Softening(share, name="softening")(sharp)

    def call(layer, *args, **kwargs):
        return layer(*(soft if one is sharp else one for one in args), **kwargs)

    return reapplied(model, call, sharp)
