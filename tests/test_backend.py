"""A Keras backend that was set for other work."""

import keras
import pytest

from ltpa_tf.backend import need_tensorflow
from ltpa_tf.errors import SettingError


def test_tensorflow_is_what_is_needed(monkeypatch):
    need_tensorflow()
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(SettingError, match="KERAS_BACKEND: .*tensorflow.*: 'jax'"):
        need_tensorflow()


def test_a_backend_of_keras_json_counts_too(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(SettingError, match="'torch'"):
        need_tensorflow()
