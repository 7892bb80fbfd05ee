"""Everything that a training step changes, as tensors, variables and arrays."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf.data.hashing import random_bits
from ltpa_tf.training.distribution import variable_per_replica

# What `State.sums` adds up over an epoch, in this order.
SUMS = (
    "loss",
    "correct",
    "examples",
    "gradient_norm",
    "updates",
)
INITIAL_LOSS_SCALE = 2.0**15
_DROPOUT = 0xD809


class State(NamedTuple):
    """One replica's state; its leaves are tensors, variables or arrays alike.

    All replicas hold the same values, except `local`: batch norm's moving statistics,
    which each replica updates from its own part of the batch until they are averaged.
    """

    trainable: list  # the model's weights
    local: list  # its other float variables
    optimizer: list  # its variables: count of updates, maybe learning rate, slots
    ema: list  # the weights' moving average; empty if it's off
    loss_scale: object  # float32; 1 unless precision is mixed_float16
    good_steps: object  # int64, updates since the loss scale changed
    bad_step: object  # int64, the first step that wasn't finite; -1 as long as none
    sums: object  # float32 [len(SUMS)], since the epoch's start


def is_seed(variable: keras.Variable) -> bool:
    """Whether it is a random generator's state, which steps replace and never save."""
    return variable.name == "seed_generator_state"


def local_variables(model: keras.Model) -> list[keras.Variable]:
    """The model's variables that `State.local` stands for."""
    return [v for v in model.non_trainable_variables if not is_seed(v)]


def set_weights(model: keras.Model, trainable: list, local: list) -> None:
    """Gives the model these values."""
    variables = [*model.trainable_variables, *local_variables(model)]
    for variable, value in zip(variables, [*trainable, *local], strict=True):
        variable.assign(value)


def initial_state(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    *,
    ema: bool,
    loss_scaling: bool,
) -> State:
    """The state, as arrays, before the first step."""
    trainable = [np.array(v) for v in model.trainable_variables]
    return State(
        trainable=trainable,
        local=[np.array(v) for v in local_variables(model)],
        optimizer=[np.array(v) for v in optimizer.variables],
        ema=[value.copy() for value in trainable] if ema else [],
        loss_scale=np.float32(INITIAL_LOSS_SCALE if loss_scaling else 1.0),
        good_steps=np.int64(0),
        bad_step=np.int64(-1),
        sums=np.zeros(len(SUMS), np.float32),
    )


