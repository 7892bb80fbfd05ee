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
    return models.build(
        "vgg_gap", num_classes=4, width=0.125, mean=[0.5] * 3, std=[1] * 3
    )


@pytest.mark.parametrize("settings", [{}, {"head": "indep", "logit_scale": 0.5}])
def test_mean_over_positions_is_what_the_class_scores(images, settings):
    model = models.build("vgg_gap", num_classes=4, width=0.125, **settings)
    linear = model.get_layer("logits").linear[0]
    # The first class always wins, and all that is added speaks for it.
    kernel = np.abs(np.asarray(linear.kernel))
    kernel[:, 1:] *= -1
    linear.kernel.assign(kernel)
    linear.bias.assign([3, -1, 0, 2])
    pool = model.get_layer("global_feature")
    averaged = np.asarray(keras.Model(model.input, pool.output)(images))
    scores = averaged @ kernel[:, 0] * settings.get("logit_scale", 1)
    cams = class_activation(model, images)["CAM"]
    np.testing.assert_allclose(cams.mean((1, 2)), scores, rtol=1e-4)


def test_logits_are_the_models_own_under_every_policy(images):
    model = models.build("vgg_gap", num_classes=4, width=0.125, dtype="mixed_bfloat16")
    linear = model.get_layer("logits").linear[0]
    linear.kernel.assign(10 * linear.kernel)  # or bfloat16's rounding is hardly seen
    expected = model(images, training=False)
    np.testing.assert_array_equal(class_activation(model, images)["logits"], expected)


@pytest.mark.parametrize("again", [models.prune, models.of_any_size])
def test_explains_other_models_over_the_same_weights(model, images, again):
    expected = class_activation(model, images)["CAM"]
    item = explain.explain(again(model), images)[2]
    np.testing.assert_allclose(item.maps["CAM"], expected[2], atol=1e-5)


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


@pytest.mark.parametrize(
    ("row", "settings"),
    [
        ("vgg", {}),
        ("vgg_gap", {"projection": "paper"}),
        ("vgg_att_pc", {"global_feature": "gap", "projection": "linear"}),
    ],
)
def test_other_models_are_refused(images, row, settings):
    model = models.build(row, num_classes=4, width=0.125, **settings)
    with pytest.raises(SettingError, match="vgg_gap"):
        class_activation(model, images)
