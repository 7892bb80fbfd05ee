"""The model as a step computes it: a pure function of its variables' values.

What can't change the output is left out, and each layer computes as suits the device.
"""

import functools

import keras
import tensorflow as tf

from ltpa_tf import models
from ltpa_tf.data.hashing import random_bits
from ltpa_tf.layers import AttentionPooling, LocalCompatibility, ReflectionPadding
from ltpa_tf.layers.fast import FastBatchNormalization, FastMaxPooling
from ltpa_tf.models.gradient_checkpointing import CheckpointedModel, places

_DROPOUT = 0xD809
# Layers that can compute by many small operations.
_ELEMENTWISE = (FastMaxPooling, LocalCompatibility, AttentionPooling, ReflectionPadding)


class Network:
    """Logits and new state from a model's values, as far as they matter.

    In a model with pc scores and softmax maps the branch of the global feature cancels
    (see `ltpa_tf.models.AttentionVGG`). Its gradient is exactly zero, but computed by
    autodiff it is rounding noise and costs time. Here the branch is left out: its
    weights have a gradient of zero, its batch norm keeps its statistics.

    Args:
        model: A functional model; used for its graph, its variables are not read.
        gradient_checkpointing: Convolutions of a part whose features are computed again
            in the backward pass; 0 = all features are kept for it.
        any_size: Whether images may have another size than the model's own.
        samples: How often layers that choose at random do so for each image.
        gradient_averaging: Whether gradients are averaged where several meet, see
            `models.averaged_gradients`.
        deep_supervision: Whether the levels' own predictions are asked for.
    """

    def __init__(
        self,
        model: keras.Model,
        gradient_checkpointing: int = 0,
        *,
        any_size: bool = False,
        samples: int = 1,
        gradient_averaging: bool = False,
        deep_supervision: bool = False,
    ):
        live = models.prune(model)
        if gradient_averaging:
            live = models.averaged_gradients(live)
        if any_size:
            live = models.of_any_size(live)
        live = models.training_model(live, samples, deep_supervision=deep_supervision)
        self._trainable = places(live.trainable_variables, model.trainable_variables)
        self._others = places(
            live.non_trainable_variables, model.non_trainable_variables
        )
        self._call = functools.partial(live.stateless_call, training=True)
        if gradient_checkpointing:
            self._call = CheckpointedModel(live, gradient_checkpointing)

    def __call__(
        self, trainable: list, others: list, images: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor | list], list]:
        """A training call.

        Args:
            trainable: Values of the model's `trainable_variables`.
            others: Values of its `non_trainable_variables`.
            images: float32 `[b, H, W, 3]`, pixel values.

        Returns:
            What `models.training_model` tells of, and the new values of
            `non_trainable_variables`.
        """
        outputs, found = self._call(
            [trainable[i] for i in self._trainable],
            [others[i] for i in self._others],
            images,
        )
        after = list(others)
        for place, value in zip(self._others, found, strict=True):
            after[place] = value
        return outputs, after


def select_kernels(model: keras.Model, jit: bool) -> None:
    """Kernel selection: of operations that compute the same, those that suit.

    XLA makes few kernels of many small operations, but none of a large one. Without it
    every operation is a pass over memory, and the large ones win.

    Args:
        model: The model; its outputs and weights stay as they are.
        jit: Whether XLA compiles it.
    """
    for layer in model._flatten_layers():
        if isinstance(layer, _ELEMENTWISE):
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


def synchronize(model: keras.Model) -> None:
    """Lets batch norm take its statistics over all replicas."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True


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


def dropout_seeds(
    seed: int, step: int | tf.Tensor, replica: int | tf.Tensor, count: int
) -> tf.Tensor:
    """One seed per random generator of the model: int64 `[count, 2]`.

    A function of its arguments alone: nothing about dropout needs to be saved, and
    replicas and steps draw different masks.
    """
    generators = tf.cast(replica, tf.int64) * count + tf.range(count, dtype=tf.int64)
    bits = random_bits(seed, step, generators, _DROPOUT, lanes=2)
    return tf.cast(tf.bitwise.right_shift(bits, tf.constant(1, bits.dtype)), tf.int64)


def with_seeds(
    model: keras.Model,
    local: list,
    seed: int = 0,
    step: int | tf.Tensor = 0,
    replica: int | tf.Tensor = 0,
) -> list:
    """Values for all of `model.non_trainable_variables`, see `dropout_seeds`."""
    kinds = [is_seed(v) for v in model.non_trainable_variables]
    seeds = dropout_seeds(seed, step, replica, sum(kinds))
    local, seeds = iter(local), iter(tf.unstack(seeds) if any(kinds) else [])
    return [next(seeds) if kind else next(local) for kind in kinds]


def without_seeds(model: keras.Model, values: list) -> list:
    """`State.local` out of values for all of `model.non_trainable_variables`."""
    return [
        value
        for value, variable in zip(values, model.non_trainable_variables, strict=True)
        if not is_seed(variable)
    ]
