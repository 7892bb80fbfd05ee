"""Where a model of the authors' code starts."""

import keras
import numpy as np
import pytest
import scipy.stats

from ltpa_tf import models
from ltpa_tf.layers.fast import FastBatchNormalization


@pytest.fixture(scope="module")
def drawn():
    """A model, and what its weights were before."""
    keras.utils.set_random_seed(3)
    model = models.build(width=0.25, projection_epsilon=1e-5)
    before = [weight.numpy() for weight in model.weights]
    models.draw_as_torch(model)
    return model, before


def is_drawn_from(values, distribution):
    return scipy.stats.kstest(np.ravel(values), distribution.cdf).pvalue > 1e-3


def uniform(low, high):
    return scipy.stats.uniform(low, high - low)


def test_linear_layers_are_uniform_by_their_inputs(drawn):
    model, _ = drawn
    dense = [x for x in model._flatten_layers() if isinstance(x, keras.layers.Dense)]
    # To the global feature, its projection for level 7, and the head.
    assert [x.kernel.shape for x in dense] == [(128, 128), (128, 64), (320, 10)]
    for layer in dense:
        bound = 1 / np.sqrt(layer.kernel.shape[0])
        assert is_drawn_from(layer.kernel, uniform(-bound, bound))
        assert is_drawn_from(layer.bias, uniform(-bound, bound))
        assert not is_drawn_from(layer.kernel, uniform(-2 * bound, 2 * bound))


def test_batch_norm_scales_by_zero_to_one(drawn):
    model, _ = drawn
    norms = [
        x for x in model._flatten_layers() if isinstance(x, FastBatchNormalization)
    ]
    assert len(norms) == 15 + 1 + 3
    gammas = np.concatenate([x.gamma.numpy() for x in norms])
    assert is_drawn_from(gammas, uniform(0, 1))
    assert not any(x.beta.numpy().any() for x in norms)


def test_u_is_normal_of_deviation_sqrt_2_and_maps_nearly_one_hot(drawn):
    model, _ = drawn
    u = np.concatenate([np.ravel(x.scoring.u) for x in model.attention_layers.values()])
    assert len(u) == 64 + 128 + 128
    assert is_drawn_from(u, scipy.stats.norm(0, np.sqrt(2)))
    assert not is_drawn_from(u, scipy.stats.norm(0, 1))


def test_convolutions_stay_as_they_were(drawn):
    """Normal of deviation sqrt(2 / (9 outputs)), biases 0, as the authors' are."""
    model, before = drawn
    for weight, value in zip(model.weights, before, strict=True):
        if weight.path.startswith("conv") and "_bn" not in weight.path:
            np.testing.assert_array_equal(weight, value)
    kernel = model.get_layer("conv9").kernel.numpy()
    deviation = np.sqrt(2 / (9 * kernel.shape[-1]))
    assert is_drawn_from(kernel, scipy.stats.norm(0, deviation))
    assert not np.any(model.get_layer("conv9").bias)


def test_no_two_layers_start_alike(drawn):
    model, _ = drawn
    logits, g = model.get_layer("logits"), model.get_layer("global_feature")
    assert not np.allclose(
        np.ravel(g.kernel)[:100] * 128**0.5,
        np.ravel(logits.linear[0].kernel)[:100] * 320**0.5,
    )
    u = [np.ravel(x.scoring.u) for x in model.attention_layers.values()]
    assert not np.allclose(u[1], u[2])


def test_the_seed_draws_the_same_again():
    found = []
    for seed in (0, 0, 1):
        keras.utils.set_random_seed(seed)
        model = models.build("vgg_att_pc", width=1 / 16)
        models.draw_as_torch(model)
        found.append(np.concatenate([np.ravel(w) for w in model.trainable_weights]))
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.allclose(found[0], found[2])


def test_projections_and_head_have_an_epsilon_of_their_own(drawn):
    model, _ = drawn
    norms = {
        x.path: x.epsilon
        for x in model._flatten_layers()
        if isinstance(x, FastBatchNormalization)
    }
    for path, epsilon in norms.items():
        assert epsilon == (1e-3 if path.startswith("conv") else 1e-5), path
    again = models.AttentionVGG.from_config(model.get_config())
    assert again.get_layer("logits").epsilon == 1e-5
