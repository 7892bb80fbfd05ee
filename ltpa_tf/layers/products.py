"""Attention's two products, with gradients that XLA fuses.

Each position's feature gets the gradient of its score, times `u`, and its attention,
times the descriptor's gradient: products of two small tensors, as large as all features
together. Taken in float32, XLA thinks it cheaper to write their sum to memory than to
compute it where the next layer's gradient uses it. Taken in the features' own dtype,
to which the sum is rounded anyway, it is not written.
"""

import keras


def scores_along(features, direction, dtype: str):
    """`<u, l_i>`, float32 `[..., 1]`.

    Args:
        features: `l`, float32 `[..., C]`.
        direction: `u`, float32 `[C]`.
        dtype: In which the features' gradient is computed: their own before they were
            cast to float32.
    """
    all_positions = tuple(range(len(features.shape) - 1))

    @keras.ops.custom_gradient
    def product(features, direction):
        def gradient(upstream):
            return (
                _product(upstream, direction, dtype),
                keras.ops.sum(features * upstream, all_positions),
            )

        return keras.ops.sum(features * direction, axis=-1, keepdims=True), gradient

    return product(features, direction)


def weighted_sum(attention, features, dtype: str):
    """`sum_i a_i l_i`, float32 `[B, S, C]`.

    Args:
        attention: `a`, float32 `[B, S, n]`, S known.
        features: `l`, float32 `[B, n, C]`.
        dtype: See `scores_along`.
    """

    @keras.ops.custom_gradient
    def product(attention, features):
        def gradient(upstream):
            columns = keras.ops.swapaxes(attention, 1, 2)
            maps = range(attention.shape[1])
            return (
                keras.ops.matmul(upstream, keras.ops.swapaxes(features, 1, 2)),
                sum(
                    _product(columns[:, :, s : s + 1], upstream[:, s : s + 1], dtype)
                    for s in maps
                ),
            )

        return keras.ops.matmul(attention, features), gradient

    return product(attention, features)


def _product(x, y, dtype):
    product = keras.ops.cast(x, dtype) * keras.ops.cast(y, dtype)
    return keras.ops.cast(product, "float32")
