import keras
import numpy as np
import pytest

from ltpa_tf import explain, models
from ltpa_tf.errors import SettingError
from ltpa_tf.explain.posthoc import class_activation


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)


@pytest.fixture
def model():
    return models.build("vgg_gap", classes=4, width=0.125, mean=[0.5] * 3, std=[1] * 3)


def test_agrees_with_the_papers_formula(model, images):
    answers = class_activation(model, images)
    np.testing.assert_allclose(
        answers["logits"], model(images, training=False), atol=1e-4
    )
    pool = model.get_layer("global_feature")
    features = np.asarray(keras.Model(model.input, pool.input)(images, training=False))
    kernel = np.asarray(model.get_layer("logits").linear[0].kernel)
    of_class = kernel.T[answers["logits"].argmax(1)]
    expected = np.einsum("nhwc,nc->nhw", features, of_class)
    np.testing.assert_allclose(answers["CAM"], np.maximum(expected, 0), atol=1e-4)


def test_explains_the_control(model, images):
    items = explain.explain(model, images, labels=[0, 1, 2, 3, 0])
    cams = class_activation(model, images)["CAM"]
    for item, cam in zip(items, cams, strict=True):
        assert list(item.maps) == ["CAM"]
        np.testing.assert_allclose(item.maps["CAM"], cam, atol=1e-5)


def test_other_models_are_refused(images):
    with pytest.raises(SettingError, match="vgg_gap"):
        class_activation(models.build("vgg", classes=4, width=0.125), images)
