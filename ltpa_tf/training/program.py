"""n training steps on all replicas as one call, and the calls of a run."""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import numpy as np
import tensorflow as tf

from ltpa_tf import distribution
from ltpa_tf.data.feed import ResidentFeed, StreamFeed
from ltpa_tf.distribution import over_replicas, variable_per_replica
from ltpa_tf.training.pretrained import Teacher
from ltpa_tf.training.state import SUMS, StateVariables
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
        teacher: Another model that is learned from, beside the labels.
        seed: Of dropout and choices.

    Attributes:
        seed: A variable, so that a compiled step serves every seed.
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
        teacher: Teacher | None = None,
        seed: int = 0,
    ):
        self.small_steps = small_steps
        self.strategy = strategy
        self._step = step
        self._state = state
        self._feed = feed
        self._teacher = teacher
        # Loops are TensorFlow's own: AutoGraph would read all of the code, a second of
        # each start, to find none.
        inside = tf.function(jit_compile=True, autograph=False)
        compiled = inside if jit else lambda function: function
        self._whole_inside = sum_inside or strategy.num_replicas_in_sync == 1
        self._loop_inside = loop_inside
        self._loop = compiled(self._whole_steps)
        self._whole = compiled(self._whole_step)
        self._first_half = compiled(self._packed_forward_backward)
        self._second_half = compiled(self._packed_apply)
        self._call = tf.function(self._train, autograph=False)
        # They live in each replica's memory: sent from the host in every step, they'd
        # make it wait until the accelerator has done all steps before.
        with strategy.scope():
            self._number, self._replica, self.seed = (
                variable_per_replica(np.int64(value)) for value in (0, 0, seed)
            )
        strategy.run(tf.function(self._count_replicas, autograph=False))

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
            self.strategy.run(self._replica_steps, (first, steps, small))
            return self._state.report()
        self.strategy.run(self._start_at, (first,))

        def turn(i):
            self.strategy.run(self._replica_step, (self._feed.next(iterator), small))
            return (i + 1,)

        tf.while_loop(lambda i: i < steps, turn, (tf.constant(0),))
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
        state, held = self._state.read(), self._held()
        if self._whole_inside:
            self._state.write(self._whole(state, batch, held, step, replica, small))
            return
        mine, local = self._first_half(state, batch, held, step, replica, small)
        summed = context.all_reduce(tf.distribute.ReduceOp.SUM, mine)
        self._state.write(self._second_half(state, local, summed, step))

    def _held(self):
        """What a replica has in its memory for all steps: images, a teacher, a seed."""
        teacher = self._teacher.held() if self._teacher else ()
        return self._feed.held(), teacher, self.seed.read_value()

    def _replica_steps(self, first, steps, small):
        state, held = self._state.read(), self._held()
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
        add_up = functools.partial(over_replicas, tf.distribute.ReduceOp.SUM)
        return tf.nest.map_structure(add_up, mine)

    # Packing is for the collective alone: XLA takes six times as long to compile a step
    # with it inside.
    def _packed_forward_backward(self, state, batch, held, step, replica, small):
        mine, local = self._forward_backward(state, batch, held, step, replica, small)
        return self._step.pack(mine), local

    def _packed_apply(self, state, local, summed, step):
        return self._step.apply(state, local, self._step.unpack(summed), step)

    def _forward_backward(self, state, batch, held, step, replica, small):
        examples, teacher, seed = held
        images, labels = self._feed.examples(batch, examples, step, replica)
        targets = None
        if self._teacher:
            targets = self._teacher.targets(images, labels, teacher)
        return self._step.forward_backward(
            state,
            images,
            labels,
            step,
            replica,
            seed=seed,
            targets=targets,
            small=small,
        )


