"""Compatibility functions: how well each local feature fits the global one."""

from typing import ClassVar, Literal

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.positions import flatten_positions
from ltpa_tf.layers.products import scores_along

_REGISTER = keras.saving.register_keras_serializable(package="ltpa_tf")


class Compatibility(keras.layers.Layer):
    """What all compatibility functions share; use one of the subclasses.

    Call arguments:
        local: `[B, H, W, C]`, the local features `l_i`.
        global_feature: `[B, C]`, the global feature `g`; may be left out where
            `global_effect` isn't `"full"`.

    Output:
        float32 `[B, H, W]`, the scores `c_i`, under every dtype policy.

    Attributes:
        global_effect: How `g` enters the scores: `"none"`; `"shift"`, by one and the
            same summand at every position of an image, which a softmax cancels; or
            `"full"`.
        equal_channels: Whether `l` and `g` must have as many channels as each other.
        takes_initializer: Whether it has weights, which start as an argument
            `initializer` says.

    Example:
        >>> issubclass(layers.COMPATIBILITIES["dp"], layers.Compatibility)
        True
    """

    global_effect: ClassVar[Literal["none", "shift", "full"]] = "full"
    equal_channels: ClassVar[bool] = True
    takes_initializer: ClassVar[bool] = False

    def __init__(self, **kwargs):
        # Inputs are cast here and not by Keras, which would round float32 inputs.
        super().__init__(autocast=False, **kwargs)

    def build(self, local_shape, global_feature_shape=None):
        self._check(local_shape, global_feature_shape)
        super().build(local_shape)

    def call(self, local, global_feature=None):
        positions = keras.ops.shape(local)[1:3]
        scores = self.score(flatten_positions(local), global_feature)
        return keras.ops.reshape(scores, (-1, *positions))

    def score(self, local, global_feature):
        """float32 `[B, n, 1]` scores of float32 `[B, n, C]` local features."""
        raise NotImplementedError

    def compute_output_shape(self, local_shape, global_feature_shape=None):
        return tuple(local_shape[:3])

    def compute_output_spec(self, local, global_feature=None):
        return keras.KerasTensor(self.compute_output_shape(local.shape), "float32")

    def _check(self, local_shape, global_feature_shape):
        if len(local_shape) != 4:
            raise SettingError("local", tuple(local_shape), "a shape [B, H, W, C]")
        if global_feature_shape is None:
            if self.global_effect == "full":
                raise SettingError(
                    "global_feature", None, f"a tensor: {type(self).__name__} needs it"
                )
            return
        if len(global_feature_shape) != 2:
            raise SettingError(
                "global_feature", tuple(global_feature_shape), "a shape [B, C]"
            )
        if self.equal_channels and local_shape[-1] != global_feature_shape[-1]:
            raise SettingError(
                "global_feature",
                f"{global_feature_shape[-1]} channels",
                f"{local_shape[-1]}, as many as the local features have "
                "(see ChannelMatching)",
            )


@_REGISTER
class LocalCompatibility(Compatibility):
    """`c_i = <u, l_i>`: scores without the global feature.

    Args:
        initializer: Of the learned direction `u`, a `[C, 1]` matrix. The default
            starts with nearly flat maps. The paper's own,
            `keras.initializers.RandomNormal(stddev=2**0.5)` (what its "MSR fan-out"
            gives for one output), starts with nearly one-hot maps.
        **kwargs: As for every Keras layer.

    Attributes:
        elementwise: Whether `<u, l_i>` is a product and a sum instead of a matrix
            product. It is the same number, which XLA fuses with its neighbours; without
            XLA the matrix product is the faster one. See `layers.products`.

    Example:
        >>> compatibility = layers.LocalCompatibility(initializer="ones")
        >>> np.asarray(compatibility(np.array([[[[1.0, 2.0], [3.0, 4.0]]]])))
        array([[[3., 7.]]], dtype=float32)
    """

    global_effect = "none"
    takes_initializer = True
    elementwise = False

    def __init__(self, initializer="glorot_normal", **kwargs):
        super().__init__(**kwargs)
        self.initializer = keras.initializers.get(initializer)

    def build(self, local_shape, global_feature_shape=None):
        self.u = self.add_weight(
            name="u",
            shape=(local_shape[-1], 1),
            initializer=self.initializer,
            autocast=False,
        )
        super().build(local_shape, global_feature_shape)

    def score(self, local, global_feature):
        u = keras.ops.cast(self.u, "float32")
        if self.elementwise:
            return scores_along(local, u[:, 0], self.compute_dtype)
        return keras.ops.matmul(local, u)

    def get_config(self):
        return {
            **super().get_config(),
            "initializer": keras.initializers.serialize(self.initializer),
        }


