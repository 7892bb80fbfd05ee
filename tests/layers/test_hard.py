"""Hard attention: what is chosen, how probably, and how that is learned."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from ltpa_tf import layers
from ltpa_tf.errors import SettingError
from ltpa_tf.layers import choices

HARD = [layers.SampledPooling, layers.TopKPooling]


def data(batch=3, height=2, width=3, channels=4):
    random = np.random.default_rng(0)
    scores = random.normal(size=(batch, height, width)).astype("float32")
    local = random.normal(size=(batch, height, width, channels)).astype("float32")
    return scores, local


@pytest.mark.parametrize("kind", HARD)
def test_the_most_probable_by_hand(kind):
    scores = np.array([[[1, 5, -2], [4, 0, 4.5]]], "float32")
    local = np.arange(12, dtype="float32").reshape(1, 2, 3, 2)
    attended, attention = kind(2)(scores, local)
    np.testing.assert_array_equal(attention, [[[0, 0.5, 0], [0, 0, 0.5]]])
    np.testing.assert_array_equal(attended, [[(2 + 10) / 2, (3 + 11) / 2]])


@pytest.mark.parametrize("kind", HARD)
def test_of_equal_positions_exactly_k_are_chosen(kind):
    attention = kind(3)(np.zeros((1, 2, 3)), data(1)[1])[1]
    np.testing.assert_array_equal(attention > 0, [[[1, 1, 1], [0, 0, 0]]])


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", HARD)
def test_all_positions_are_mean_pooling(kind, training):
    scores, local = data()
    attended, attention = kind(6)(scores, local, training=training)
    np.testing.assert_allclose(attention, np.full((3, 2, 3), 1 / 6), rtol=1e-6)
    np.testing.assert_allclose(attended, local.mean((1, 2)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", HARD)
def test_training_chooses_k_positions_other_ones_each_time(kind):
    scores, local = np.zeros((50, 4, 4), "float32"), np.ones((50, 4, 4, 2), "float32")
    layer = kind(3)
    first, second = (layer(scores, local, training=True)[1].numpy() for _ in range(2))
    for attention in (first, second):
        np.testing.assert_array_equal((attention > 0).sum((1, 2)), np.full(50, 3))
        np.testing.assert_allclose(attention.sum((1, 2)), np.ones(50), rtol=1e-6)
    assert (first != second).any((1, 2)).mean() > 0.9


def probability(weights, chosen):
    """Of drawing these, one after the other, by weight, from what is left."""
    left, found = weights.sum(), 1.0
    for position in chosen:
        found *= weights[position] / left
        left -= weights[position]
    return found


@pytest.mark.parametrize("k", [1, 2, 4])
def test_log_probability_against_plain_arithmetic(k):
    scores = np.array([[[0.3, -1.2, 2.0, 0.3]]], "float32")
    orders = list(itertools.permutations(range(4), k))
    found = choices.log_probability(scores, np.array([orders], "int32"))[0]
    expected = [probability(np.exp(scores[0, 0].astype("float64")), o) for o in orders]
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-5)
    np.testing.assert_allclose(np.exp(found).sum(), 1, rtol=1e-5)


def test_log_probability_of_scores_far_apart_is_finite():
    scores = tf.constant([[[500.0, 0.0, -500.0]]])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        found = choices.log_probability(scores, tf.constant([[[2, 1, 0]]]))
    np.testing.assert_allclose(found, [[-1500.0]])  # -1000 for the first, -500 then
    assert np.isfinite(tape.gradient(found, scores)).all()


def test_draws_are_as_frequent_as_they_are_probable():
    scores = np.log(np.array([1, 2, 3, 4], "float32")).reshape(1, 1, 4)
    keras.utils.set_random_seed(0)
    noise = choices.gumbel((1, 40_000, 4), keras.random.SeedGenerator(1))
    drawn = choices.most(scores + noise, 2).numpy()[0]
    for order in itertools.permutations(range(4), 2):
        frequency = (drawn == order).all(1).mean()
        expected = probability(np.array([1.0, 2, 3, 4]), order)
        assert frequency == pytest.approx(expected, abs=5 * (expected / 40_000) ** 0.5)


def test_a_permutation_of_positions_permutes_the_choice():
    """With the noise of each position, which moves with it."""
    scores = np.random.default_rng(0).normal(size=(2, 3, 8)).astype("float32")
    order = np.random.default_rng(1).permutation(8)
    chosen = choices.most(scores, 3).numpy()
    moved = choices.most(scores[..., order], 3).numpy()
    np.testing.assert_array_equal(order[moved], chosen)
    np.testing.assert_allclose(
        choices.log_probability(scores[:, :1, order], moved),
        choices.log_probability(scores[:, :1], chosen),
        rtol=1e-6,
    )


def exact_gradient(scores, loss_of, k):
    """Of the expected loss by the scores: every choice, weighed by its probability."""
    orders = np.array(list(itertools.permutations(range(scores.shape[-1]), k)))
    losses = tf.constant([loss_of(order) for order in orders], tf.float32)
    scores = tf.constant(scores)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        logs = choices.log_probability(scores, tf.constant(orders[None], tf.int32))
        expected = tf.reduce_sum(tf.exp(logs) * losses)
    return tape.gradient(expected, scores).numpy(), orders, losses


@pytest.mark.parametrize("baseline", [0.0, 3.0])
def test_reinforce_is_the_exact_gradient(baseline):
    """Averaged over all choices by their probability, and whatever the baseline."""
    scores = np.array([[[0.3, -0.8, 1.1, 0.0]]], "float32")
    value = np.array([1.0, -2.0, 0.5, 4.0])
    exact, orders, losses = exact_gradient(scores, lambda o: value[o].mean() ** 2, k=2)
    assert np.abs(exact).max() > 0.1
    scores = tf.constant(scores)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        logs = choices.log_probability(scores, tf.constant(orders[None], tf.int32))
        choice = {
            "log_probability": logs[..., None],
            "baseline": tf.fill([1, 1, 1], baseline),
            "entropy": choices.entropy(scores)[..., None],
        }
        surrogate = choices.reinforce(choice, -losses[None])
        total = tf.reduce_sum(tf.stop_gradient(tf.exp(logs)) * surrogate)
    np.testing.assert_allclose(tape.gradient(total, scores), exact, atol=1e-5)


def test_the_layers_own_samples_give_the_exact_gradient_in_the_mean():
    """From the draws themselves, within the error of their mean."""
    scores = np.array([[[0.3, -0.8], [1.1, 0.0]]], "float32")
    local = np.array([[[[1.0], [-2.0]], [[0.5], [4.0]]]], "float32")
    value = local.reshape(4)
    exact, *_ = exact_gradient(
        scores.reshape(1, 1, 4), lambda o: value[o].mean() ** 2, k=2
    )
    count, rounds = 5000, 20
    layer = layers.SampledPooling(2)
    layer(scores, local)
    layer.noise.state.assign([7, 8])
    scores, found = tf.constant(scores), []
    for _ in range(rounds):
        with tf.GradientTape() as tape:
            tape.watch(scores)
            attended, _, choice = layer(scores, local, training=True, samples=count)
            reward = -(tf.reshape(attended, [1, count]) ** 2)
            loss = tf.reduce_mean(choices.reinforce(choice, reward))
        found.append(tape.gradient(loss, scores).numpy().reshape(4))
    error = np.std(found, axis=0, ddof=1) / rounds**0.5
    assert error.max() < 0.05
    np.testing.assert_array_less(np.abs(np.mean(found, 0) - exact[0, 0]), 5 * error)


def test_entropy_by_hand():
    scores = np.log(np.array([[[1.0, 1.0, 2.0]]], "float32"))
    np.testing.assert_allclose(choices.entropy(scores), [[1.5 * np.log(2)]], rtol=1e-6)


def test_the_terms_of_reinforce_by_hand():
    choice = {
        "log_probability": tf.constant([[[-1.0], [-3.0]]]),
        "baseline": tf.constant([[[0.25]]]),
        "entropy": tf.constant([[[2.0]]]),
    }
    with tf.GradientTape() as tape:
        tape.watch(choice)
        found = choices.reinforce(
            choice, tf.constant([[1.0, 0.0]]), weight=2.0, entropy=0.1
        )
    by_hand = [1.5 + 0.5625 / 2 - 0.2, -1.5 + 0.0625 / 2 - 0.2]
    np.testing.assert_allclose(found, [by_hand], rtol=1e-6)
    gradient = tape.gradient(found, choice)
    np.testing.assert_allclose(gradient["log_probability"], [[[-1.5], [0.5]]])
    np.testing.assert_allclose(gradient["baseline"], [[[0.25 - 0.75]]])


def test_samples_share_an_image_and_follow_each_other():
    scores, local = data()
    layer = layers.SampledPooling(2)
    attended, attention, choice = layer(scores, local, training=True, samples=5)
    assert attended.shape == (15, 4)
    assert choice["log_probability"].shape == (3, 5, 1)
    assert choice["baseline"].shape == choice["entropy"].shape == (3, 1, 1)
    of_each = np.repeat(local, 5, axis=0)
    np.testing.assert_allclose(
        attended, np.einsum("bhw,bhwc->bc", attention, of_each), rtol=0, atol=1e-6
    )


def test_the_baseline_learns_and_the_features_do_not_learn_from_it():
    scores, local = map(tf.constant, data())
    layer = layers.SampledPooling(2)
    layer(scores, local)
    with tf.GradientTape() as tape:
        tape.watch([scores, local])
        choice = layer(scores, local, training=True, samples=2)[2]
        baseline = tf.reduce_sum(choice["baseline"])
    by_scores, by_local, by_kernel = tape.gradient(
        baseline, [scores, local, layer.expected.kernel.value]
    )
    assert by_scores is None and by_local is None
    mean = local.numpy().mean((1, 2))
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    np.testing.assert_allclose(by_kernel[:, 0], mean.sum(0), rtol=1e-4)


def test_straight_through_has_the_gradient_of_the_softmax():
    """With the noise that was drawn: the map is hard, its gradient the soft one's."""
    scores, local = map(tf.constant, data())
    layer = layers.TopKPooling(2)
    layer(scores, local)
    layer.noise.state.assign([3, 4])
    noise = choices.gumbel((3, 1, 6), layer.noise)
    layer.noise.state.assign([3, 4])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(scores)
        attended, attention = layer(scores, local, training=True)
        soft = tf.nn.softmax(tf.reshape(scores, [3, 1, 6]) + noise)
        expected = tf.matmul(soft, tf.reshape(local, [3, 6, 4]))
    assert set(np.unique(attention)) == {0, 0.5}
    np.testing.assert_allclose(
        tape.gradient(attended, scores), tape.gradient(expected, scores), atol=1e-6
    )


@pytest.mark.parametrize("kind", HARD)
@pytest.mark.parametrize(
    ("positions", "message"),
    [
        (0, "positions: expected a whole number from 1.*Received: 0"),
        (2.0, "positions: expected a whole number from 1.*Received: 2.0"),
        (7, r"positions: expected 1 to 6, .* \(2x3\).*Received: 7"),
    ],
)
def test_positions_that_there_are_not_are_refused(kind, positions, message):
    with pytest.raises(SettingError, match=message):
        kind(positions)(*data())


@pytest.mark.parametrize(
    ("normalization", "positions", "message"),
    [
        ("softmax", 3, "positions: expected None with softmax.*Received: 3"),
        ("topk", None, "positions: expected a whole number.*Received: None"),
    ],
)
def test_positions_go_with_hard_attention(normalization, positions, message):
    with pytest.raises(SettingError, match=message):
        layers.AttentionEstimator("pc", normalization, positions=positions)
