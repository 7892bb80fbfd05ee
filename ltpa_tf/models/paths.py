"""Where a model that takes glimpses looks."""

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.recurrent import RecurrentGlimpses
from ltpa_tf.models.views import reapplied


def glimpses_of(model: keras.Model) -> RecurrentGlimpses | None:
    """The layer that takes a model's glimpses; None if there is none.

    Example:
        >>> models.glimpses_of(models.build("ram", image_shape=(60, 60, 3))).glimpses
        8
    """
    found = [x for x in model.layers if isinstance(x, RecurrentGlimpses)]
    return found[0] if found else None


def glimpse_model(model: keras.Model) -> keras.Model:
    """The model that returns where it looked beside the logits.

    Args:
        model: A functional model with a `RecurrentGlimpses` layer.

    Returns:
        A model over the same weights and input, whose output is a dict: `"logits"`, and
        `"locations"`, float32 `[B, P, T, 2]`: (y, x) of P paths of T glimpses, -1 to 1.

    Raises:
        SettingError: The model takes no glimpses, or is not functional.

    Example:
        >>> model = models.build("ram", image_shape=(60, 60, 3), glimpses=4)
        >>> outputs = models.glimpse_model(model)(np.zeros((2, 60, 60, 3)))
        >>> outputs["locations"].shape
        TensorShape([2, 1, 4, 2])
    """
    layer = glimpses_of(model)
    if layer is None:
        raise SettingError("model", model.name, "a model that takes glimpses")
    located = []

    def call(one, *args, **kwargs):
        outputs = one(*args, **kwargs)
        if one is layer:
            shape = (-1, layer.paths, layer.glimpses, 2)
            located.append(keras.ops.reshape(outputs[1], shape))
        return outputs

    again = reapplied(model, call)
    outputs = {"logits": again.output, "locations": located[0]}
    return keras.Model(again.input, outputs, name=model.name)
