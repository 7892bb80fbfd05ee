"""Attacks on a linear model, whose best attack is known, and changes of images."""

import json

import keras
import numpy as np
import pytest

from ltpa_tf import data, models
from ltpa_tf.errors import SettingError
from ltpa_tf.evaluation.robustness import CORRUPTIONS, corrupt, fgsm, pgd, robustness


@pytest.fixture
def linear():
    inputs = keras.Input((4, 4, 3))
    flat = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, name="dense")(flat))


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3), np.uint8)


LABELS = np.array([0, 1, 0, 1, 1, 0], np.int32)


def test_on_a_linear_model_both_find_the_corner_of_the_budget(linear, images):
    kernel = np.asarray(linear.get_layer("dense").kernel)
    against = (kernel[:, 1] - kernel[:, 0]).reshape(4, 4, 3)
    worst = np.where(LABELS[:, None, None, None] == 0, against, -against)
    expected = (images + 3.0 * np.sign(worst)).clip(0, 255)
    for attack in (fgsm(linear), pgd(linear)):
        np.testing.assert_allclose(attack(images, LABELS, 3.0), expected, atol=1e-4)


def test_a_random_start_and_few_steps_stay_in_the_budget(linear, images):
    found = pgd(linear, steps=1)(images, LABELS, 8.0).numpy()
    assert np.abs(found - images).max() <= 8.001
    assert found.min() >= 0 and found.max() <= 255
    assert len(np.unique(np.abs(found - images).round(3))) > 20


def test_corruptions_by_their_kind(images):
    brighter = corrupt(images, "brightness", 30)
    np.testing.assert_array_equal(brighter, np.minimum(images.astype(int) + 30, 255))
    grey = np.full((2, 64, 64, 3), 128, np.uint8)
    noisy = corrupt(grey, "noise", 10)
    assert noisy.std() == pytest.approx(10, rel=0.05)
    np.testing.assert_array_equal(noisy, corrupt(grey, "noise", 10))
    np.testing.assert_array_equal(corrupt(grey, "blur", 2), grey)
    point = np.zeros((1, 33, 33, 3), np.uint8)
    point[0, 16, 16] = 255
    blurred = corrupt(point, "blur", 1)[0, :, :, 0] / 255
    assert blurred[16, 16] == pytest.approx(1 / (2 * np.pi), abs=0.01)
    errors = [
        np.abs(corrupt(noisy, "jpeg", q).astype(int) - noisy).mean() for q in (95, 25)
    ]
    assert 0 < errors[0] < errors[1]


def test_every_change_is_measured():
    keras.utils.set_random_seed(0)
    model = models.build(
        "vgg_att2_concat_pc", trunk="faster", levels=(4, 6), width=1 / 16
    )
    split = data.load("digits").test
    seen = []
    result = robustness(model, split, examples=12, batch_size=8, progress=seen.append)
    assert json.loads(json.dumps(result)) == result
    assert set(result) == {"examples", *seen}
    assert len(seen) == 1 + 2 * 4 + sum(map(len, CORRUPTIONS.values()))
    clean = result["clean"]
    assert clean["level_6"]["rank_correlation"][0] == pytest.approx(1)
    for name in seen[1:]:
        for level in ("level_4", "level_6"):
            assert result[name][level]["rank_correlation"][0] <= 1 + 1e-9
    logits = np.asarray(model(split.array[np.arange(12) * len(split) // 12]))
    labels = split.labels[np.arange(12) * len(split) // 12]
    assert clean["accuracy"][0] == pytest.approx((logits.argmax(1) == labels).mean())
    assert result["pgd_8"]["accuracy"][0] <= clean["accuracy"][0]
    with pytest.raises(SettingError, match="--map_examples: .*Received: 999999"):
        robustness(model, split, examples=999_999)
