"""What a glimpse sees, and where the next one goes."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import layers
from ltpa_tf.errors import SettingError
from ltpa_tf.layers import choices


def location(y, x, height, width):
    """Of a point in pixels."""
    return np.array([[[2 * y / height - 1, 2 * x / width - 1]]], "float32")


@pytest.fixture
def image():
    return np.random.default_rng(0).normal(size=(1, 16, 20, 3)).astype("float32")


def test_the_finest_scale_is_the_image_itself(image):
    sensor = layers.GlimpseSensor(4, scales=1)
    found = sensor(image, location(7, 12, 16, 20))
    np.testing.assert_allclose(found[0, 0], image[0, 5:9, 10:14], atol=1e-5)


def test_the_next_scale_is_the_mean_of_two_by_two(image):
    sensor = layers.GlimpseSensor(4, scales=2)
    found = sensor(image, location(7, 12, 16, 20))[0, 0, ..., 3:]
    around = image[0, 3:11, 8:16].reshape(4, 2, 4, 2, 3).mean((1, 3))
    np.testing.assert_allclose(found, around, atol=1e-5)


def test_between_pixels_is_what_a_cell_covers_of_each(image):
    found = layers.GlimpseSensor(2, scales=1)(image, location(7.25, 12, 16, 20))[0, 0]
    whole = image[0, 6:9, 11:13]
    np.testing.assert_allclose(found, 0.75 * whole[:2] + 0.25 * whole[1:], atol=1e-5)


def test_beyond_the_image_is_nothing(image):
    found = layers.GlimpseSensor(4, scales=1)(image, location(0, 20, 16, 20))[0, 0]
    np.testing.assert_allclose(found[2:, :2], image[0, :2, 18:], atol=1e-5)
    assert not found[:2].numpy().any() and not found[:, 2:].numpy().any()


def test_each_sample_of_each_image_has_its_own_place():
    random = np.random.default_rng(0)
    images = random.normal(size=(2, 9, 9, 1)).astype("float32")
    places = random.uniform(-1, 1, (2, 3, 2)).astype("float32")
    sensor = layers.GlimpseSensor(3, scales=2)
    together = sensor(images, places)
    assert together.shape == (2, 3, 3, 3, 2)
    for b in range(2):
        for s in range(3):
            alone = sensor(images[b : b + 1], places[b : b + 1, s : s + 1])
            np.testing.assert_allclose(together[b, s], alone[0, 0], atol=1e-5)


def glimpses(**settings):
    """With weights in the location network, which begins without."""
    layer = layers.RecurrentGlimpses(
        **{"glimpses": 5, "glimpse_size": 4, "scales": 1, "width": 1 / 8, **settings}
    )
    layer.build((None, 16, 20, 3))
    if layer.chooses:
        kernel = np.random.default_rng(0).normal(size=layer.next.kernel.shape) / 5
        layer.next.kernel.assign(kernel)
    return layer


def test_one_path_is_the_most_probable(image):
    """The first glimpse at the centre, the others where the location network says."""
    layer = glimpses()
    state, places = layer(image)
    assert state.shape == (1, 32) and places.shape == (1, 5, 2)
    np.testing.assert_array_equal(places[0, 0], [0, 0])
    assert len(np.unique(places[0], axis=0)) == 5
    again = layer(image)
    np.testing.assert_array_equal(again[1], places)
    core = tf.zeros((1, 1, 32))
    for t in range(5):
        np.testing.assert_allclose(
            places[:, t], tf.tanh(core @ layer.next.kernel)[0] if t else [[0, 0]]
        )
        core = layer._look(image, places[:, None, t], core)
    np.testing.assert_allclose(state, core[0], atol=1e-6)


def test_several_paths_are_the_same_for_any_batch(image):
    layer = glimpses(paths=3)
    two = np.concatenate([image, -image])
    places = layer(two)[1]
    assert places.shape == (6, 5, 2)
    np.testing.assert_allclose(layer(image)[1], places[:3], atol=1e-6)
    assert len(np.unique(places[:3, 1], axis=0)) == 3


@pytest.mark.parametrize("policy", ["centre", "random"])
def test_policies_to_compare_with(image, policy):
    layer = glimpses(policy=policy)
    assert not layer.chooses
    images = np.repeat(image, 400, axis=0)
    places = layer(images, training=True)[1].numpy()
    if policy == "centre":
        assert not places.any()
        return
    assert len(np.unique(places.reshape(-1, 2), axis=0)) == 2000
    assert np.abs(places.mean((0, 1))).max() < 0.1
    np.testing.assert_allclose(places.std((0, 1)), 3**-0.5, rtol=0.05)


def test_log_probability_is_that_of_the_normal_distribution(image):
    layer = glimpses(location_std=0.3)
    _, places, choice = layer(image, training=True, samples=2)
    assert choice["log_probability"].shape == choice["baseline"].shape == (1, 2, 4)
    core = layer._look(image, np.zeros((1, 2, 2), "float32"), tf.zeros((1, 2, 32)))
    mean = tf.tanh(core @ layer.next.kernel).numpy()[0]
    square = ((places.numpy()[:, 1] - mean) ** 2).sum(-1) / 0.09
    expected = -square / 2 - math.log(2 * math.pi * 0.09)
    np.testing.assert_allclose(choice["log_probability"][0, :, 0], expected, rtol=1e-4)
    entropy = 1 + math.log(2 * math.pi * 0.09)
    np.testing.assert_allclose(choice["entropy"], np.full((1, 2, 4), entropy))


def test_reinforce_moves_the_mean_to_where_the_reward_is(image):
    """The gradient of the expected reward by the location network's bias.

    With reward y of the second location it is the derivative of the mean itself.
    """
    layer = glimpses(glimpses=2, location_std=0.05)
    layer(image)
    layer.noise.state.assign([1, 2])
    bias = layer.next.bias.value
    mean = layer(image)[1][0, 1].numpy()
    with tf.GradientTape() as tape:
        _, places, choice = layer(image, training=True, samples=40_000)
        reward = tf.reshape(places[:, 1, 0], [1, -1])
        known = choice | {"baseline": tf.fill((1, 1, 1), mean[0])}
        loss = tf.reduce_mean(choices.reinforce(known, reward))
    found = -tape.gradient(loss, bias).numpy()
    np.testing.assert_allclose(found, [1 - mean[0] ** 2, 0], atol=0.04)


def test_the_core_learns_nothing_from_locations_and_baseline(image):
    layer = glimpses()
    layer(image)
    with tf.GradientTape() as tape:
        choice = layer(image, training=True, samples=2)[2]
        total = tf.reduce_sum(choice["log_probability"] + choice["baseline"])
    variables = layer.trainable_variables
    gradients = tape.gradient(total, [v.value for v in variables])
    gradients = zip(variables, gradients, strict=True)
    learns = {v.path.split("/")[-2] for v, g in gradients if g is not None}
    assert learns == {"next", "baseline"}


def test_images_of_any_size(image):
    layer = glimpses()
    model = keras.Model(x := keras.Input((None, None, 3)), layer(x))
    for part in (image, image[:, :9, :11]):
        np.testing.assert_allclose(model(part)[0], layer(part)[0], atol=1e-6)


def test_probabilities_of_paths_are_averaged_in_evaluation_alone():
    head = layers.PathsHead(3, paths=2)
    features = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    apart = head(features, training=True)
    assert apart.shape == (4, 3)
    mean = tf.reduce_mean(tf.reshape(tf.nn.softmax(apart), (2, 2, 3)), 1)
    np.testing.assert_allclose(tf.exp(head(features)), mean, rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"glimpse_size": 17}, "glimpse_size: .* 1 to 16: .*16x20.*Received: 17"),
        ({"glimpse_size": 0}, "glimpse_size: .*Received: 0"),
        ({"scales": 1.5}, "scales: .*Received: 1.5"),
        ({"glimpses": 0}, "glimpses: .*Received: 0"),
        ({"paths": 0}, "paths: .*Received: 0"),
        ({"location_std": 0}, "location_std: expected a number above 0.*Received: 0"),
        ({"policy": "left"}, "policy: .*learned, centre, random.*Received: 'left'"),
    ],
)
def test_mistakes_are_sentences(image, settings, message):
    with pytest.raises(SettingError, match=message):
        glimpses(**settings)(image)
