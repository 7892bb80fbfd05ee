"""Progressive attention, and attention to the projected features."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import models
from ltpa_tf.errors import SettingError
from ltpa_tf.layers import Gate

SMALL = 1 / 16
DATA = {"mean": (0.5,) * 3, "std": (0.25,) * 3}


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")


@pytest.fixture(scope="module")
def pan():
    keras.utils.set_random_seed(0)
    return models.build("vgg_pan", width=SMALL, **DATA)


def parameters(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def convolutions(*channels):
    pairs = itertools.pairwise(channels)
    return sum(9 * i * o + o + 2 * o for i, o in pairs)  # with batch norm


def outputs_of(model, x, *names):
    layers = {name: model.get_layer(name).output for name in names}
    found = keras.Model(model.input, layers)(x)
    return [np.asarray(found[name], "float64") for name in names]


def test_pan_has_the_parameters_of_the_authors_code():
    trunk = (3, 64, 64, 128, 128, *3 * (256,), *6 * (512,))
    to_g = convolutions(512, 512, 512) + 512 * 512 + 512
    expected = (
        convolutions(*trunk)
        + 2 * to_g  # each level has a global feature of its own
        + 2 * 512  # u
        + (2 * 512 + 512 * 100 + 100)  # head, of the last level alone
    )
    assert parameters(models.build("vgg_pan", num_classes=100)) == expected
    assert expected == 24_745_124


def test_the_projected_form_has_its_parameters():
    trunk = (3, 64, 64, 128, 128, *3 * (256,), *8 * (512,))
    expected = (
        convolutions(*trunk)
        + 512 * 512
        + 512  # g
        + 256 * 512
        + 512  # projection of l
        + 3 * 512  # u
        + 3 * 512 * 100
        + 100  # head
    )
    model = models.build("vgg_att3_concat_pc_projected", num_classes=100)
    assert parameters(model) == expected == 19_994_276


def test_a_gate_lets_through_what_its_map_says(pan, x):
    local, gated = outputs_of(pan, x, "conv10_relu", "gate_10")
    attention = np.asarray(models.attention_model(pan)(x)["level_10"])
    assert 0 < attention.min() < attention.max() < 1
    np.testing.assert_allclose(gated, local * attention[..., None], rtol=1e-5)
    (pooled,) = outputs_of(pan, x, "pool10")
    expected = gated.reshape(2, 8, 2, 8, 2, -1).max((2, 4))
    np.testing.assert_allclose(pooled, expected, rtol=1e-5)


def test_a_gate_is_a_sigmoid_of_its_own_global_feature(pan, x):
    local, g, pooled = outputs_of(
        pan, x, "conv10_relu", "gate_10_global_feature", "gate_10_pool13"
    )
    u = np.asarray(pan.attention_layers[10].scoring.u, "float64")[:, 0]
    scores = (local + g[:, None, None]) @ u
    np.testing.assert_allclose(
        models.attention_model(pan)(x)["level_10"],
        1 / (1 + np.exp(-scores)),
        rtol=1e-4,
    )
    # Its features come from level 10 alone, pooled to the size of the trunk's end.
    expected = local.reshape(2, 4, 4, 4, 4, -1).max((2, 4))
    np.testing.assert_allclose(pooled, expected, rtol=1e-6)


def test_only_the_last_level_makes_the_prediction(pan, x):
    local = outputs_of(pan, x, "conv13_relu")[0]
    maps = models.attention_model(pan)(x)
    np.testing.assert_allclose(np.sum(maps["level_13"], (1, 2)), 1, rtol=1e-5)
    attended = np.einsum("bhw,bhwc->bc", maps["level_13"], local).astype("float32")
    np.testing.assert_allclose(
        pan.get_layer("logits")([attended]), maps["logits"], atol=1e-5
    )
    evidence = models.evidence_model(pan, of_predicted=True)(x)
    assert set(evidence) == {"logits", "evidence_13", "evidence_bias"}


def test_the_gate_learns(pan, x):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(pan(x)))
    weights = {w.path: w.value for w in pan.trainable_weights}
    names = [
        "level_10/scoring/u",
        "gate_10_global_feature/kernel",
        "gate_10_conv14/kernel",
        "conv1/kernel",
    ]
    for gradient in tape.gradient(loss, [weights[name] for name in names]):
        assert np.abs(gradient).max() > 0


def test_pruned_saved_and_loaded_it_predicts_the_same(pan, x, tmp_path):
    pruned = models.prune(pan)
    for i, model in enumerate((pan, pruned)):
        model.save(tmp_path / f"{i}.keras")
        again = keras.models.load_model(tmp_path / f"{i}.keras")
        np.testing.assert_allclose(again(x), pan(x), rtol=0, atol=1e-5)
    left = {layer.name for layer in pruned.layers}
    # A softmax needs no g, a sigmoid does.
    assert "gate_10_conv15" in left
    assert "conv15" not in left


@pytest.mark.parametrize("trunk", ["vgg_d", "vgg_e", "fast"])
@pytest.mark.parametrize("size", [(32, 32), (56, 72)])
def test_any_trunk_and_size_can_have_gates(trunk, size):
    model = models.AttentionVGG(
        (*size, 3), trunk=trunk, levels=(4, 6, 9), gates=(6, 4), width=1 / 64
    )
    assert model.get_config()["gates"] == (4, 6)
    assert model(np.zeros((1, *size, 3))).shape == (1, 10)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"gates": (13,)}, "gates: .*Received: 13"),
        ({"gates": (9,)}, "gates: .*Received: 9"),
        ({"gates": "10"}, "gates: .*Received: '10'"),
        ({"gates": (10,), "tap": "after_pool"}, "tap: .*before_pool with gates"),
        ({"gates": (10,), "global_feature": "gap"}, "global_feature: .*fc with gates"),
    ],
)
def test_gates_that_can_not_be(settings, named):
    with pytest.raises(SettingError, match=named):
        models.resolve("vgg_att2_concat_pc", **settings)


def test_gradients_are_averaged_at_both_levels(x):
    """The authors' code for it: halves at each level, and each g is used once."""
    model = models.build(
        "vgg_pan", width=SMALL, dropout=0.0, compatibility="dp", **DATA
    )
    averaged = models.averaged_gradients(model)
    taps = {}
    for name, one in (("added", model), ("averaged", averaged)):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(one(x, training=True)))
        names = [
            "conv13/kernel",
            "conv10/kernel",
            "conv14/kernel",
            "logits/dense/kernel",
        ]
        weights = {w.path: w.value for w in model.trainable_weights}
        head = next(path for path in weights if path.startswith("logits/dense"))
        names[-1] = head
        taps[name] = dict(
            zip(names, tape.gradient(loss, [weights[n] for n in names]), strict=True)
        )
    for name, share in ((head, 1), ("conv14/kernel", 1), ("conv13/kernel", 2)):
        np.testing.assert_allclose(
            taps["averaged"][name] * share, taps["added"][name], rtol=1e-3, atol=1e-4
        )
    # What comes from behind the gate was halved at level 13 already.
    np.testing.assert_allclose(
        taps["averaged"]["conv10/kernel"] * 4,
        taps["added"]["conv10/kernel"],
        rtol=1e-3,
        atol=1e-3,
    )


