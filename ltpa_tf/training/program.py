"""n training steps on all replicas as one call."""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf.layers import AttentionPooling, LocalCompatibility
from ltpa_tf.layers.fast import FastBatchNormalization, FastMaxPooling
from ltpa_tf.training.distribution import variable_per_replica
from ltpa_tf.training.feed import ResidentFeed, StreamFeed
from ltpa_tf.training.state import StateVariables
from ltpa_tf.training.step import Step


class Program:
    """Runs steps on all replicas; Orbit's shape.

    n steps are one call of one graph: a loop around `strategy.run`. Inside it XLA, if
    on, compiles what a replica computes: the whole step where there is one replica, or
    where the sum over replicas can be inside XLA, too; otherwise the two halves, and
    TensorFlow's collectives add up between them. With a whole step and resident images
    the loop itself can be inside XLA: the accelerator then goes from step to step
    without waiting for the host. Only one step is ever compiled for a size of images,
    whatever n is.

    Args:
        strategy: The strategy.
        step: The pure step.
        state: The variables that steps read and write.
        feed: Where examples come from.
        jit: Whether XLA compiles.
        sum_inside: Whether the sum over replicas is inside XLA, too.
        loop_inside: Whether the loop is.
        small_steps: So many steps, the first ones of a training, are taken on small
            images. They are another program to compile.
    """

    def __init__(
        self,
        strategy: tf.distribute.Strategy,
        step: Step,
        state: StateVariables,
        feed: StreamFeed | ResidentFeed,
        *,
        jit: bool,
        sum_inside: bool = False,
        loop_inside: bool = False,
        small_steps: int = 0,
    ):
        self.small_steps = small_steps
        self._strategy = strategy
        self._step = step
        self._state = state
        self._feed = feed
        compiled = tf.function(jit_compile=True) if jit else _as_it_is
        self._whole_inside = sum_inside or strategy.num_replicas_in_sync == 1
        self._loop_inside = loop_inside
        self._loop = compiled(self._whole_steps)
        self._whole = compiled(self._whole_step)
        self._first_half = compiled(self._packed_forward_backward)
        self._second_half = compiled(self._packed_apply)
        self._call = tf.function(self._train)
        # Both live in each replica's memory: sent from the host in every step, they'd
        # make it wait until the accelerator has done all steps before.
        with strategy.scope():
            self._number, self._replica = (
                variable_per_replica(np.int64(0)) for _ in range(2)
            )
        strategy.run(tf.function(self._count_replicas))

    def train(
        self, iterator: Iterator, first: int, steps: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Takes `steps` steps, the first of which is number `first`.

        Returns:
            Tensors that may still be computed: the state's sums, float32, see
            `state.SUMS`; and its `bad_step`.
        """
        small = min(steps, max(0, self.small_steps - first))
        if 0 < small < steps:
            self.train(iterator, first, small)
            return self.train(iterator, first + small, steps - small)
        # An int32 counter stays on the host; an int64 one would make the host wait for
        # the accelerator in every turn of the loop.
        return self._call(
            iterator,
            tf.constant(first, tf.int64),
            tf.constant(steps, tf.int32),
            small=small > 0,
        )

    def _train(self, iterator, first, steps, small):
        if self._loop_inside:
            self._strategy.run(self._replica_steps, (first, steps, small))
            return self._state.report()
        self._strategy.run(self._start_at, (first,))
        for _ in tf.range(steps):
            self._strategy.run(self._replica_step, (self._feed.next(iterator), small))
        return self._state.report()

    def _count_replicas(self):
        context = tf.distribute.get_replica_context()
        self._replica.assign(tf.cast(context.replica_id_in_sync_group, tf.int64))

    def _start_at(self, first):
        self._number.assign(first)

    def _replica_step(self, batch, small):
        context = tf.distribute.get_replica_context()
        step, replica = self._number.read_value(), self._replica.read_value()
        self._number.assign_add(1)
        state, held = self._state.read(), self._feed.held()
        if self._whole_inside:
            self._state.write(self._whole(state, batch, held, step, replica, small))
            return
        mine, local = self._first_half(state, batch, held, step, replica, small)
        summed = context.all_reduce(tf.distribute.ReduceOp.SUM, mine)
        self._state.write(self._second_half(state, local, summed, step))

    def _replica_steps(self, first, steps, small):
        state, held = self._state.read(), self._feed.held()
        replica = self._replica.read_value()
        self._state.write(self._loop(state, held, first, steps, replica, small))

    def _whole_steps(self, state, held, first, steps, replica, small):
        def turn(i, now):
            step = first + tf.cast(i, tf.int64)
            return i + 1, self._whole_step(now, (), held, step, replica, small)

        _, state = tf.while_loop(lambda i, _: i < steps, turn, (tf.constant(0), state))
        return state

    def _whole_step(self, state, batch, held, step, replica, small):
        mine, local = self._forward_backward(state, batch, held, step, replica, small)
        return self._step.apply(state, local, self._sum(mine), step)

    def _sum(self, mine):
        """The sum over replicas, one collective per tensor: XLA puts them together."""
        if self._strategy.num_replicas_in_sync == 1:
            return mine
        context = tf.distribute.get_replica_context()
        return tf.nest.map_structure(
            lambda t: context.all_reduce(tf.distribute.ReduceOp.SUM, t), mine
        )

    # Packing is for the collective alone: XLA takes six times as long to compile a step
    # with it inside.
    def _packed_forward_backward(self, state, batch, held, step, replica, small):
        mine, local = self._forward_backward(state, batch, held, step, replica, small)
        return self._step.pack(mine), local

    def _packed_apply(self, state, local, summed, step):
        return self._step.apply(state, local, self._step.unpack(summed), step)

    def _forward_backward(self, state, batch, held, step, replica, small):
        images, labels = self._feed.examples(batch, held, step, replica)
        return self._step.forward_backward(
            state, images, labels, step, replica, small=small
        )


def _as_it_is(function):
    return function


def select_kernels(model: keras.Model, jit: bool) -> None:
    """Gives each layer the form that suits, of those that compute the same.

    XLA makes few kernels of many small operations, but none of a large one. Without it
    every operation is a pass over memory, and the large ones win.

    Args:
        model: The model; its outputs and weights stay as they are.
        jit: Whether XLA compiles it.
    """
    for layer in model._flatten_layers():
        if isinstance(layer, FastMaxPooling | LocalCompatibility | AttentionPooling):
            layer.elementwise = jit
        elif isinstance(layer, FastBatchNormalization):
            layer.kernel = None if jit else _fused_batch_norm


def _fused_batch_norm(features, gamma, beta, epsilon):
    """TensorFlow's own kernel; its variance is the unbiased one."""
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=features,
        scale=gamma,
        offset=beta,
        mean=tf.zeros([0]),
        variance=tf.zeros([0]),
        epsilon=epsilon,
    )
    count = tf.cast(tf.size(features) // tf.size(gamma), tf.float32)
    return outputs, mean, variance * ((count - 1) / count)
