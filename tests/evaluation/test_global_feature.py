"""Maps by another image's global feature: the identity, and where it doesn't hold."""

import json

import keras
import numpy as np
import pytest

from ltpa_tf import data, models
from ltpa_tf.errors import SettingError
from ltpa_tf.evaluation.global_feature import _moved, _partners, swap_global


def build(**settings):
    keras.utils.set_random_seed(0)
    row = "vgg_att2_concat_pc"
    return models.build(row, **{"levels": (4, 7), "width": 1 / 16} | settings)


@pytest.fixture(scope="module")
def split():
    return data.load("digits").test


def test_pairs_exchange_their_global_features_alone():
    model = build(compatibility="dp", normalization="sigmoid")
    images = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3)) * 1.0
    exchanged = models.exchange_global(model)(images)
    plain = models.attention_model(model)(images)
    parts = {}

    def call(layer, *args, **kwargs):
        outputs = layer(*args, **kwargs)
        if layer.name in ("level_7", "match_7"):
            parts[layer.name] = layer, args
        return outputs

    again = models.reapplied(model, call)
    estimator, (local, query, *_) = parts["level_7"]
    taken = keras.Model(again.input, [local, query])(images)
    local, query = (np.asarray(one) for one in taken)
    _, _, expected = estimator(local, query[[3, 4, 5, 0, 1, 2]])
    np.testing.assert_allclose(exchanged["level_7"], expected, rtol=1e-5)
    assert np.abs(np.asarray(exchanged["level_7"]) - plain["level_7"]).max() > 1e-4
    itself = models.exchange_global(model)(np.concatenate([images, images]))
    np.testing.assert_allclose(itself["level_7"][:6], plain["level_7"], rtol=1e-5)


def test_with_pc_and_softmax_nothing_moves(split):
    result = swap_global(build(), split, examples=20, batch_size=8)
    assert result["exact"] == {"level_4": True, "level_7": True}
    for kind in ("same_class", "other_class", "noise"):
        assert result[kind]["predictions"] == [0, 0, 0]
        for level in ("level_4", "level_7"):
            assert result[kind][level]["moved"][2] < 1e-4
    assert result["own_image"]["level_7"]["moved"][0] > 1e-3
    assert json.loads(json.dumps(result)) == result


def test_with_the_dot_product_something_does(split):
    model = build(compatibility="dp")
    result = swap_global(model, split, examples=20, batch_size=8)
    assert result["exact"] == {"level_4": False, "level_7": False}
    assert result["noise"]["level_7"]["moved"][0] > 1e-3
    other = swap_global(model, split, examples=20, batch_size=20)
    assert other["noise"]["level_7"]["moved"] == pytest.approx(
        result["noise"]["level_7"]["moved"], rel=1e-3
    )


def test_partners_are_of_the_class_and_of_others():
    labels = np.array([0, 1, 0, 2, 1, 0, 1])
    found = _partners(labels)
    np.testing.assert_array_equal(labels[found["same_class"]], labels)
    assert (labels[found["other_class"]] != labels).all()
    several = labels != 2
    assert (found["same_class"] != np.arange(7))[several].all()
    with pytest.raises(SettingError, match="two classes"):
        _partners(np.zeros(4, int))


def test_a_gate_moves_the_maps_behind_it_whatever_their_formula(split):
    model = build(levels=(2, 4, 7), gates=(4,))
    gate = model.attention_layers[4].scoring
    gate.u.assign(100 * gate.u)  # so that it lets other features through
    result = swap_global(model, split, examples=20)
    assert result["exact"] == {"level_2": True, "level_4": False, "level_7": False}
    assert result["noise"]["level_2"]["moved"][2] < 1e-4
    assert result["noise"]["level_7"]["moved"][0] > 1e-3


def test_what_moved_by_hand():
    one = np.array([[[1.0, 1], [2, 0]]])
    other = np.array([[[0.0, 1], [0, 1]]])
    np.testing.assert_allclose(_moved(one, other), [0.75])
    np.testing.assert_allclose(_moved(one, 3 * one), [0])
    nothing = np.zeros((1, 2, 2))  # as of a sigmoid: as flat as ones
    np.testing.assert_allclose(_moved(one, nothing), _moved(one, nothing + 1))


@pytest.mark.parametrize(
    ("settings", "examples", "said"),
    [
        ({}, 10**6, "--map_examples: .*Received: 1000000"),
        ({"compatibility": "local"}, 4, "a model whose estimators take a global"),
        ({"trunk": "paper"}, 1, "--map_examples: .*Received: 1"),
    ],
)
def test_mistakes(split, settings, examples, said):
    with pytest.raises(SettingError, match=said):
        swap_global(build(**settings), split, examples=examples)
