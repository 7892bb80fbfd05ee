import random

import keras
import numpy as np
import pytest
from scipy import stats

from ltpa_tf import models
from ltpa_tf.evaluation.sanity import randomized, rank_correlation


def test_layers_are_drawn_anew_from_the_last_on():
    model = models.prune(models.build("vgg_att2_concat_pc", width=1 / 16))
    layers = [layer for layer in model.layers if layer.weights]
    for share, count in ((0, 1), (0.5, round(len(layers) / 2)), (1, len(layers))):
        fresh = randomized(model, share)
        for i, layer in enumerate(layers):
            drawn = fresh.get_layer(layer.name).get_weights()
            same = all(
                np.array_equal(a, b)
                for a, b in zip(layer.get_weights(), drawn, strict=True)
            )
            if i < len(layers) - count:
                assert same, layer.name
            elif isinstance(layer, keras.layers.Conv2D):
                assert not same, layer.name
    kernels = [m.get_layer("logits").get_weights()[-2] for m in (model, fresh)]
    assert not np.array_equal(*kernels)


def test_the_same_seed_draws_the_same_weights():
    model = models.prune(models.build("vgg_att2_concat_pc", width=1 / 16))
    random.seed(7)
    expected = random.random()
    random.seed(7)
    one, again, other = (
        randomized(model, 1, seed).get_layer("logits").get_weights()[-2]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert random.random() == expected  # what a user draws is as before


def test_spearmans_correlation_of_each_image():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 9, (2, 4, 5, 6))  # with ties
    found = rank_correlation(one, other)
    for i in range(4):
        expected = stats.spearmanr(one[i].ravel(), other[i].ravel()).statistic
        assert found[i] == pytest.approx(expected)
    np.testing.assert_allclose(rank_correlation(one, 3 * one + 1), 1)
    np.testing.assert_array_equal(rank_correlation(one, np.ones_like(one)), 0)
