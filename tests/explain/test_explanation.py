import numpy as np
import pytest

from ltpa_tf import models
from ltpa_tf.errors import SettingError
from ltpa_tf.explain import explain
from ltpa_tf.grid import Grid


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (35, 32, 32, 3), np.uint8)


@pytest.fixture(scope="module")
def model():
    return models.build("vgg_att2_concat_pc", num_classes=4, width=0.125)


def test_maps_and_probabilities_are_the_models(model, images):
    outputs = models.attention_model(model)(images, training=False)
    logits = np.asarray(outputs["logits"], np.float64)
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    # 35 images are more than one batch, and their order must stay.
    for i, item in enumerate(explain(model, images)):
        np.testing.assert_array_equal(item.image, images[i])
        np.testing.assert_allclose(item.probabilities, expected[i], atol=1e-5)
        assert item.predicted == expected[i].argmax()
        assert list(item.maps) == ["level_10", "level_13"]
        for level, attention in item.maps.items():
            np.testing.assert_allclose(attention, outputs[level][i], atol=1e-6)


def test_maps_are_placed_by_the_models_geometry():
    images = np.zeros((1, 47, 33, 3), np.uint8)
    model = models.build(
        "vgg_att_pc", trunk="vgg_d", levels=(7,), image_shape=(47, 33, 3), width=0.125
    )
    assert explain(model, images)[0].grids == {
        "level_7": Grid((1.5, 1.5), (4, 4), (40, 40))
    }
    gap = models.build("vgg_gap", image_shape=(47, 33, 3), width=0.125)
    assert explain(gap, images)[0].grids == {"CAM": models.grids(gap)["conv13_relu"]}


def test_what_is_known_stays_with_its_image(model, images):
    boxes = np.arange(12).reshape(3, 4)
    items = explain(
        model, images[:3], labels=[3, 0, 2], boxes=boxes, names=["a", "b", "c"]
    )
    assert [(item.label, item.box, item.name) for item in items] == [
        (3, (0, 1, 2, 3), "a"),
        (0, (4, 5, 6, 7), "b"),
        (2, (8, 9, 10, 11), "c"),
    ]


def test_model_without_attention_is_refused(images):
    plain = models.build("vgg", num_classes=4, width=0.125)
    with pytest.raises(SettingError, match="vgg_gap"):
        explain(plain, images[:1])


def test_no_image_is_refused(model, images):
    with pytest.raises(SettingError, match="at least one"):
        explain(model, images[:0])


def test_outputs_that_are_no_numbers_are_refused(images):
    model = models.build("vgg_att_pc", num_classes=4, width=0.125)
    estimator = model.get_layer("level_13")
    estimator.scoring.u.assign(np.nan * estimator.scoring.u)
    with pytest.raises(SettingError, match="finite"):
        explain(model, images[:1])
