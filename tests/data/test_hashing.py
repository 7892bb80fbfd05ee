import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from ltpa_tf.data import hashing

EPOCH = np.int64(3)
MASK = 2**32 - 1


def lowbias32(x: int) -> int:
    """Chris Wellons' function, in Python's own integers."""
    x ^= x >> 16
    x = x * 0x7FEB352D & MASK
    x ^= x >> 15
    x = x * 0x846CA68B & MASK
    return x ^ (x >> 16)


def expected_bits(seed: int, epoch: int, position: int, purpose: int, lane: int) -> int:
    key = 0x9E3779B9
    for word in (seed & MASK, seed >> 32 & MASK, purpose, epoch):
        key = lowbias32(key ^ lowbias32(word + 0x9E3779B9 & MASK))
    lane_key = lowbias32(key + (lane + 1) * 0x9E3779B9 & MASK)
    return lowbias32(lowbias32(position ^ key) + lane_key & MASK)


@pytest.mark.parametrize("seed", [0, 7, 2**40 + 5])
def test_bits_are_those_of_an_independent_implementation(seed):
    bits = hashing.random_bits(seed, 3, tf.constant([0, 1, 70_000]), 11, lanes=2)
    expected = [
        [expected_bits(seed, 3, position, 11, lane) for lane in range(2)]
        for position in (0, 1, 70_000)
    ]
    np.testing.assert_array_equal(bits, expected)


def test_same_bits_eagerly_in_a_graph_and_under_xla():
    positions = tf.range(1000)

    def bits():
        return hashing.random_bits(5, EPOCH, positions, 1, lanes=3)

    for jit in (False, True):
        np.testing.assert_array_equal(tf.function(bits, jit_compile=jit)(), bits())


def test_every_byte_is_uniform():
    bits = hashing.random_bits(0, EPOCH, tf.range(100_000), 1, lanes=2)
    for number in range(4):
        counts = np.bincount(hashing.byte(bits, number).numpy().ravel(), minlength=256)
        assert scipy.stats.chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize("bound", [2, 9, 100])
def test_below_is_uniform(bound):
    bits = hashing.random_bits(1, EPOCH, tf.range(100_000), 2)
    numbers = hashing.below(bits, bound).numpy().ravel()
    counts = np.bincount(numbers, minlength=bound)
    assert len(counts) == bound
    assert scipy.stats.chisquare(counts).pvalue > 0.001


def test_seeds_epochs_purposes_lanes_and_positions_are_unrelated():
    def bits(seed=0, epoch=0, purpose=1, first=0, lane=0):
        positions = tf.range(first, first + 20_000)
        lanes = hashing.random_bits(seed, epoch, positions, purpose, lanes=2)
        return lanes.numpy()[:, lane].astype(float)

    first = bits()
    for other in (
        bits(seed=1),
        bits(epoch=1),
        bits(purpose=2),
        bits(lane=1),
        bits(first=1),
    ):
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.03


@pytest.mark.parametrize("size", [1, 2, 3, 10, 1000, 4099])
def test_shuffled_has_every_example_once(size):
    order = hashing.shuffled(tf.range(size), size, 0, EPOCH).numpy()
    assert sorted(order) == list(range(size))


def test_shuffled_is_another_order_in_every_epoch_and_for_every_seed():
    orders = [
        tuple(hashing.shuffled(tf.range(50), 50, seed, epoch).numpy())
        for seed in range(3)
        for epoch in range(3)
    ]
    assert len(set(orders)) == 9


def test_shuffled_puts_every_example_everywhere():
    size = 8
    counts = np.zeros((size, size))

    @tf.function  # one call: two thousand take longer to start than to compute
    def shuffles():
        return tf.map_fn(
            lambda epoch: hashing.shuffled(tf.range(size), size, 0, epoch),
            tf.range(2000),
            fn_output_signature=tf.int64,
        )

    for order in shuffles().numpy():
        counts[np.arange(size), order] += 1
    assert scipy.stats.chisquare(counts.ravel(), ddof=2 * size - 2).pvalue > 0.001


def test_shuffled_leaves_no_trace_of_the_order():
    size = 50_000
    order = hashing.shuffled(tf.range(size), size, 0, EPOCH).numpy()
    assert abs(np.corrcoef(order, np.arange(size))[0, 1]) < 0.02
    assert abs(np.corrcoef(order[1:], order[:-1])[0, 1]) < 0.02
    # Neighbours stay neighbours about twice in a whole random permutation.
    assert np.sum(np.abs(np.diff(order)) == 1) < 15


def test_shuffled_works_position_by_position_and_under_xla():
    whole = hashing.shuffled(tf.range(1000), 1000, 4, EPOCH).numpy()

    def part():
        return hashing.shuffled(tf.range(300, 400), 1000, 4, EPOCH)

    np.testing.assert_array_equal(part(), whole[300:400])
    compiled = tf.function(part, jit_compile=True)()
    np.testing.assert_array_equal(compiled, whole[300:400])
