"""What Keras's `fit` can't train is refused, by every model that may have it."""

import keras
import numpy as np
import pytest

from ltpa_tf import models
from ltpa_tf.errors import SettingError


def attached(**form):
    image = keras.Input((32, 32, 3))
    features = keras.layers.Conv2D(4, 3, strides=4, activation="relu")(image)
    return models.attach(keras.Model(image, features), 2, **form)


def vgg(**form):
    return models.build("vgg_att_pc", num_classes=2, width=1 / 16, **form)


def resnet(**form):
    small = {"depth": 11, "levels": (3,), "width": 1 / 8}
    return models.AttentionResNet(num_classes=2, **small, **form)


@pytest.mark.parametrize("make", [attached, vgg, resnet])
def test_fit_refuses_what_has_no_gradient(make, tmp_path):
    model = make(normalization="sampled", positions=2)
    model.save(tmp_path / "model.keras")
    for one in (model, keras.models.load_model(tmp_path / "model.keras")):
        one.compile("sgd", "mse")
        with pytest.raises(SettingError, match="normalization: .*fit.*sampled"):
            one.fit(np.zeros((2, 32, 32, 3)), np.eye(2), verbose=0)


def test_fit_trains_the_scores_of_an_attached_model_that_has_one():
    model = attached(normalization="topk", positions=2)
    model.compile("sgd", "mse", jit_compile=False)
    before = np.array(model.get_layer("level_4").scoring.u)
    images = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3))
    model.fit(images, np.eye(2)[[0, 1, 0, 1]], verbose=0)
    assert np.abs(np.array(model.get_layer("level_4").scoring.u) - before).max() > 0
