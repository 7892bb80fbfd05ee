"""Another data set by a model's features: cases of known answer."""

import json

import keras
import numpy as np
import pytest

from ltpa_tf import data, models
from ltpa_tf.data.source import Source, array_split
from ltpa_tf.errors import SettingError
from ltpa_tf.evaluation.transfer import transfer


def source_of(images, labels, test=True):
    """Every third image for the test, the others for training."""
    held = np.arange(len(images)) % 3 == 0
    train, held = (array_split(images[i], labels[i]) for i in (~held, held))
    return Source(
        name="made",
        class_names=("a", "b"),
        image_shape=images.shape[1:],
        train=train,
        validation=None,
        test=held if test else None,
        mean=(0.5,) * 3,
        std=(0.5,) * 3,
        fingerprint="0" * 64,
    )


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (300, 32, 32, 3), np.uint8)


def mean_of_channel(number):
    """A model whose one feature is the mean of a channel."""
    image = keras.Input((32, 32, 3))
    mean = keras.layers.GlobalAveragePooling2D()(image)[:, number : number + 1]
    return keras.Model(image, keras.layers.Dense(5)(mean))


def test_what_the_feature_tells_is_told_apart_and_nothing_else(images):
    labels = np.arange(300) % 2
    images = images // 2
    images[labels == 1, :, :, 1] += 100  # green
    source = source_of(images, labels)
    result = transfer(mean_of_channel(1), source, batch_size=64)
    assert result["accuracy"] == {"all": [1.0, 1.0, 1.0]}
    assert (result["train"], result["test"]) == (200, 100)
    mean, low, high = transfer(mean_of_channel(0), source)["accuracy"]["all"]
    assert low <= 0.5 <= high
    assert low < mean < high


def test_every_level_and_all_of_them(images):
    model = models.build(
        "vgg_att2_concat_pc", trunk="faster", levels=(4, 6), width=1 / 16
    )
    before = [np.copy(weight) for weight in model.get_weights()]
    result = transfer(model, data.load("digits", train_examples=200))
    assert set(result["accuracy"]) == {"all", "level_4", "level_6"}
    assert json.loads(json.dumps(result)) == result
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("descriptor", ["attended", "attended_and_max"])
def test_levels_keep_their_names_beside_a_gate(descriptor):
    model = models.build(
        "vgg_att3_concat_pc",
        trunk="faster",
        levels=(2, 4, 6),
        gates=(2,),
        width=1 / 16,
        descriptor=descriptor,
    )
    result = transfer(model, data.load("digits", train_examples=100))
    assert set(result["accuracy"]) == {"all", "level_4", "level_6"}


def test_what_cant_be_used_is_said_before_any_work(images):
    labels = np.arange(300) % 2
    with pytest.raises(SettingError, match="--transfer: .* with a test part"):
        transfer(mean_of_channel(0), source_of(images, labels, test=False))
    with pytest.raises(SettingError, match="--transfer: .* images of 32x32"):
        transfer(mean_of_channel(0), source_of(images[:, :16, :16], labels))
    image = keras.Input((32, 32, 3))
    model = keras.Model(image, keras.layers.Activation("relu")(image))
    with pytest.raises(SettingError, match="--transfer: .* head takes vectors"):
        transfer(model, source_of(images, labels))
