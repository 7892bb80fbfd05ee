"""Estimators of any name keep their maps, from the model to the answer."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from light import small_batches

from ltpa_tf import layers, models, serving
from ltpa_tf.errors import SettingError
from ltpa_tf.serving import litert_file, onnx_file
from ltpa_tf.serving.signatures import Signatures


def build(name, level=None):
    images = keras.Input((32, 32, 3))
    small = keras.initializers.RandomNormal(stddev=0.002, seed=0)  # for 0 to 255
    local = keras.layers.Conv2D(
        8, 3, padding="same", name="conv1", kernel_initializer=small
    )(images)
    local = keras.layers.MaxPooling2D(4)(local)
    estimator = layers.AttentionEstimator("local", level=level, name=name)
    attended, *_ = estimator(local)
    last, *_ = layers.AttentionEstimator("local", level=9, name="level_9")(local)
    logits = layers.ConcatHead(3, name="logits")([attended, last])
    return keras.Model(images, logits)


def test_maps_of_an_estimator_with_a_name_of_its_own(tmp_path):
    model = build("look")
    names = ("cat", "dog", "owl")
    base = small_batches(tmp_path / "mine")
    version = serving.export(model, base, class_names=names)
    assert serving.check_export(base) == []
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


def test_evidence_of_a_level_named_after_a_layer():
    """As `attach(levels=["block4_pool"])` names them."""
    predictor = serving.Predictor.from_model(build("level_pool"), ("cat", "dog", "owl"))
    (answer,) = predictor.predict(np.full((1, 32, 32, 3), 9, np.uint8))
    assert [*answer.evidence] == [*answer.maps] == [9, "level_pool"]
    assert answer.evidence["level_pool"].shape == (8, 8)


@pytest.mark.parametrize("form", ["onnx", "litert", "litert int8"])
def test_it_keeps_them_in_converted_files_too(tmp_path, form):
    names = ["tf2onnx", "onnxruntime"] if form == "onnx" else ["ai_edge_litert"]
    for name in names:
        pytest.importorskip(name)
    model = build("look")
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    signatures = Signatures(model, ("cat", "dog", "owl"))
    if form == "onnx":
        ask, _ = onnx_file.to_onnx(signatures, tmp_path / "m.onnx", images)
    else:
        quantize = "int8" if form.endswith("int8") else "none"
        ask, _ = litert_file.to_litert(
            signatures, tmp_path / "m.tflite", images, quantize=quantize
        )
    expected = models.attention_model(model)(tf.cast(images, tf.float32))["look"]
    found = ask(images)
    np.testing.assert_allclose(found["look"].sum((1, 2)), 1, atol=0.01)
    if form.endswith("int8"):
        assert np.corrcoef(found["look"].ravel(), np.ravel(expected))[0, 1] > 0.9
    else:
        np.testing.assert_allclose(found["look"], expected, atol=1e-5)
    assert found["look_image"].shape == (4, 32, 32)


@pytest.mark.parametrize("name", ["top_names", "evidence_9", "look_grid", "9_image"])
def test_a_name_that_means_something_else_is_refused(tmp_path, name):
    with pytest.raises(SettingError, match=f"another name.*estimator '{name}'"):
        serving.export(build(name), tmp_path / "mine", class_names="abc")


def test_a_model_whose_layers_keras_does_not_know_is_refused(tmp_path):
    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.whole = build("look")

        def call(self, images):
            return self.whole(images)

    with pytest.raises(SettingError, match="functional.*Received: 'Subclassed'"):
        serving.export(Subclassed(), tmp_path / "mine", class_names="abc")
    assert not list(tmp_path.iterdir())