class StepsPerCall:
    """How many steps one call takes: as set, or found by itself.

    Whatever the number, the result is the same bit for bit. Few steps a call show
    progress, answer signals and save in time; many cost less Python. So calls grow
    until they last a good part of a second.

    Args:
        fixed: `runtime.steps_per_call`; 0 = by itself.
        strategy: Several workers must take the same number, so they can't measure.
    """

    _SHORT, _LONG = 0.25, 1.0  # seconds
    _MOST = 512
    _WITH_WORKERS = 10

    def __init__(self, fixed: int, strategy: tf.distribute.Strategy):
        if not fixed and distribution.workers(strategy) > 1:
            fixed = self._WITH_WORKERS
        self._fixed = fixed
        self._steps = fixed or 1

    def steps(self, *limits: int) -> int:
        """Steps of the next call, at most the smallest limit."""
        return min(self._steps, *limits)

    def took(self, steps: int, seconds: float) -> None:
        """Tells how long a call of so many steps lasted."""
        if self._fixed:
            return
        if seconds < self._SHORT and steps == self._steps:
            self._steps = min(2 * self._steps, self._MOST)
        elif seconds > self._LONG:
            self._steps = max(1, self._steps // 2)


class StepRunner:
    """Takes a run's steps.

    An accelerator works on a call while Python prepares the next one: waiting for each
    report at once would leave it idle in between.

    Args:
        program: Takes the steps.
        feed: Where examples come from.
        state: What steps change.
        batch_size: Examples per step over all replicas.
        steps_per_call: `runtime.steps_per_call`.
        wait: Waits for each call's report, so that `logs` are those of its last step.
        compiling: A context for the first calls, which compile.
        not_finite: Makes the error for a step that wasn't finite.

    Attributes:
        logs: The means of the running epoch, and images per second of training alone.
    """

    def __init__(
        self,
        program: Program,
        feed: StreamFeed | ResidentFeed,
        state: StateVariables,
        batch_size: int,
        steps_per_call: int,
        *,
        wait: bool,
        compiling: Callable[[], AbstractContextManager],
        not_finite: Callable[[int], Exception],
    ):
        self._program, self._feed, self._state = program, feed, state
        self._batch_size = batch_size
        self._length = StepsPerCall(steps_per_call, program.strategy)
        self._waits = wait
        self._compiling, self._not_finite = compiling, not_finite
        self._iterator = None
        self._started = False
        self._pending = None  # the last call's report, not yet waited for
        self.logs: dict[str, float] = {}

    def begin_epoch(self) -> None:
        """Restarts the clock."""
        self._timed, self._start_time = 0, time.monotonic()

    def run(self, step: int, end: int, *limits: int) -> int:
        """Starts a call after `step` steps; returns how many it takes.

        Args:
            step: The global step.
            end: The epoch's last step, which is taken alone: its update is measured.
            limits: Most steps of the call.

        Raises:
            Exception: `not_finite`'s, for this call or the one before.
        """
        if step == end - 1:
            self._earlier = self._state.weights()
        border = self._program.small_steps
        if not self._started or step == border:
            self._compile(step)
            return 1
        full_size = border - step if step < border else end - step
        steps = self._length.steps(*limits, full_size, max(1, end - 1 - step))
        before = time.monotonic()
        self._start(step, steps)
        self._length.took(steps, time.monotonic() - before)
        self._timed += steps
        if self._waits:
            self.wait()
        return steps

    def wait(self) -> dict[str, float]:
        """Waits for everything that was started; returns the logs."""
        report, self._pending = self._pending, None
        self._read(report)
        return self.logs

    def update_norm(self) -> float:
        """The norm of the epoch's last update.

        Measured in every step it would be a sixth of all kernels that a GPU starts.
        """
        return float(self._state.update_norm(self._earlier))

    def _compile(self, step: int) -> None:
        """A single step, which takes long: it is traced and compiled."""
        self.wait()
        self._iterator = self._feed.iterator(step)
        with self._compiling():
            self._start(step, 1)
            self.wait()
        self._started = True
        self.begin_epoch()

    def _start(self, step: int, steps: int) -> None:
        """Starts a call, then reads the report of the one before, done by now."""
        report = self._program.train(self._iterator, step, steps)
        earlier, self._pending = self._pending, report
        self._read(earlier)

    def _read(self, report: tuple | None) -> None:
        if report is None:
            return
        sums, bad_step = report[0].numpy(), int(report[1])
        if bad_step >= 0:
            raise self._not_finite(bad_step)
        self.logs = _means(sums) | self._speed()

    def _speed(self) -> dict[str, float]:
        if not self._timed:
            return {}
        seconds = time.monotonic() - self._start_time
        images = self._timed * self._batch_size
        return {"seconds": seconds, "images_per_second": images / seconds}


def _means(sums: np.ndarray) -> dict[str, float]:
    """The sums of `State.sums` as means over examples and updates.

    Empty if there were none: with float16 every step may have been skipped.
    """
    total = dict(zip(SUMS, sums.tolist(), strict=True))
    examples, updates = total["examples"], total["updates"]
    if not updates:
        return {}
    return {
        "loss": total["loss"] / examples,
        "accuracy": total["correct"] / examples,
        "gradient_norm": total["gradient_norm"] / updates,
    }