def test_the_projected_features_are_what_is_attended_to(x):
    model = models.build("vgg_att3_concat_pc_projected", width=SMALL, **DATA)
    local, projected, g = outputs_of(
        model, x, "conv7_relu", "match_7", "global_feature"
    )
    dense = model.get_layer("match_7").linear
    expected = local @ np.asarray(dense.kernel) + np.asarray(dense.bias)
    np.testing.assert_allclose(projected, expected, atol=1e-4)
    u = np.asarray(model.attention_layers[7].scoring.u, "float64")[:, 0]
    scores = ((projected + g[:, None, None]) @ u).reshape(2, -1)
    attention = np.exp(scores - scores.max(1, keepdims=True))
    attention /= attention.sum(1, keepdims=True)
    attended = keras.Model(model.input, model.get_layer("level_7").output[0])(x)
    expected = np.einsum("bn,bnc->bc", attention, projected.reshape(2, 1024, -1))
    np.testing.assert_allclose(attended, expected, rtol=1e-4, atol=1e-4)


def test_a_gate_keeps_features_under_half_precision():
    gate = Gate(dtype="mixed_float16")
    local = np.full((1, 1, 2, 3), 2.0, "float16")
    attention = np.array([[[0.25, 1.0]]], "float32")
    found = gate(local, attention)
    assert found.dtype == "float16"
    np.testing.assert_array_equal(found[0, 0, :, 0], [0.5, 2.0])