class StateVariables:
    """The state in TensorFlow variables, one copy per replica.

    They are on-read variables: in a replica each reads and assigns its own copy, which
    needs no communication inside the step and keeps `local` apart.

    Args:
        initial: The state as arrays.
        strategy: The strategy; the call must be inside its scope or not.
    """

    def __init__(self, initial: State, strategy: tf.distribute.Strategy):
        self._strategy = strategy
        with strategy.scope():
            self._variables = tf.nest.map_structure(variable_per_replica, initial)
            # Statistics that belong to the average; found anew when they are needed.
            self._ema_local = [
                variable_per_replica(v) for v in initial.local if initial.ema
            ]
        self.reset_sums = tf.function(self._reset_sums)
        self.average_local = tf.function(self._average_local)
        self.weight_norm = tf.function(self._weight_norm)
        self.update_norm = tf.function(self._update_norm)
        self._local_rows = tf.function(self._gather_local)
        self._set_local_rows = tf.function(self._deal_out_local)
        self._sizes = [value.size for value in initial.local]
        self._shapes = [value.shape for value in initial.local]

    def read(self) -> State:
        """This replica's tensors; to be called in a replica."""
        return tf.nest.map_structure(lambda v: v.read_value(), self._variables)

    def write(self, state: State) -> None:
        """Assigns this replica's tensors; to be called in a replica."""
        tf.nest.map_structure(
            lambda v, value: v.assign(value, read_value=False), self._variables, state
        )

    def read_for_evaluation(self) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """This replica's weights and `local` that are evaluated and saved."""
        averaged = bool(self._variables.ema)
        weights = self._variables.ema if averaged else self._variables.trainable
        local = self._ema_local if averaged else self._variables.local
        return [v.read_value() for v in weights], [v.read_value() for v in local]

    def write_evaluation_local(self, values: list[tf.Tensor]) -> None:
        """Sets the statistics that belong to the average; in a replica."""
        for variable, value in zip(self._ema_local, values, strict=True):
            variable.assign(value)

    def evaluation_arrays(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """`read_for_evaluation`, as arrays of the first replica."""
        return tf.nest.map_structure(lambda v: v.numpy(), self.read_for_evaluation())

    def weights(self) -> list[tf.Tensor]:
        """The first replica's weights now; later steps leave these alone."""
        return [v.read_value() for v in self._variables.trainable]

    def report(self) -> tuple[tf.Tensor, tf.Tensor]:
        """The sums, and the first step that wasn't finite or -1; outside replicas."""
        return self._variables.sums.read_value(), self._variables.bad_step.read_value()

    def shared(self, field: str) -> list[np.ndarray] | np.ndarray:
        """One field, as arrays of the first replica."""
        return tf.nest.map_structure(
            lambda v: v.read_value().numpy(), getattr(self._variables, field)
        )

    @property
    def learning_rate(self) -> float:
        """The rate among the optimizer's variables, where no schedule gives it."""
        return float(self._variables.optimizer[1].read_value())

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._variables.optimizer[1].assign(value)

    def _weight_norm(self) -> tf.Tensor:
        """The norm of all weights; not finite if one of them isn't."""
        return tf.linalg.global_norm(self.weights())

    def _update_norm(self, earlier: list[tf.Tensor]) -> tf.Tensor:
        """The norm of what was added to the weights since they were `earlier`."""
        pairs = zip(self.weights(), earlier, strict=True)
        return tf.linalg.global_norm([new - old for new, old in pairs])

    def _reset_sums(self) -> None:
        """Starts the sums of a new epoch."""

        def reset():
            self._variables.sums.assign(tf.zeros(len(SUMS)))

        self._strategy.run(reset)

    def _average_local(self) -> None:
        """Gives every replica the mean over replicas of each `local` value.

        Batch norm's statistics then are the same everywhere, as in the saved model.
        """
        if not self._sizes or self._strategy.num_replicas_in_sync == 1:
            return

        def average():
            replica = tf.distribute.get_replica_context()
            packed = replica.all_reduce(tf.distribute.ReduceOp.MEAN, self._pack_local())
            self._assign_local(packed)

        self._strategy.run(average)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """A copy in memory: name -> array; `local` has one row per replica."""
        arrays = {}
        for field in State._fields:
            if field != "local":
                for i, value in enumerate(tf.nest.flatten(self.shared(field))):
                    arrays[f"{field}.{i:03d}"] = value
        arrays["local"] = self._local_rows().numpy()
        return arrays

    def from_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        """Takes over what `to_arrays` gave.

        With another number of replicas than then, each gets the mean of their `local`.

        Raises:
            ValueError: If the arrays are another model's or optimizer's.
        """
        rows = arrays["local"]
        expected = {"local"}
        for field in State._fields:
            if field == "local":
                continue
            for i, variable in enumerate(
                tf.nest.flatten(getattr(self._variables, field))
            ):
                name = f"{field}.{i:03d}"
                expected.add(name)
                if name not in arrays or arrays[name].shape != tuple(variable.shape):
                    raise ValueError(f"no {name} of shape {tuple(variable.shape)}")
                variable.assign(arrays[name])
        if expected != set(arrays) or rows.shape[1] != sum(self._sizes):
            raise ValueError("more or other arrays than this model and optimizer have")
        if len(rows) != self._strategy.num_replicas_in_sync:
            rows = np.repeat(
                rows.mean(0, keepdims=True), self._strategy.num_replicas_in_sync, 0
            )
        self._set_local_rows(tf.constant(rows))

    def _gather_local(self) -> tf.Tensor:
        if not self._sizes:  # gathering nothing crashes TensorFlow
            return tf.zeros([self._strategy.num_replicas_in_sync, 0])
        rows = self._strategy.run(lambda: self._pack_local()[tf.newaxis])
        if self._strategy.num_replicas_in_sync == 1:
            return rows
        return self._strategy.gather(rows, axis=0)

    def _deal_out_local(self, rows: tf.Tensor) -> None:
        def assign():
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            self._assign_local(rows[replica])

        self._strategy.run(assign)

    def _pack_local(self) -> tf.Tensor:
        values = [tf.reshape(v.read_value(), [-1]) for v in self._variables.local]
        return tf.concat(values, 0) if values else tf.zeros([0])

    def _assign_local(self, packed: tf.Tensor) -> None:
        for variable, value in zip(
            self._variables.local, unpack(packed, self._shapes), strict=True
        ):
            variable.assign(value)


def dropout_seeds(
    seed: int, step: tf.Tensor, replica: tf.Tensor, count: int
) -> tf.Tensor:
    """One seed per random generator of the model: int64 `[count, 2]`.

    A function of its arguments alone: nothing about dropout needs to be saved, and
    replicas and steps draw different masks.
    """
    generators = tf.cast(replica, tf.int64) * count + tf.range(count, dtype=tf.int64)
    bits = random_bits(seed, step, generators, _DROPOUT, lanes=2)
    return tf.cast(tf.bitwise.right_shift(bits, tf.constant(1, bits.dtype)), tf.int64)


def with_seeds(model: keras.Model, local: list, seeds: tf.Tensor) -> list:
    """Values for all of `model.non_trainable_variables`."""
    local, seeds = iter(local), iter(tf.unstack(seeds) if seeds.shape[0] else [])
    return [
        next(seeds) if is_seed(v) else next(local)
        for v in model.non_trainable_variables
    ]


def without_seeds(model: keras.Model, values: list) -> list:
    """`State.local` out of values for all of `model.non_trainable_variables`."""
    return [
        value
        for value, variable in zip(values, model.non_trainable_variables, strict=True)
        if not is_seed(variable)
    ]


def pack(tensors: list[tf.Tensor]) -> tf.Tensor:
    """All the tensors' values in one row: one large message instead of many small."""
    return tf.concat([tf.reshape(t, [-1]) for t in tensors], 0)


def unpack(packed: tf.Tensor, shapes: list) -> list[tf.Tensor]:
    """The tensors of these shapes that `pack` put in a row."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    parts = tf.split(packed, sizes) if sizes else []
    return [tf.reshape(p, s) for p, s in zip(parts, shapes, strict=True)]
