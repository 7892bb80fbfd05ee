"""What attention depends on, and what it does not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf.errors import SettingError
from ltpa_tf.layers import (
    COMPATIBILITIES,
    NORMALIZATIONS,
    AttentionEstimator,
    Compatibility,
)

ALL = [(c, n) for c in COMPATIBILITIES for n in NORMALIZATIONS]
WITHOUT_GLOBAL = [("local", n) for n in NORMALIZATIONS]
WITHOUT_GLOBAL += [("pc", n) for n, p in NORMALIZATIONS.items() if p.shift_invariant]
WITH_GLOBAL = [pair for pair in ALL if pair not in WITHOUT_GLOBAL]


def estimator(compatibility, normalization):
    hard = NORMALIZATIONS[normalization].hard
    positions = 4 if hard else None
    return AttentionEstimator(compatibility, normalization, positions=positions)


@pytest.fixture
def features():
    """Local features as after a ReLU, and two different global features."""
    random = np.random.default_rng(0)
    local = np.maximum(random.normal(size=(3, 6, 5, 8)), 0)
    g, other = random.normal(size=(2, 3, 8))
    return [tf.constant(x, "float32") for x in (local, g, other)]


def test_by_hand():
    layer = AttentionEstimator("pc", "softmax")
    local = np.log([[[[1, 1], [2, 1], [1, 5]]]]).astype("float32")
    g = np.array([[7, 9]], "float32")
    layer.build(local.shape, g.shape)
    layer.scoring.u.assign([[1], [0]])
    attended, scores, attention = layer(local, g)
    np.testing.assert_allclose(scores, [[[7, 7 + np.log(2), 7]]], rtol=1e-6)
    np.testing.assert_allclose(attention, [[[0.25, 0.5, 0.25]]], rtol=1e-6)
    np.testing.assert_allclose(attended, [[np.log(2) / 2, np.log(5) / 4]], rtol=1e-5)


@pytest.mark.parametrize(("compatibility", "normalization"), ALL)
def test_is_its_scoring_followed_by_its_pooling(compatibility, normalization, features):
    local, g, _ = features
    layer = estimator(compatibility, normalization)
    attended, scores, attention = layer(local, g)
    np.testing.assert_array_equal(scores, layer.scoring(local, g))
    again = layer.pooling(scores, local)
    np.testing.assert_array_equal(attended, again[0])
    np.testing.assert_array_equal(attention, again[1])


def test_a_compatibility_of_ones_own_needs_a_score_alone(monkeypatch, features):
    """As CONTRIBUTING says; here the negative squared distance to g."""

    class Distance(Compatibility):
        def score(self, local, global_feature):
            apart = local - global_feature[:, None]
            return -keras.ops.sum(apart**2, axis=-1, keepdims=True)

    monkeypatch.setitem(COMPATIBILITIES, "distance", Distance)
    local, g, _ = features
    _, scores, attention = AttentionEstimator("distance")(local, g)
    apart = np.square(local - g[:, None, None]).sum(-1)
    np.testing.assert_allclose(scores, -apart, rtol=1e-5)
    np.testing.assert_allclose(np.sum(attention, (1, 2)), 1, rtol=1e-6)


@pytest.mark.parametrize(("compatibility", "normalization"), WITHOUT_GLOBAL)
def test_g_is_without_effect(compatibility, normalization, features):
    """<u, l + g> = <u, l> + <u, g>, and a softmax cancels what all positions share."""
    local, g, other = features
    layer = estimator(compatibility, normalization)
    assert not layer.needs_global
    with tf.GradientTape() as tape:
        tape.watch([local, g])
        attended, _, attention = layer(local, g)
        loss = tf.reduce_sum(tf.sin(3 * attended))
    by_local, by_g = tape.gradient(loss, [local, g], unconnected_gradients="zero")
    assert np.abs(by_local).max() > 1e-2
    assert np.abs(by_g).max() < 1e-6

    for instead in ({"global_feature": 10 * other}, {}):
        again, _, map_again = layer(local, **instead)
        np.testing.assert_allclose(map_again, attention, rtol=0, atol=1e-6)
        np.testing.assert_allclose(again, attended, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("compatibility", "normalization"), WITH_GLOBAL)
def test_g_has_an_effect(compatibility, normalization, features):
    local, g, other = features
    layer = estimator(compatibility, normalization)
    assert layer.needs_global
    with tf.GradientTape() as tape:
        tape.watch(g)
        attended, _, attention = layer(local, g)
        loss = tf.reduce_sum(tf.sin(3 * attended))
    if not layer.pooling.hard:  # which has no gradient
        assert np.abs(tape.gradient(loss, g)).max() > 1e-4
    assert np.abs(layer(local, other)[2] - attention).max() > 1e-3


@pytest.mark.parametrize(("compatibility", "normalization"), ALL)
def test_a_permutation_of_positions_permutes_the_map(
    compatibility, normalization, features
):
    local, g, _ = features
    layer = estimator(compatibility, normalization)
    attended, _, attention = layer(local, g)
    order = np.random.default_rng(1).permutation(30)

    def permuted(x):
        x = np.asarray(x)
        return x.reshape(3, 30, *x.shape[3:])[:, order].reshape(x.shape)

    again, _, map_again = layer(permuted(local), g)
    np.testing.assert_allclose(map_again, permuted(attention), rtol=0, atol=1e-6)
    np.testing.assert_allclose(again, attended, rtol=0, atol=1e-6)


def test_keys_are_compared_and_local_is_attended_to(features):
    local, g, _ = features
    keys = tf.random.stateless_normal((3, 6, 5, 8), (0, 1))
    layer = AttentionEstimator("dp")
    attended, scores, attention = layer(local, g, keys=keys)
    np.testing.assert_array_equal(scores, AttentionEstimator("dp")(keys, g)[1])
    np.testing.assert_allclose(
        attended, np.einsum("bhw,bhwc->bc", attention, local), rtol=0, atol=1e-6
    )


def test_compiled_by_xla_is_the_same(features):
    local, g, _ = features
    layer = AttentionEstimator("pc", "softmax")
    eager = layer(local, g)
    compiled = tf.function(layer, jit_compile=True)(local, g)
    for one, other in zip(compiled, eager, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


def test_scores_are_scaled_before_they_become_a_map():
    layer = AttentionEstimator("local", "softmax", initializer="ones", score_scale=2.0)
    local = np.log([[[[1.0], [3.0]]]]).astype("float32")
    _, scores, attention = layer(local)
    np.testing.assert_allclose(scores, [[[0, 2 * np.log(3)]]], rtol=1e-6)
    np.testing.assert_allclose(attention, [[[0.1, 0.9]]], rtol=1e-6)


def test_scaled_scores_are_those_of_a_larger_u_that_learns_faster(features):
    """s <u, l> is <s u, l>, which gradient descent moves at s^2 times the rate."""
    local, scale, rate = features[0], 4.0, 0.05
    start = np.linspace(-0.1, 0.1, local.shape[-1])[:, None]
    scaled = AttentionEstimator("pc", score_scale=scale)
    plain = AttentionEstimator("pc")
    maps = []
    for layer, u, step in (
        (scaled, start, rate),
        (plain, scale * start, scale**2 * rate),
    ):
        layer.build(local.shape)
        layer.scoring.u.assign(u)
        for _ in range(3):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(layer(local)[0] ** 2)
            gradient = tape.gradient(loss, layer.scoring.u.value)
            layer.scoring.u.assign_sub(step * gradient)
        maps.append(np.asarray(layer(local)[2]))
    assert np.abs(maps[0] - 1 / 30).max() > 0.01
    np.testing.assert_allclose(*maps, rtol=0, atol=1e-5)


def test_the_initializer_reaches_the_weights():
    ones = keras.initializers.Ones()
    layer = AttentionEstimator("local", initializer=ones)
    layer.build((None, 2, 2, 3))
    np.testing.assert_array_equal(layer.scoring.u, np.ones((3, 1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"compatibility": "dot"}, "expected one of pc, dp.*Received: 'dot'"),
        ({"normalization": "max"}, "expected one of softmax.*Received: 'max'"),
        ({"score_scale": 0}, "score_scale: expected a number above 0.*Received: 0"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(arguments, message):
    with pytest.raises(SettingError, match=message):
        AttentionEstimator(**arguments)


@pytest.mark.parametrize(("compatibility", "normalization"), WITH_GLOBAL)
def test_a_missing_g_is_refused_where_it_matters(
    compatibility, normalization, features
):
    with pytest.raises(SettingError, match="global_feature"):
        estimator(compatibility, normalization)(features[0])
    built = estimator(compatibility, normalization)
    built(*features[:2])
    # Keras puts what is raised in a call into an error of its own.
    with pytest.raises(RuntimeError, match="global_feature: .*Received: None"):
        built(features[0])
