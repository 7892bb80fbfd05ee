"""Keras's backend, which a user may have set for other work."""

import os

from ltpa_tf.errors import SettingError


def need_tensorflow() -> None:
    """Makes sure that Keras runs on TensorFlow.

    `ltpa_tf.layers` and `ltpa_tf.models` work on any backend, the rest on this one.

    Raises:
        SettingError: If another backend is set, by KERAS_BACKEND or in a keras.json.
    """
    found = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if found == "tensorflow":
        try:
            import keras

            found = keras.backend.backend()
        except ModuleNotFoundError as error:  # a backend that isn't installed
            found = error.name
    if found != "tensorflow":
        raise SettingError(
            "KERAS_BACKEND",
            found,
            "tensorflow, of which data, training and serving are made; only "
            "ltpa_tf.layers and ltpa_tf.models work on any Keras backend",
        )
