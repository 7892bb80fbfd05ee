"""Predictions by hand and against NumPy."""

import keras
import numpy as np
import pytest

from ltpa_tf.errors import SettingError
from ltpa_tf.layers import HEADS, ConcatHead, IndepHead

DESCRIPTORS = [np.array([[1, 2]], "float32"), np.array([[3]], "float32")]


def test_concat_by_hand():
    head = ConcatHead(2, projection="linear")
    head.build([(None, 2), (None, 1)])
    head.linear[0].kernel.assign([[1, 0], [0, 1], [10, 100]])
    head.linear[0].bias.assign([0, 1000])
    np.testing.assert_array_equal(head(DESCRIPTORS), [[31, 1302]])


def test_logits_are_scaled():
    head = ConcatHead(2, projection="linear", logit_scale=0.5)
    head.build([(None, 2), (None, 1)])
    head.linear[0].kernel.assign([[1, 0], [0, 1], [10, 100]])
    head.linear[0].bias.assign([0, 1000])
    np.testing.assert_array_equal(head(DESCRIPTORS), [[15.5, 651]])


def test_indep_by_hand():
    head = IndepHead(2, projection="linear")
    head.build([(None, 2), (None, 1)])
    # Odds of 3 : 1 at the first level, 1 : 1 at the second.
    head.linear[0].kernel.assign([[np.log(3), 0], [0, 0]])
    head.linear[1].kernel.assign([[0, 0]])
    expected = np.log([[(0.75 + 0.5) / 2, (0.25 + 0.5) / 2]])
    np.testing.assert_allclose(head(DESCRIPTORS), expected, rtol=1e-6)
    # Odds of 9 : 1 with every logit doubled.
    head.logit_scale = 2.0
    expected = np.log([[(0.9 + 0.5) / 2, (0.1 + 0.5) / 2]])
    np.testing.assert_allclose(head(DESCRIPTORS), expected, rtol=1e-6)


def preactivated(layer, x):
    """Inference of batch norm and ReLU, from the definition."""
    gamma, beta, mean, variance = (w.numpy().astype("float64") for w in layer.weights)
    return np.maximum(gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta, 0)


def concat(head, ready):
    return np.concatenate(ready, -1) @ head.linear[0].kernel + head.linear[0].bias


def indep(head, ready):
    total = 0
    for linear, x in zip(head.linear, ready, strict=True):
        powers = np.exp(x @ linear.kernel.numpy() + linear.bias.numpy())
        total += powers / powers.sum(-1, keepdims=True)
    return np.log(total / len(ready))


@pytest.mark.parametrize(
    ("layer", "predict"), [(ConcatHead, concat), (IndepHead, indep)]
)
def test_equal_to_numpy(layer, predict):
    random = np.random.default_rng(0)
    descriptors = [random.normal(size=(5, c)).astype("float32") for c in (6, 4, 3)]
    head = layer(7)
    head(descriptors)
    head.set_weights([random.uniform(0.5, 1.5, w.shape) / 4 for w in head.weights])
    ready = [
        preactivated(before, x)
        for before, x in zip(head.before, descriptors, strict=True)
    ]
    np.testing.assert_allclose(
        head(descriptors), predict(head, ready), rtol=0, atol=1e-6
    )


def test_indep_probabilities_sum_to_one_so_one_loss_serves_both_heads():
    descriptors = [np.random.default_rng(0).normal(size=(5, c)) for c in (6, 4)]
    log_probabilities = IndepHead(3)(descriptors)
    np.testing.assert_allclose(
        keras.ops.softmax(log_probabilities), np.exp(log_probabilities), rtol=1e-5
    )


def test_indep_stays_finite_where_all_levels_are_sure():
    head = IndepHead(2, projection="linear")
    head.build([(None, 1), (None, 1)])
    for linear in head.linear:
        linear.kernel.assign([[1000, -1000]])
    ones = np.ones((1, 1), "float32")
    np.testing.assert_array_equal(head([ones, ones]), [[0, -2000]])


@pytest.mark.parametrize("head", HEADS)
def test_logits_are_float32_under_every_policy(head):
    for dtype in ("mixed_bfloat16", "mixed_float16", "bfloat16"):
        logits = HEADS[head](3, dtype=dtype)(DESCRIPTORS)
        assert logits.dtype == "float32"


def test_dropout_works_in_training_alone():
    head = ConcatHead(3, batch_norm=False)
    descriptors = [np.ones((64, 8), "float32")]
    calm = head(descriptors)
    np.testing.assert_array_equal(calm, np.broadcast_to(calm[0], (64, 3)))
    assert np.std(head(descriptors, training=True), axis=0).min() > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 1}, "num_classes: expected 2 or more.*Received: 1"),
        ({"num_classes": 3, "projection": "mlp"}, "projection: .*paper, linear"),
        ({"num_classes": 3, "dropout": 1.0}, "dropout: .*Received: 1.0"),
        ({"num_classes": 3, "logit_scale": 0.0}, "logit_scale: .*Received: 0.0"),
    ],
)
@pytest.mark.parametrize("head", HEADS)
def test_wrong_arguments_are_refused(head, arguments, message):
    with pytest.raises(SettingError, match=message):
        HEADS[head](**arguments)


@pytest.mark.parametrize("head", HEADS)
def test_all_but_a_list_of_descriptors_is_refused(head):
    for wrong in (np.zeros((2, 4)), [], [np.zeros((2, 4, 4, 8))]):
        with pytest.raises(SettingError, match="descriptors: .*a list of tensors"):
            HEADS[head](3)(wrong)
