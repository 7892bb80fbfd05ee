"""Weights from one model to another, layer by layer."""

from collections.abc import Collection

import keras


def transfer_weights(
    model: keras.Model, other: keras.Model, leave: Collection[str] = ()
) -> list[str] | None:
    """Gives a model another one's weights.

    A layer takes those of the layer of its name if they have its shapes; so another
    number of classes costs the classifier alone.

    Args:
        model: Those of its layers that find nothing stay as they are.
        other: The model to take from.
        leave: Names of layers that stay as they are, whatever the other has.

    Returns:
        The names of the layers that stayed as they were; None if all of them.

    Example:
        >>> source = models.build("vgg_att2_concat_pc", num_classes=100, width=0.125)
        >>> model = models.build("vgg_att2_concat_pc", num_classes=10, width=0.125)
        >>> models.transfer_weights(model, source)  # left as they were
        ['logits']
    """
    if _shapes(model) == _shapes(other):  # whatever Keras has named the layers
        kept = {name: model.get_layer(name).get_weights() for name in leave}
        model.set_weights(other.get_weights())
        for name, weights in kept.items():
            model.get_layer(name).set_weights(weights)
        return list(kept)
    layers = {layer.name: layer for layer in other.layers}
    new, taken = [], 0
    for layer in model.layers:
        if not layer.weights:
            continue
        found = layers.get(layer.name) if layer.name not in leave else None
        if found is not None and _shapes(found) == _shapes(layer):
            layer.set_weights(found.get_weights())
            taken += 1
        else:
            new.append(layer.name)
    return new if taken else None


def _shapes(layer: keras.Layer) -> list[tuple]:
    return [tuple(weight.shape) for weight in layer.weights]
