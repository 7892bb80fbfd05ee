"""Scores by hand and against NumPy."""

import keras
import numpy as np
import pytest

from ltpa_tf import layers
from ltpa_tf.errors import SettingError

# One image of 1x3 positions with 2 channels.
LOCAL = np.array([[[[1, 2], [3, -1], [0, 4]]]], "float32")
GLOBAL = np.array([[2, -1]], "float32")


def with_u(layer, u):
    layer.build((None, None, None, 2), (None, 2))
    layer.u.assign(np.reshape(u, (-1, 1)))
    return layer


@pytest.mark.parametrize("elementwise", [False, True])
def test_pc_by_hand(elementwise):
    layer = with_u(layers.ParametrisedCompatibility(), (1, 3))
    layer.elementwise = elementwise
    # <(1, 3), (1, 2) + (2, -1)> = 3 + 3, and so on.
    scores = layer(LOCAL, GLOBAL)
    np.testing.assert_array_equal(scores, [[[6, -1, 11]]])


def test_pc_without_g_lacks_the_constant():
    scores = with_u(layers.ParametrisedCompatibility(), (1, 3))(LOCAL)
    np.testing.assert_array_equal(scores, [[[7, 0, 12]]])


def test_dp_by_hand():
    scores = layers.DotProductCompatibility()(LOCAL, GLOBAL)
    np.testing.assert_array_equal(scores, [[[0, 7, -4]]])


@pytest.mark.parametrize("elementwise", [False, True])
def test_local_by_hand(elementwise):
    layer = with_u(layers.LocalCompatibility(), (1, 3))
    layer.elementwise = elementwise
    scores = layer(LOCAL, GLOBAL)
    np.testing.assert_array_equal(scores, [[[7, 0, 12]]])


def test_additive_by_hand():
    layer = layers.AdditiveCompatibility(units=2)
    layer.build((None, None, None, 2), (None, 2))
    layer.w_local.kernel.assign([[1, 0], [0, 1]])
    layer.w_global.kernel.assign([[0, 1], [1, 0]])  # g becomes (-1, 2)
    layer.v.kernel.assign([[1], [10]])
    # relu((1, 2) + (-1, 2)) = (0, 4), (2, 1), (0, 6).
    np.testing.assert_array_equal(layer(LOCAL, GLOBAL), [[[40, 12, 60]]])


@pytest.mark.parametrize(
    "initializer",
    [
        keras.initializers.GlorotNormal(seed=3),
        lambda shape, dtype: keras.ops.ones(shape),
    ],
)
def test_additive_takes_any_initializer(initializer):
    layer = layers.AdditiveCompatibility(initializer=initializer)
    layer.build((None, None, None, 4), (None, 4))
    weights = [np.asarray(weight) for weight in layer.weights]
    again = layers.AdditiveCompatibility(initializer=initializer)
    again.build((None, None, None, 4), (None, 4))
    np.testing.assert_equal([np.asarray(w) for w in again.weights], weights)
    seeded = isinstance(initializer, keras.initializers.Initializer)
    assert (np.abs(weights[0] - weights[1]).min() > 0) == seeded


def random_input(channels=8, global_channels=8):
    random = np.random.default_rng(0)
    local = random.normal(0, 0.5, (4, 5, 7, channels)).astype("float32")
    g = random.normal(0, 0.5, (4, global_channels)).astype("float32")
    return local, g


def reference_pc(layer, local, g):
    u = layer.u.numpy()[:, 0].astype("float64")
    return [[[u @ (l + gb) for l in row] for row in lb] for lb, gb in zip(local, g)]  # noqa: B905, E741


def reference_dp(layer, local, g):
    return np.einsum("bhwc,bc->bhw", local.astype("float64"), g.astype("float64"))


def reference_local(layer, local, g):
    return (local.astype("float64") * layer.u.numpy()[:, 0]).sum(-1)


def reference_additive(layer, local, g):
    w_local, w_global, v = (w.numpy().astype("float64") for w in layer.weights)
    hidden = np.tensordot(local, w_local, 1) + (g @ w_global)[:, None, None]
    return (np.maximum(hidden, 0) @ v)[..., 0]


@pytest.mark.parametrize(
    ("layer", "reference", "global_channels"),
    [
        (layers.ParametrisedCompatibility, reference_pc, 8),
        (layers.DotProductCompatibility, reference_dp, 8),
        (layers.LocalCompatibility, reference_local, 8),
        (layers.AdditiveCompatibility, reference_additive, 8),
        (layers.AdditiveCompatibility, reference_additive, 5),
    ],
)
def test_equal_to_numpy(layer, reference, global_channels):
    local, g = random_input(global_channels=global_channels)
    layer = layer()
    scores = layer(local, g)
    np.testing.assert_allclose(scores, reference(layer, local, g), rtol=0, atol=1e-6)


def test_the_default_start_is_nearly_flat_and_the_papers_nearly_one_hot():
    local = np.abs(np.random.default_rng(0).normal(size=(8, 16, 16, 512)))
    largest = {}
    for name, initializer in {
        "default": "glorot_normal",
        "paper": keras.initializers.RandomNormal(stddev=2**0.5),
    }.items():
        scores = layers.LocalCompatibility(initializer)(local.astype("float32"))
        attention = keras.ops.softmax(keras.ops.reshape(scores, (8, -1)))
        largest[name] = float(keras.ops.mean(keras.ops.max(attention, axis=-1)))
    assert largest["default"] < 0.1
    assert largest["paper"] > 0.7


def test_scores_keep_float32_resolution_under_bfloat16():
    # bfloat16 has 8 bits: 1 + 2**-12 is 1 there.
    layer = with_u(
        layers.ParametrisedCompatibility(dtype="mixed_bfloat16"), (1, 2**-12)
    )
    scores = layer(np.ones((1, 1, 1, 2), "float32"), np.zeros((1, 2), "float32"))
    np.testing.assert_array_equal(scores, [[[1 + 2**-12]]])


def test_unequal_channels_are_refused():
    with pytest.raises(SettingError, match="global_feature: .*ChannelMat.*9 channels"):
        layers.DotProductCompatibility()(np.zeros((1, 2, 2, 6)), np.zeros((1, 9)))


def test_a_missing_g_is_refused_where_it_matters():
    with pytest.raises(SettingError, match="DotProductCompatibility needs it"):
        layers.DotProductCompatibility()(LOCAL)


def test_flat_features_are_refused():
    with pytest.raises(SettingError, match=r"local: .*Received: \(1, 6\)"):
        layers.LocalCompatibility()(np.zeros((1, 6)))


def test_no_units_are_refused():
    with pytest.raises(SettingError, match="units: .*Received: 0"):
        layers.AdditiveCompatibility(units=0)
