"""The model as a pure function of its variables' values, and their names.

What can't change the output is left out; features may be computed again in the backward
pass instead of being kept (gradient checkpointing).
"""

import dataclasses
import functools
import re
from collections.abc import Sequence

import keras
import tensorflow as tf

from ltpa_tf import models
from ltpa_tf.data.hashing import random_bits
from ltpa_tf.layers import AttentionPooling, LocalCompatibility, ReflectionPadding
from ltpa_tf.layers.choices import Choice
from ltpa_tf.layers.fast import FastBatchNormalization, FastMaxPooling

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
        recompute: Convolutions per segment whose features are computed again in the
            backward pass; 0 = all features are kept for it.
        any_size: Whether images may have another size than the model's own.
        samples: How often layers that choose at random do so for each image.
        gradient_averaging: Whether gradients are averaged where several meet, see
            `models.averaged_gradients`.
    """

    def __init__(
        self,
        model: keras.Model,
        recompute: int = 0,
        *,
        any_size: bool = False,
        samples: int = 1,
        gradient_averaging: bool = False,
    ):
        live = models.prune(model)
        if gradient_averaging:
            live = models.averaged_gradients(live)
        if any_size:
            live = models.of_any_size(live)
        live = models.training_model(live, samples)
        self._trainable = places(live.trainable_variables, model.trainable_variables)
        self._others = places(
            live.non_trainable_variables, model.non_trainable_variables
        )
        self._call = functools.partial(live.stateless_call, training=True)
        if recompute:
            self._call = CheckpointedModel(live, recompute)

    def __call__(
        self, trainable: list, others: list, images: tf.Tensor
    ) -> tuple[tf.Tensor, list[Choice], list]:
        """A training call.

        Args:
            trainable: Values of the model's `trainable_variables`.
            others: Values of its `non_trainable_variables`.
            images: float32 `[b, H, W, 3]`, pixel values.

        Returns:
            The logits and choices, see `models.training_model`, and the new values of
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
        return outputs["logits"], outputs["choices"], after


@dataclasses.dataclass(frozen=True)
class _Call:
    """One call of a layer: which tensors it takes and which it makes."""

    layer: keras.Layer
    takes: list[keras.KerasTensor]
    makes: list[keras.KerasTensor]


@dataclasses.dataclass(frozen=True)
class _Segment:
    """Some calls as a model, and where its values stand among those of the whole."""

    model: keras.Model
    trainable: list[int]
    others: list[int]
    takes: list[int]
    makes: list[int]


class CheckpointedModel:
    """A model cut across, so that its backward pass needs less memory.

    Kept for the backward pass is what goes over a cut; the features inside of a segment
    are computed once more when its turn comes. Outputs and gradients are the same.

    Args:
        model: A functional model with one input; its variables are not read.
        convolutions: How many of them a segment has.
    """

    def __init__(self, model: keras.Model, convolutions: int):
        whole, calls = _traced(model)
        groups = _groups(calls, convolutions)
        self._input = id(whole.input)
        self._output = keras.tree.map_structure(id, whole.output)
        self._segments = []
        for i, group in enumerate(groups):
            later = [tensor for g in groups[i + 1 :] for c in g for tensor in c.takes]
            self._segments.append(_segment(whole, group, [*later, *whole.outputs]))

    def __call__(
        self, trainable: Sequence, others: Sequence, images: tf.Tensor
    ) -> tuple[object, list]:
        """What the model's own `stateless_call(..., training=True)` returns."""
        others, tensors = list(others), {self._input: images}
        for segment in self._segments:
            # Nothing comes between the last one's two passes: it keeps its features.
            last = segment is self._segments[-1]
            made, found = (_once if last else _computed_again)(
                segment,
                [trainable[i] for i in segment.trainable],
                [others[i] for i in segment.others],
                [tensors[i] for i in segment.takes],
            )
            tensors |= dict(zip(segment.makes, made, strict=True))
            for place, value in zip(segment.others, found, strict=True):
                others[place] = value
        return keras.tree.map_structure(tensors.get, self._output), others


def _traced(model: keras.Model) -> tuple[keras.Model, list[_Call]]:
    """The model made anew, and its layers' calls in their order."""
    calls = []

    def call(layer, *args, **kwargs):
        makes = layer(*args, **kwargs)
        calls.append(_Call(layer, _tensors((args, kwargs)), _tensors(makes)))
        return makes

    return models.reapplied(model, call), calls


def _tensors(structure) -> list[keras.KerasTensor]:
    leaves = keras.tree.flatten(structure)
    return [leaf for leaf in leaves if isinstance(leaf, keras.KerasTensor)]


def _groups(calls: list[_Call], convolutions: int) -> list[list[_Call]]:
    """The calls, cut before every so-many-th convolution."""
    groups, count = [[]], 0
    for call in calls:
        if isinstance(call.layer, keras.layers.Conv2D):
            if count == convolutions:
                groups.append([])
                count = 0
            count += 1
        groups[-1].append(call)
    return groups


def _segment(whole: keras.Model, group: list[_Call], needed: list) -> _Segment:
    inside = {id(tensor): tensor for call in group for tensor in call.makes}
    takes = {id(t): t for call in group for t in call.takes if id(t) not in inside}
    makes = {id(t): t for t in needed if id(t) in inside}
    model = keras.Model(list(takes.values()), list(makes.values()))
    return _Segment(
        model,
        places(model.trainable_variables, whole.trainable_variables),
        places(model.non_trainable_variables, whole.non_trainable_variables),
        list(takes),
        list(makes),
    )


def _once(segment: _Segment, trainable, others, tensors):
    """What the segment makes, and its new `others`."""
    made, found = segment.model.stateless_call(
        trainable, others, tensors, training=True
    )
    return keras.tree.flatten(made), found


def _computed_again(segment: _Segment, trainable, others, tensors):
    """The same, without features that are kept for the backward pass."""

    @tf.recompute_grad
    def compute(*values):
        made, found = _once(
            segment, values[: len(trainable)], others, values[len(trainable) :]
        )
        return *made, *found

    results = compute(*trainable, *tensors)
    return results[: len(segment.makes)], results[len(segment.makes) :]


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


def places(some: Sequence, of: Sequence) -> list[int]:
    """Where each variable stands."""
    place = {id(variable): i for i, variable in enumerate(of)}
    return [place[id(variable)] for variable in some]


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


def variable_paths(model: keras.Model) -> dict[int, str]:
    """The path of each weight of the model, by its id; the same in every process.

    Keras numbers layers and variables without a name through the whole process
    (`dense_7`, where a fresh process says `dense`): here the model's own are counted.
    """
    renamed, count = {}, {}
    for layer in model._flatten_layers():
        stem = re.sub(r"_\d+$", "", layer.name)
        if stem.replace("_", "") == type(layer).__name__.lower():
            renamed[layer.name] = f"{stem}_{count[stem]}" if stem in count else stem
            count[stem] = count.get(stem, 0) + 1
    paths = [
        "/".join(renamed.get(part, part) for part in variable.path.split("/"))
        for variable in model.weights
    ]
    paths = unique([re.sub(r"\bvariable_\d+$", "variable", path) for path in paths])
    return {id(v): path for v, path in zip(model.weights, paths, strict=True)}


def unique(names: list[str]) -> list[str]:
    """The names, those that come again with a number behind them."""
    return [
        f"{name}#{names[:i].count(name)}" if name in names[:i] else name
        for i, name in enumerate(names)
    ]


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
