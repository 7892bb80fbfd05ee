"""Random numbers as a pure function of (seed, epoch, position, purpose).

A counter-based generator in plain uint32 arithmetic. Its numbers are bitwise the same
eagerly, in tf.data, on a GPU and under XLA, and don't depend on how a batch is cut
into shards - which TensorFlow's own stateless ops don't promise across devices.
The mixing function is Chris Wellons' `lowbias32`
(https://nullprogram.com/blog/2018/07/31/).
"""

import functools

import numpy as np
import tensorflow as tf

Integer = int | tf.Tensor  # a scalar

_GOLDEN = 0x9E3779B9
_SHUFFLE = 0x5F0F
# The distance from a uniform permutation halves each round: 2^-32 x size at the end.
_ROUNDS = 32


def random_bits(
    seed: Integer, epoch: Integer, positions: tf.Tensor, purpose: int, lanes: int = 1
) -> tf.Tensor:
    """32 random bits for each position and lane.

    Args:
        seed: Integer or scalar integer tensor; 64 bits of it count.
        epoch: Integer or scalar integer tensor, not negative.
        positions: Integers [B], not negative.
        purpose: What the numbers are for; two purposes have unrelated numbers.
        lanes: How many numbers each position gets.

    Returns:
        uint32 [B, lanes].
    """
    # The epoch last: a graph computes what is before it once, as a constant.
    seed = tf.cast(seed, tf.int64)
    words = (seed, tf.bitwise.right_shift(seed, 32), purpose, epoch)
    words = [tf.cast(word, tf.uint32) for word in words]
    return _bits(words, tf.cast(positions, tf.uint32), lanes)


def below(bits: tf.Tensor, bound: Integer) -> tf.Tensor:
    """Maps random bits to integers 0 .. bound-1.

    Uses the upper 16 bits; the bias is at most bound / 2^16.

    Args:
        bits: uint32, any shape.
        bound: Integer up to 2^16, or a tensor of them that broadcasts.

    Returns:
        int32 of the broadcast shape.
    """
    return tf.cast(_right(_right(bits, 16) * tf.cast(bound, tf.uint32), 16), tf.int32)


def byte(bits: tf.Tensor, number: int) -> tf.Tensor:
    """Byte `number` (0 = lowest, to 3) of uint32 random bits, as int32 0 .. 255."""
    return tf.cast(_right(bits, 8 * number) & 255, tf.int32)


def shuffled(
    positions: tf.Tensor, size: int, seed: Integer, epoch: Integer
) -> tf.Tensor:
    """The example at each position of an epoch, in that epoch's random order.

    Every position is permuted by itself, in a fixed number of integer operations, so
    that an epoch can be entered anywhere and the ops compile. (TensorFlow's
    `index_shuffle` does the same, but neither on a GPU nor under XLA.)

    Swap-or-not: Hoang, Morris, Rogaway, "An Enciphering Scheme Based on a Card
    Shuffle", 2012 (https://arxiv.org/abs/1208.1176).

    Args:
        positions: Integers [B] in 0 .. size-1.
        size: Number of examples, below 2^31.
        seed: Integer or scalar integer tensor.
        epoch: Integer or scalar integer tensor, not negative.

    Returns:
        int64 [B]; over all positions each example comes exactly once.
    """
    size = tf.constant(size, tf.uint32)
    words = random_bits(seed, epoch, tf.range(_ROUNDS), _SHUFFLE, lanes=2)
    pivots, keys = tf.unstack(words[:, 0] % size), tf.unstack(words[:, 1])
    x = tf.cast(positions, tf.uint32)
    for pivot, key in zip(pivots, keys, strict=True):
        x = _round(x, pivot, key, size)
    return tf.cast(x, tf.int64)


def _once_in_a_graph(function):
    """Lets a graph call it as a function that is traced once.

    They are used so often: built in place, their operations would be a fifth of what a
    training waits for before its first step. Whatever runs the graph inlines them.
    """
    traced = tf.function(function, autograph=False)

    @functools.wraps(function)
    def call(*arguments):
        return (function if tf.executing_eagerly() else traced)(*arguments)

    return call


@_once_in_a_graph
def _bits(words: list[tf.Tensor], positions: tf.Tensor, lanes: int) -> tf.Tensor:
    key = tf.constant(_GOLDEN, tf.uint32)
    for word in words:  # each in turn stirred in
        key = _mix(key ^ _mix(word + _GOLDEN))
    lane_offsets = (np.arange(1, lanes + 1, dtype=np.uint64) * _GOLDEN) % 2**32
    lane_keys = _mix(key + tf.constant(lane_offsets, tf.uint32))
    rows = _mix(positions ^ key)
    return _mix(rows[:, None] + lane_keys[None])


@_once_in_a_graph
def _round(x: tf.Tensor, pivot: tf.Tensor, key: tf.Tensor, size: tf.Tensor):
    partner = tf.where(x > pivot, pivot + size, pivot) - x
    larger = tf.maximum(x, partner)
    swap = _mix(larger ^ key) > 0x7FFFFFFF
    return tf.where(swap, partner, x)


@_once_in_a_graph
def _mix(x: tf.Tensor) -> tf.Tensor:
    x = (x ^ _right(x, 16)) * 0x7FEB352D
    x = (x ^ _right(x, 15)) * 0x846CA68B
    return x ^ _right(x, 16)


def _right(x: tf.Tensor, bits: int) -> tf.Tensor:
    return tf.bitwise.right_shift(x, tf.constant(bits, x.dtype))
