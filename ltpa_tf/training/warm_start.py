"""A start from another run's weights."""

from pathlib import Path

import keras

from ltpa_tf import models
from ltpa_tf.errors import SettingError
from ltpa_tf.run import RunFolder, read_model

_SETTING = "train.init_from"


def take_weights(model: keras.Model, source: str) -> list[str]:
    """Gives a new model another one's weights, see `ltpa_tf.models.transfer_weights`.

    Args:
        model: The new model.
        source: The folder of a finished run, whose final model is taken, a `.keras`
            file, or a preset's name or folder.

    Returns:
        The names of the layers that stayed as they were.

    Raises:
        SettingError: If there is no such model, or it has no layer in common.
    """
    new = models.transfer_weights(model, _load(source))
    if new is None:
        raise SettingError(
            _SETTING, source, "a model with layers of the same names and shapes"
        )
    return new


def _load(source: str) -> keras.Model:
    path = Path(source)
    if models.is_preset(source):
        return models.from_preset(source)
    if path.suffix == ".keras" and path.is_file():
        return read_model(path)
    if path.is_dir():
        return RunFolder(path).load_model()
    raise SettingError(
        _SETTING,
        source,
        "the folder of a finished run, a .keras file, or a preset's name or folder",
    )
