"""Everything that a training step changes, as tensors, variables and arrays."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ltpa_tf.distribution import pack, unpack, variable_per_replica
from ltpa_tf.models.names import unique, variable_paths
from ltpa_tf.training.network import local_variables

# What `State.sums` adds up over an epoch, in this order.
SUMS = ("loss", "correct", "examples", "gradient_norm", "updates")
INITIAL_LOSS_SCALE = 2.0**15


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
        model: The model, for its initial weights and their names.
        optimizer: Built for the model's weights.
        strategy: The strategy.
        ema: Whether there is a moving average of the weights.
        loss_scaling: Whether losses are scaled for float16.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        strategy: tf.distribute.Strategy,
        *,
        ema: bool,
        loss_scaling: bool,
    ):
        self._strategy = strategy
        initial = initial_state(model, optimizer, ema=ema, loss_scaling=loss_scaling)
        with strategy.scope():
            self._variables = tf.nest.map_structure(variable_per_replica, initial)
            # Statistics that belong to the average; found anew when they are needed.
            self._ema_local = [
                variable_per_replica(v) for v in initial.local if initial.ema
            ]
        self._names = _names(model, optimizer, initial)
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

    def read_trained(self) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """The first replica's weights and `local` as training has them."""
        return self.weights(), [v.read_value() for v in self._variables.local]

    def replace_weights(self, values: list[tf.Tensor | None]) -> None:
        """Goes on from other weights, everywhere; the average begins anew from them.

        Args:
            values: Of the weights, then of `local`; None for what stays.
        """
        weights, local = self._variables.trainable, self._variables.local
        groups = [[*weights, *local]]
        if self._variables.ema:
            groups.append([*self._variables.ema, *self._ema_local])
        for variables in groups:
            for variable, value in zip(variables, values, strict=True):
                if value is not None:
                    variable.assign(value)

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

    @property
    def learning_rate(self) -> float:
        """The rate among the optimizer's variables, where no schedule gives it."""
        return float(self._variables.optimizer[1].read_value())

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._variables.optimizer[1].assign(value)

    @tf.function(autograph=False)
    def weight_norm(self) -> tf.Tensor:
        """The norm of all weights; not finite if one of them isn't."""
        return tf.linalg.global_norm(self.weights())

    @tf.function(autograph=False)
    def update_norm(self, earlier: list[tf.Tensor]) -> tf.Tensor:
        """The norm of what was added to the weights since they were `earlier`."""
        pairs = zip(self.weights(), earlier, strict=True)
        return tf.linalg.global_norm([new - old for new, old in pairs])

    @tf.function(autograph=False)
    def reset_sums(self) -> None:
        """Starts the sums of a new epoch."""

        def reset():
            self._variables.sums.assign(tf.zeros(len(SUMS)))

        self._strategy.run(reset)

    @tf.function(autograph=False)
    def average_local(self) -> None:
        """Gives every replica the mean over replicas of each `local` value.

        Batch norm's statistics then are the same everywhere, as in the saved model.
        """
        if not self._shapes or self._strategy.num_replicas_in_sync == 1:
            return

        def average():
            replica = tf.distribute.get_replica_context()
            packed = replica.all_reduce(tf.distribute.ReduceOp.MEAN, self._pack_local())
            self._assign_local(packed)

        self._strategy.run(average)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """A copy in memory, by `FIELD.PATH`; `local` has one row per replica."""
        shared = self._named(self._variables).items()
        local = self._local_by_name(self._gather_local().numpy())
        return {name: v.read_value().numpy() for name, v in shared} | local

    def initial_arrays(
        self, model: keras.Model, optimizer: keras.optimizers.Optimizer
    ) -> dict[str, np.ndarray]:
        """What `to_arrays` gives before the first step from this model's weights."""
        scale = self._variables.loss_scale.read_value().numpy()
        initial = initial_state(
            model, optimizer, ema=bool(self._variables.ema), loss_scaling=scale != 1
        )
        rows = [
            np.stack([v] * self._strategy.num_replicas_in_sync) for v in initial.local
        ]
        return self._named(initial) | dict(zip(self._names.local, rows, strict=True))

    def from_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        """Takes over what `to_arrays` gave.

        With another number of replicas than then, each gets the mean of their `local`.

        Raises:
            ValueError: If the arrays are another model's or optimizer's.
        """
        if "local" in arrays:
            arrays = self._from_positions(arrays)
        shared = self._named(self._variables)
        if len(arrays) != len(shared) + len(self._shapes):
            raise ValueError("more or other arrays than this model and optimizer have")
        for name, variable in shared.items():
            if name not in arrays or arrays[name].shape != tuple(variable.shape):
                raise ValueError(f"no {name} of shape {tuple(variable.shape)}")
        replicas, rows = self._strategy.num_replicas_in_sync, []
        for name, shape in zip(self._names.local, self._shapes, strict=True):
            if name not in arrays or arrays[name].shape[1:] != shape:
                raise ValueError(f"no {name} of shape {shape}")
            values = arrays[name].reshape(len(arrays[name]), -1)
            if len(values) != replicas:
                values = np.repeat(values.mean(0, keepdims=True), replicas, 0)
            rows.append(values)
        for name, variable in shared.items():
            variable.assign(arrays[name])
        if rows:
            self._deal_out_local(tf.constant(np.concatenate(rows, 1)))

    def _named(self, state: State) -> dict:
        """The state's values by name, but for `local`."""
        names = self._names._replace(local=[])
        leaves = tf.nest.flatten(state._replace(local=[]))
        return dict(zip(tf.nest.flatten(names), leaves, strict=True))

    def _local_by_name(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The values of `local`, packed in one row per replica, by name."""
        ends = np.cumsum([np.prod(shape, dtype=int) for shape in self._shapes])
        return {
            name: rows[:, end - np.prod(shape, dtype=int) : end].reshape(-1, *shape)
            for name, shape, end in zip(
                self._names.local, self._shapes, ends, strict=True
            )
        }

    def _from_positions(self, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Reads checkpoints of versions up to 0.1, which named arrays by position."""
        names = {}
        for field in set(State._fields) - {"local"}:
            for i, name in enumerate(tf.nest.flatten(getattr(self._names, field))):
                names[f"{field}.{i:03d}"] = name
        found = {names.get(k, k): v for k, v in arrays.items() if k != "local"}
        rows = arrays["local"]
        if rows.shape[1] != sum(np.prod(shape, dtype=int) for shape in self._shapes):
            raise ValueError("more or other arrays than this model and optimizer have")
        return found | self._local_by_name(rows)

    @tf.function(autograph=False)
    def _gather_local(self) -> tf.Tensor:
        if not self._shapes:  # gathering nothing crashes TensorFlow
            return tf.zeros([self._strategy.num_replicas_in_sync, 0])
        rows = self._strategy.run(lambda: self._pack_local()[tf.newaxis])
        if self._strategy.num_replicas_in_sync == 1:
            return rows
        return self._strategy.gather(rows, axis=0)

    @tf.function(autograph=False)
    def _deal_out_local(self, rows: tf.Tensor) -> None:
        def assign():
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            self._assign_local(rows[replica])

        self._strategy.run(assign)

    def _pack_local(self) -> tf.Tensor:
        return pack([v.read_value() for v in self._variables.local])

    def _assign_local(self, packed: tf.Tensor) -> None:
        for variable, value in zip(
            self._variables.local, unpack(packed, self._shapes), strict=True
        ):
            variable.assign(value)


def _names(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, state: State
) -> State:
    """A name for each leaf of the state."""
    paths = variable_paths(model)
    weights = [paths[id(v)] for v in model.trainable_variables]
    # Keras calls the momentum of dense/kernel dense_kernel_momentum.
    prefixes = {}
    for variable, path in zip(model.trainable_variables, weights, strict=True):
        prefixes.setdefault(variable.path.replace("/", "_") + "_", path)
    slots = []
    for name in [v.name for v in optimizer.variables]:
        fitting = [prefix for prefix in prefixes if name.startswith(prefix)]
        if fitting:
            prefix = max(fitting, key=len)
            name = f"{prefixes[prefix]}/{name.removeprefix(prefix)}"
        slots.append(name)
    return State(
        **{field: field for field in State._fields[4:]},
        trainable=[f"trainable.{path}" for path in weights],
        local=[f"local.{paths[id(v)]}" for v in local_variables(model)],
        optimizer=[f"optimizer.{slot}" for slot in unique(slots)],
        ema=[f"ema.{path}" for path in weights if state.ema],
    )
