"""Gradient checkpointing: features are computed again instead of being kept.

Reference: Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016
(https://arxiv.org/abs/1604.06174).
"""

import dataclasses
from collections.abc import Sequence

import keras

from ltpa_tf.models.views import reapplied


@dataclasses.dataclass(frozen=True)
class _Call:
    """One call of a layer: which tensors it takes and which it makes."""

    layer: keras.Layer
    takes: list[keras.KerasTensor]
    makes: list[keras.KerasTensor]


@dataclasses.dataclass(frozen=True)
class _Part:
    """Some calls as a model, and where its values stand among those of the whole."""

    model: keras.Model
    trainable: list[int]
    others: list[int]
    takes: list[int]
    makes: list[int]


class CheckpointedModel:
    """A model cut into parts, so that its backward pass needs less memory.

    Kept for the backward pass is what one part hands to others; the features inside of
    a part are computed once more when its turn comes, by `keras.remat`. Outputs and
    gradients are the same. `keras.RematScope` would go by layer: here the many small
    layers between two convolutions are computed again with them.

    Args:
        model: A functional model with one input; its variables are not read.
        convolutions: How many of them a part has.

    Raises:
        SettingError: The model is not functional.
    """

    def __init__(self, model: keras.Model, convolutions: int):
        whole, calls = _traced(model)
        groups = _groups(calls, convolutions)
        self._input = id(whole.input)
        self._output = keras.tree.map_structure(id, whole.output)
        self._parts = []
        for i, group in enumerate(groups):
            later = [tensor for g in groups[i + 1 :] for c in g for tensor in c.takes]
            self._parts.append(_part(whole, group, [*later, *whole.outputs]))

    def __call__(
        self, trainable: Sequence, others: Sequence, images
    ) -> tuple[object, list]:
        """What the model's own `stateless_call(..., training=True)` returns."""
        others, tensors = list(others), {self._input: images}
        for part in self._parts:
            # Nothing comes between the last one's two passes: it keeps its features.
            last = part is self._parts[-1]
            made, found = (_once if last else _computed_again)(
                part,
                [trainable[i] for i in part.trainable],
                [others[i] for i in part.others],
                [tensors[i] for i in part.takes],
            )
            tensors |= dict(zip(part.makes, made, strict=True))
            for place, value in zip(part.others, found, strict=True):
                others[place] = value
        return keras.tree.map_structure(tensors.get, self._output), others


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


def _part(whole: keras.Model, group: list[_Call], needed: list) -> _Part:
    inside = {id(tensor): tensor for call in group for tensor in call.makes}
    takes = {id(t): t for call in group for t in call.takes if id(t) not in inside}
    makes = {id(t): t for t in needed if id(t) in inside}
    model = keras.Model(list(takes.values()), list(makes.values()))
    return _Part(
        model,
        places(model.trainable_variables, whole.trainable_variables),
        places(model.non_trainable_variables, whole.non_trainable_variables),
        list(takes),
        list(makes),
    )


def _once(part: _Part, trainable, others, tensors):
    """What the part makes, and its new `others`."""
    made, found = part.model.stateless_call(trainable, others, tensors, training=True)
    return keras.tree.flatten(made), found


def _computed_again(part: _Part, trainable, others, tensors):
    """The same, without features that are kept for the backward pass."""

    @keras.remat
    def compute(*values):
        made, found = _once(
            part, values[: len(trainable)], others, values[len(trainable) :]
        )
        return *made, *found

    results = compute(*trainable, *tensors)
    return results[: len(part.makes)], results[len(part.makes) :]


def places(some: Sequence, of: Sequence) -> list[int]:
    """Where each variable stands."""
    place = {id(variable): i for i, variable in enumerate(of)}
    return [place[id(variable)] for variable in some]
