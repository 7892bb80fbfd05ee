"""A feature map's positions as one axis, in float32."""

import keras


def flatten_positions(features):
    """`[B, H, W, C]` as float32 `[B, H * W, C]`; no copy where it is float32 already.

    H and W may be unknown until the layer runs. Attention works on this form because a
    matmul over it is fast and converts to every export format; `einsum` doesn't.
    """
    _, height, width, channels = keras.ops.shape(features)
    flat = keras.ops.reshape(features, (-1, height * width, channels))
    return keras.ops.cast(flat, "float32")
