"""A start from another run's weights."""

from pathlib import Path

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.run import RunFolder, read_model

_SETTING = "train.init_from"


def take_weights(model: keras.Model, source: str) -> list[str]:
    """Gives a new model another one's weights, layer by layer.

    A layer takes those of the layer of its name if they have its shapes; so another
    number of classes costs the classifier alone.

    Args:
        model: The new model; those of its layers that find nothing stay as they are.
        source: The folder of a finished run, whose final model is taken, or a `.keras`
            file.

    Returns:
        The names of the layers that stayed as they were.

    Raises:
        SettingError: If there is no such model, or it has no layer in common.
    """
    other = _load(source)
    if _shapes(model) == _shapes(other):  # whatever Keras has named the layers
        model.set_weights(other.get_weights())
        return []
    layers = {layer.name: layer for layer in other.layers}
    new, taken = [], 0
    for layer in model.layers:
        if not layer.weights:
            continue
        if layer.name in layers and _shapes(layers[layer.name]) == _shapes(layer):
            layer.set_weights(layers[layer.name].get_weights())
            taken += 1
        else:
            new.append(layer.name)
    if not taken:
        raise SettingError(
            _SETTING, source, "a model with layers of the same names and shapes"
        )
    return new


def _load(source: str) -> keras.Model:
    path = Path(source)
    if path.suffix == ".keras" and path.is_file():
        return read_model(path)
    if not path.is_dir():
        raise SettingError(
            _SETTING, source, "the folder of a finished run, or a .keras file"
        )
    return RunFolder(path).load_model()


def _shapes(layer: keras.Layer) -> list[tuple]:
    return [tuple(weight.shape) for weight in layer.weights]