@_REGISTER
class ParametrisedCompatibility(LocalCompatibility):
    """`c_i = <u, l_i + g>`, the paper's "pc" (section 3.1).

    Computed as `<u, l_i> + <u, g>`: the same number, without a second copy of the
    features. That form also shows that g adds one constant per image; `global_feature`
    may be left out, and the scores then lack this constant.

    Args:
        initializer: Of `u`; see `LocalCompatibility`.
        **kwargs: As for every Keras layer.

    Example:
        >>> compatibility = layers.ParametrisedCompatibility(initializer="ones")
        >>> local = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
        >>> np.asarray(compatibility(local, np.array([[10.0, 20.0]])))
        array([[[33., 37.]]], dtype=float32)
    """

    global_effect = "shift"

    def score(self, local, global_feature):
        scores = super().score(local, global_feature)
        if global_feature is None:
            return scores
        shift = super().score(keras.ops.cast(global_feature, "float32"), None)
        return scores + keras.ops.expand_dims(shift, 1)


@_REGISTER
class DotProductCompatibility(Compatibility):
    """`c_i = <l_i, g>`, the paper's "dp" (section 3.1), unscaled as there.

    Example:
        >>> local = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
        >>> dot = layers.DotProductCompatibility()
        >>> np.asarray(dot(local, np.array([[10.0, 20.0]])))
        array([[[ 50., 110.]]], dtype=float32)
    """

    def score(self, local, global_feature):
        query = keras.ops.cast(global_feature, "float32")
        return keras.ops.matmul(local, keras.ops.expand_dims(query, -1))


@_REGISTER
class AdditiveCompatibility(Compatibility):
    """`c_i = v^T relu(W_l l_i + W_g g)`, after Attention-Gated Networks.

    Not in the paper (Schlemper et al., arXiv 1808.08114, equation 2). Theirs has two
    biases more: one within the ReLU, which here only `W_g g` can take the place of, and
    one of the score, which a softmax doesn't see, but a sigmoid would. `l` and `g` need
    not have equal channels.

    Args:
        units: Size of the hidden layer; None: as many as `l` has channels.
        initializer: Of `W_l`, `W_g` and `v`.
        **kwargs: As for every Keras layer.

    Example:
        >>> compatibility = layers.AdditiveCompatibility(units=16)
        >>> compatibility(np.ones((2, 8, 8, 32)), np.ones((2, 64))).shape
        TensorShape([2, 8, 8])
    """

    equal_channels = False
    takes_initializer = True

    def __init__(self, units: int | None = None, initializer="glorot_normal", **kwargs):
        super().__init__(**kwargs)
        if units is not None and units < 1:
            raise SettingError("units", units, "1 or more, or None")
        self.units = units
        self.initializer = keras.initializers.get(initializer)

    def build(self, local_shape, global_feature_shape=None):
        self._check(local_shape, global_feature_shape)
        units = self.units or local_shape[-1]
        self.w_local = self._dense(0, units, "w_local", self.dtype_policy)
        self.w_local.build((None, None, local_shape[-1]))
        self.w_global = self._dense(1, units, "w_global", self.dtype_policy)
        self.w_global.build(global_feature_shape)
        self.v = self._dense(2, 1, "v", "float32")
        self.v.build((None, None, units))
        super().build(local_shape, global_feature_shape)

    def score(self, local, global_feature):
        hidden = self.w_local(local) + keras.ops.expand_dims(
            self.w_global(global_feature), 1
        )
        return self.v(keras.ops.relu(hidden))

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "initializer": keras.initializers.serialize(self.initializer),
        }

    def _dense(self, number, units, name, dtype):
        initializer = self.initializer
        if isinstance(initializer, keras.initializers.Initializer):
            # One seed would make equal weights of equal shapes.
            settings = initializer.get_config()
            if isinstance(settings.get("seed"), int):
                settings["seed"] += number
            initializer = type(initializer).from_config(settings)
        return keras.layers.Dense(
            units,
            use_bias=False,
            kernel_initializer=initializer,
            name=name,
            dtype=dtype,
        )


COMPATIBILITIES: dict[str, type[Compatibility]] = {
    "pc": ParametrisedCompatibility,
    "dp": DotProductCompatibility,
    "local": LocalCompatibility,
    "additive": AdditiveCompatibility,
}
