"""Keras's backend, which a user may have set for other work."""

import os

from ltpa_tf.errors import SettingError


def check_environment() -> None:
    """Whether KERAS_BACKEND is what is needed, found without starting anything.

    Raises:
        SettingError: If it is another one.
    """
    _check(os.environ.get("KERAS_BACKEND") or "tensorflow")


def need_tensorflow() -> None:
    """Makes sure that Keras runs on TensorFlow.

    `ltpa_tf.layers` and `ltpa_tf.models` work on any backend, the rest on this one.

    Raises:
        SettingError: If another backend is set, by KERAS_BACKEND or in a keras.json.
    """
    check_environment()
    try:
        import keras

        found = keras.backend.backend()
    except ModuleNotFoundError as error:  # a backend that isn't installed
        found = error.name
    except ValueError as error:  # one that there isn't
        found = str(error)
    _check(found)


def _check(found: str) -> None:
    if found != "tensorflow":
        raise SettingError(
            "KERAS_BACKEND",
            found,
            "tensorflow, of which data, training and serving are made; only "
            "ltpa_tf.layers and ltpa_tf.models work on any Keras backend",
        )
