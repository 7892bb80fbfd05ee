"""Maps and attended descriptors by hand and against NumPy."""

import numpy as np
import pytest

from ltpa_tf import layers
from ltpa_tf.errors import SettingError

LOCAL = np.array([[[[8, 0], [0, 4], [4, 4]]]], "float32")


def test_softmax_by_hand():
    scores = np.log(np.array([[[1, 1, 2]]], "float32"))
    attended, attention = layers.SoftmaxPooling()(scores, LOCAL)
    np.testing.assert_allclose(attention, [[[0.25, 0.25, 0.5]]], rtol=1e-6)
    np.testing.assert_allclose(attended, [[4, 3]], rtol=1e-6)


def test_sigmoid_by_hand():
    scores = np.array([[[0, np.log(3), -np.log(3)]]], "float32")
    attended, attention = layers.SigmoidPooling()(scores, LOCAL)
    np.testing.assert_allclose(attention, [[[0.5, 0.75, 0.25]]], rtol=1e-6)
    # (0.5 * (8, 0) + 0.75 * (0, 4) + 0.25 * (4, 4)) / 3
    np.testing.assert_allclose(attended, [[5 / 3, 4 / 3]], rtol=1e-6)


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=(1, 2), keepdims=True))
    return powers / powers.sum(axis=(1, 2), keepdims=True)


def sigmoid(scores):
    return 1 / (1 + np.exp(-scores))


@pytest.mark.parametrize(
    ("layer", "normalize", "reduce"),
    [
        (layers.SoftmaxPooling, softmax, np.sum),
        (layers.SigmoidPooling, sigmoid, np.mean),
    ],
)
def test_equal_to_numpy(layer, normalize, reduce):
    random = np.random.default_rng(0)
    scores = random.normal(0, 2, (4, 6, 5)).astype("float32")
    local = random.normal(0, 1, (4, 6, 5, 8)).astype("float32")
    attended, attention = layer()(scores, local)

    expected = normalize(scores.astype("float64"))
    np.testing.assert_allclose(attention, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        attended, reduce(expected[..., None] * local, axis=(1, 2)), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize(
    ("layer", "mean"), [(layers.SoftmaxPooling, 1.0), (layers.SigmoidPooling, 0.5)]
)
def test_many_positions_add_up_in_float32(layer, mean, dtype):
    # Added up in bfloat16, 4096 ones stop at 256.
    scores, local = np.zeros((1, 64, 64)), np.ones((1, 64, 64, 2))
    attended, attention = layer(dtype=dtype)(scores, local)
    np.testing.assert_array_equal(np.asarray(attended, "float32"), [[mean, mean]])
    assert attention.dtype == "float32"


def test_large_scores_do_not_overflow():
    scores = np.array([[[1e4, 0, -1e4]]], "float32")
    attended, attention = layers.SoftmaxPooling(dtype="mixed_float16")(scores, LOCAL)
    np.testing.assert_array_equal(attention, [[[1, 0, 0]]])
    np.testing.assert_array_equal(np.asarray(attended, "float32"), [[8, 0]])


def test_scores_of_another_size_are_refused():
    with pytest.raises(SettingError, match=r"scores: .*Received: \(1, 3, 1\)"):
        layers.SoftmaxPooling()(np.zeros((1, 3, 1)), LOCAL)
