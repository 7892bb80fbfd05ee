"""Estimators of any name keep their maps, from the model to the answer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import layers, models, serving
from ltpa_tf.errors import SettingError


def build(name, level=None):
    images = keras.Input((32, 32, 3))
    local = keras.layers.Conv2D(8, 3, padding="same", name="conv1")(images)
    local = keras.layers.MaxPooling2D(4)(local)
    estimator = layers.AttentionEstimator("local", level=level, name=name)
    attended, *_ = estimator(local)
    last, *_ = layers.AttentionEstimator("local", level=9, name="level_9")(local)
    logits = layers.ConcatHead(3, name="logits")([attended, last])
    return keras.Model(images, logits)


def test_maps_of_an_estimator_with_a_name_of_its_own(tmp_path):
    model = build("look")
    names = ("cat", "dog", "owl")
    version = serving.export(model, tmp_path / "mine", class_names=names)
    assert serving.check_export(tmp_path / "mine") == []
    assert "levels 9, look" in (version / "model_card.md").read_text()
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    expected = models.attention_model(model)(tf.cast(images, tf.float32))
    predictor = serving.Predictor.from_saved_model(version)
    for i, answer in enumerate(predictor.predict(images)):
        assert list(answer.maps) == list(answer.image_maps) == [9, "look"]
        np.testing.assert_allclose(answer.maps["look"], expected["look"][i], rtol=1e-4)
        assert answer.image_maps["look"].shape == (32, 32)
    outputs = tf.saved_model.load(version).signatures["attention_maps"](images=images)
    assert outputs["look_grid"].numpy()[0].tolist() == [1.5, 1.5, 4, 4]


def test_a_name_that_means_something_else_is_refused(tmp_path):
    with pytest.raises(SettingError, match="estimator 'top_names'.*another name"):
        serving.export(build("top_names"), tmp_path / "mine", class_names="abc")
