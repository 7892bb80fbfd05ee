"""What every model does first with its images."""

import keras


def normalized(images, mean, std):
    """Pixel values 0..255 to zero mean and unit variance, in float32."""
    scale = [1 / (255 * float(s)) for s in std]
    offset = [-float(m / s) for m, s in zip(mean, std, strict=True)]
    return keras.layers.Rescaling(
        # [1, 1, C]: Keras would shape [C] by the user's image_data_format.
        scale=[[scale]],
        offset=[[offset]],
        dtype="float32",
        name="normalization",
    )(images)
