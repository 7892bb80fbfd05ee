"""A model in which pairs of images exchange their global features."""

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.estimator import AttentionEstimator
from ltpa_tf.models.views import attention_model, reapplied


def exchange_global(model: keras.Model) -> keras.Model:
    """The model in which pairs of images exchange their global features.

    The swap of the paper's appendix: local features stay each image's own, what they
    are compared with is the other's.

    Args:
        model: A functional model with `AttentionEstimator` layers that are given a
            global feature, as it was built (`prune` may have taken it away).

    Returns:
        A model over the same weights, with the outputs of `attention_model`. Of a batch
        of 2 N images, image i and image N + i exchange their global features.

    Raises:
        SettingError: No estimator takes a global feature.

    Example:
        >>> model = models.build("vgg_att2_concat_dp", width=0.125)
        >>> exchanged = models.exchange_global(model)
        >>> images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3))
        >>> exchanged(images * 1.0)["level_10"].shape  # each by the other's g
        TensorShape([2, 16, 16])
    """
    exchanged = []

    def call(layer, *args, **kwargs):
        if isinstance(layer, AttentionEstimator):
            names = ("local", "global_feature", "keys")
            kwargs |= dict(zip(names, args, strict=False))
            args = ()
            if kwargs.get("global_feature") is not None:
                halves = _HalvesExchanged(name=f"{layer.name}_exchange")
                kwargs["global_feature"] = halves(kwargs["global_feature"])
                exchanged.append(layer.name)
        return layer(*args, **kwargs)

    again = reapplied(model, call)
    if not exchanged:
        raise SettingError(
            "model", model.name, "a model whose estimators take a global feature"
        )
    return attention_model(again)


class _HalvesExchanged(keras.layers.Layer):
    """A layer, whose name can't be that of one of the model's own operations."""

    def call(self, g):
        pairs = keras.ops.reshape(g, (2, -1, *g.shape[1:]))
        return keras.ops.reshape(keras.ops.flip(pairs, axis=0), (-1, *g.shape[1:]))

    def compute_output_shape(self, g_shape):
        return g_shape
