"""Attention as a gate, on features that pass on through the trunk."""

import keras


@keras.saving.register_keras_serializable(package="ltpa_tf")
class Gate(keras.layers.Layer):
    """`a_i l_i` at each position: features that a map lets through.

    Progressive attention (Seo et al., "Progressive Attention Networks", 2016, arXiv
    1606.02393) puts it between two levels, so that the deeper one sees what the map of
    the earlier one has left.

    Args:
        **kwargs: As for every Keras layer.

    Call arguments:
        local: `[B, H, W, C]`, the features `l_i`.
        attention: `[B, H, W]`, the map, 0 to 1.

    Output:
        `[B, H, W, C]` in the policy's compute dtype.

    Example:
        >>> gate = layers.Gate()
        >>> local = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
        >>> np.asarray(gate(local, np.array([[[1.0, 0.5]]])))
        array([[[[1. , 2. ],
                 [1.5, 2. ]]]], dtype=float32)
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)  # the map stays exact until here

    def call(self, local, attention):
        local, attention = (
            keras.ops.cast(x, self.compute_dtype) for x in (local, attention)
        )
        return local * keras.ops.expand_dims(attention, -1)

    def get_config(self):
        # Keras makes none by itself where the dtype policy is an object.
        return super().get_config()

    def compute_output_shape(self, local_shape, attention_shape=None):
        return tuple(local_shape)

    def compute_output_spec(self, local, attention):
        return keras.KerasTensor(local.shape, self.compute_dtype)
