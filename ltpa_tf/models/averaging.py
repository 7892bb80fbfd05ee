"""The backward pass of the authors' code, which averages where gradients meet."""

import keras

from ltpa_tf.layers.estimator import AttentionEstimator
from ltpa_tf.layers.matching import ChannelMatching
from ltpa_tf.models.views import reapplied


def averaged_gradients(model: keras.Model) -> keras.Model:
    """The same function, whose gradients are averaged where several of them meet.

    The authors' code (their `main_AttLevel3_1global.lua`) calls the backward pass of
    each part by hand. Where autodiff adds gradients up, it takes their mean:

        dL/dg   = 1/n sum_s  dL/dg through the estimator of level s
        dL/dl^s = 1/2 (dL/dl^s through the estimator + dL/dl^s through the trunk)

    with n estimators that take g. Deeper levels so move what lies below them less: of
    three levels, what the last one gives to the first convolution is an eighth of its
    gradient. A level is halved even where the trunk behind it has no gradient, as with
    pc scores and softmax maps, which don't depend on g.

    Args:
        model: A functional model with any number of `AttentionEstimator` layers.

    Returns:
        A model over the same weights and input, for training alone: its outputs are
        bitwise the model's.

    Raises:
        SettingError: The model is not functional.

    Example:
        >>> model = models.build("vgg_att3_concat_pc", width=0.125)
        >>> averaged = models.averaged_gradients(model)
        >>> images = np.zeros((1, 32, 32, 3))
        >>> bool(np.all(averaged(images) == model(images)))
        True
    """
    shares = _shares(model)
    number = -1

    def call(layer, *args, **kwargs):
        nonlocal number
        number += 1
        outputs = layer(*args, **kwargs)
        leaves = keras.tree.flatten(outputs)
        for place, leaf in enumerate(leaves):
            share = shares.get((number, place), 1)
            if share != 1:
                leaves[place] = _Share(share, name=f"share_{number}_{place}")(leaf)
        return keras.tree.pack_sequence_as(outputs, leaves)

    return reapplied(model, call)


def _shares(model: keras.Model) -> dict[tuple[int, int], float]:
    """What a gradient is multiplied by: (call's number, output's number) -> share."""
    places: dict[int, tuple[int, int]] = {}
    made = []  # keeps the tensors, so that no other gets the number of one of them
    unprojected: dict[int, keras.KerasTensor] = {}
    levels, globals_ = set(), []

    def call(layer, *args, **kwargs):
        outputs = layer(*args, **kwargs)
        leaves = keras.tree.flatten(outputs)
        places.update((id(x), (len(made), i)) for i, x in enumerate(leaves))
        made.append(leaves)
        if isinstance(layer, ChannelMatching):
            unprojected[id(outputs)] = args[0]
        if isinstance(layer, AttentionEstimator):
            given = dict(zip(("local", "global_feature", "keys"), args, strict=False))
            given |= kwargs
            local, g = given["local"], given.get("global_feature")
            levels.add(places[id(unprojected.get(id(local), local))])
            if g is not None:
                globals_.append(places[id(unprojected.get(id(g), g))])
        return outputs

    reapplied(model, call)
    shares = {place: 1 / globals_.count(place) for place in globals_}
    return shares | dict.fromkeys(levels, 1 / 2)


class _Share(keras.layers.Layer):
    """The identity, whose gradient is multiplied by a constant."""

    def __init__(self, share: float, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.share = share

    def call(self, inputs):
        @keras.ops.custom_gradient
        def identity(x):
            def backward(*arguments, upstream=None):
                # Keras's backends hand it over in one way or the other.
                return (arguments[-1] if upstream is None else upstream) * self.share

            return x, backward

        return identity(inputs)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs.shape, inputs.dtype)
