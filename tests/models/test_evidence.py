import keras
import numpy as np
import pytest

from ltpa_tf import models
from ltpa_tf.errors import SettingError
from ltpa_tf.layers import NORMALIZATIONS, AttentionEstimator, ConcatHead


def trained_a_little(**settings):
    """A model with uneven maps and batch norms that have seen something."""
    model = models.build(
        "vgg_att2_concat_pc",
        num_classes=5,
        trunk="faster",
        levels=(2, 4),
        width=1 / 32,
        **settings,
    )
    rng = np.random.default_rng(0)
    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, keras.layers.BatchNormalization):
            for weight in layer.weights:
                weight.assign(rng.uniform(0.5, 1.5, weight.shape))
            layer.moving_mean.assign(rng.normal(0, 0.5, layer.moving_mean.shape))
            layer.beta.assign(rng.normal(0, 0.5, layer.beta.shape))
    for linear in model.get_layer("logits").linear:
        linear.bias.assign(rng.normal(size=5))
    for level in (2, 4):
        scoring = model.get_layer(f"level_{level}").scoring
        scoring.set_weights([3 * w for w in scoring.get_weights()])
    return model


@pytest.fixture
def images():
    return np.random.default_rng(1).integers(0, 256, (6, 32, 48, 3), np.uint8)


@pytest.mark.parametrize("head", ["concat", "indep"])
@pytest.mark.parametrize("projection", ["linear", "paper"])
@pytest.mark.parametrize("normalization", ["softmax", "sigmoid", "sampled", "topk"])
def test_evidence_adds_up_to_the_logit(images, head, projection, normalization):
    hard = NORMALIZATIONS[normalization].hard
    model = trained_a_little(
        positions=5 if hard else None,
        image_shape=(32, 48, 3),
        head=head,
        projection=projection,
        normalization=normalization,
        compatibility="dp",
        logit_scale=0.7,
    )
    taken_apart = models.evidence_model(model)
    for classes in ([0, 1, 2, 3, 4, 0], [4, 4, 1, 0, 2, 3]):
        classes = np.array(classes, np.int32)
        found = {k: np.asarray(v) for k, v in taken_apart([images, classes]).items()}
        np.testing.assert_allclose(found["logits"], model(images), atol=1e-5)
        sums = [found[f"evidence_{n}"].sum((1, 2), dtype=np.float64) for n in (2, 4)]
        assert found["evidence_2"].shape == (6, 16, 24)
        if head == "concat":
            logit = sum(sums) + found["evidence_bias"][:, 0]
            expected = found["logits"][np.arange(6), classes]
            np.testing.assert_allclose(logit, expected, rtol=1e-5, atol=1e-4)
            continue
        # Level by level, before probabilities are averaged.
        layer = model.get_layer("logits")
        descriptors = keras.Model(model.input, layer.input)(images)
        for s, descriptor in enumerate(descriptors):
            expected = layer.linear[s](layer.before[s](descriptor)) * 0.7
            expected = np.asarray(expected)[np.arange(6), classes]
            logit = sums[s] + found["evidence_bias"][:, s]
            np.testing.assert_allclose(logit, expected, rtol=1e-5, atol=1e-4)


def test_evidence_by_hand():
    # Two positions with features (1, 2) and (3, 4), attention (1/4, 3/4): descriptor
    # (2.5, 3.5). Class 1's logit is 2 * 2.5 - 3.5 + 0.5 = 2: from the first position
    # (2 - 2) / 4 = 0, from the second 3 (6 - 4) / 4 = 1.5.
    image = keras.Input((1, 2, 2))
    estimator = AttentionEstimator("local", name="level_1")
    attended, _, _ = estimator(image)
    head = ConcatHead(2, projection="linear", name="logits")
    model = keras.Model(image, head([attended]))
    estimator.scoring.u.assign([[np.log(3) / 2], [0]])
    head.linear[0].set_weights([np.array([[0, 2], [0, -1]]), np.array([0, 0.5])])
    local = np.array([[[[1, 2], [3, 4]]]], np.float32)
    found = models.evidence_model(model)([local, np.array([1])])
    np.testing.assert_allclose(found["evidence_1"], [[[0, 1.5]]], atol=1e-6)
    np.testing.assert_allclose(found["evidence_bias"], [[0.5]])
    np.testing.assert_allclose(found["logits"], [[0, 2]], atol=1e-6)


def test_of_the_predicted_class(images):
    model = trained_a_little(image_shape=(32, 48, 3))
    predicted = np.argmax(model(images), -1)
    given = models.evidence_model(model)([images, predicted])
    found = models.evidence_model(model, of_predicted=True)(images)
    assert found.keys() == given.keys()
    for name in found:
        np.testing.assert_allclose(found[name], given[name], atol=1e-5)


def test_under_half_precision_it_is_that_of_the_rounded_features(images):
    model = trained_a_little(image_shape=(32, 48, 3), dtype="mixed_bfloat16")
    found = models.evidence_model(model, of_predicted=True)(images)
    total = sum(np.asarray(found[f"evidence_{n}"]).sum((1, 2)) for n in (2, 4))
    expected = np.asarray(found["logits"]).max(-1)
    np.testing.assert_allclose(
        total + found["evidence_bias"][:, 0], expected, rtol=0.05
    )


@pytest.mark.parametrize("row", ["vgg", "vgg_gap"])
def test_models_without_attention_are_refused(row):
    model = models.build(row, num_classes=5, width=0.125)
    with pytest.raises(SettingError, match="estimators"):
        models.evidence_model(model)
