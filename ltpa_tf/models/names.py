"""Names of layers that TensorFlow can make a graph with."""

import re

import keras

from ltpa_tf.errors import SettingError

_SCOPE = re.compile(r"[A-Za-z0-9_.\\/>-]*")  # tf.name_scope's
_ROOT = re.compile(r"[A-Za-z0-9.]" + _SCOPE.pattern)


def check_names(model: keras.Model, setting: str = "model") -> None:
    """Refuses names that no graph can have, as `fit`, `predict` and exports make.

    Keras takes any name, and TensorFlow without a graph does. Other backends have no
    such rule.

    Args:
        model: Its own name and those of all its layers are looked at.
        setting: For the message.

    Raises:
        SettingError: Naming the first of them.

    Example:
        >>> models.check_names(keras.Sequential([keras.layers.ReLU(name="my relu")]))
        Traceback (most recent call last):
        ltpa_tf.errors.SettingError: model: expected names of letters (a to z), ...
    """
    if keras.backend.backend() != "tensorflow":
        return
    rule = "letters (a to z), digits, _, . and - alone"
    if not _ROOT.fullmatch(model.name):
        raise SettingError(
            setting,
            f"a model named {model.name!r}",
            f"a name of {rule}, not _ or - first",
        )
    for layer in model._flatten_layers(include_self=False):
        used = not isinstance(layer, keras.layers.InputLayer)
        if used and not _SCOPE.fullmatch(layer.name):
            raise SettingError(
                setting,
                f"a layer named {layer.name!r}",
                f"names of {rule}; layer.name = 'NEW' renames one",
            )
