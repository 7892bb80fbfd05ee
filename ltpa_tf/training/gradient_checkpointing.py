"""Gradient checkpointing: features that are computed again instead of being kept."""

import dataclasses
from collections.abc import Sequence

import keras
import tensorflow as tf

from ltpa_tf.models import reapplied


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
        model: A functional model with one input and one output; its variables are not
            read.
        convolutions: How many of them a segment has.
    """

    def __init__(self, model: keras.Model, convolutions: int):
        whole, calls = _traced(model)
        groups = _groups(calls, convolutions)
        self._input, self._output = id(whole.input), id(whole.output)
        self._segments = []
        for i, group in enumerate(groups):
            later = [tensor for g in groups[i + 1 :] for c in g for tensor in c.takes]
            self._segments.append(_segment(whole, group, [*later, whole.output]))

    def __call__(
        self, trainable: Sequence, others: Sequence, images: tf.Tensor
    ) -> tuple[tf.Tensor, list]:
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
        return tensors[self._output], others


def _traced(model: keras.Model) -> tuple[keras.Model, list[_Call]]:
    """The model made anew, and its layers' calls in their order."""
    calls = []

    def call(layer, *args, **kwargs):
        makes = layer(*args, **kwargs)
        calls.append(_Call(layer, _tensors((args, kwargs)), _tensors(makes)))
        return makes

    return reapplied(model, call), calls


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


def places(some: Sequence, of: Sequence) -> list[int]:
    """Where each variable stands."""
    place = {id(variable): i for i, variable in enumerate(of)}
    return [place[id(variable)] for variable in some]
