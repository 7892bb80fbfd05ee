"""A backbone's graph: its layers' calls one after another, and where it can be cut."""

import functools
from typing import NamedTuple

import keras

from ltpa_tf.errors import SettingError

_ACCEPTED = "a functional Keras model of one image [B, H, W, C]"


class Node(NamedTuple):
    """One call of a layer.

    Attributes:
        layer: The layer.
        inputs: The tensors it takes.
        outputs: The tensors it makes.
    """

    layer: keras.Layer
    inputs: list[keras.KerasTensor]
    outputs: list[keras.KerasTensor]


def check_backbone(backbone: keras.Model) -> None:
    """Refuses what has no graph, or not one of a single image.

    Raises:
        SettingError: With the reason.
    """
    name = getattr(backbone, "name", type(backbone).__name__)
    if isinstance(backbone, keras.Sequential) and not backbone.built:
        raise SettingError(
            "backbone", name, f"{_ACCEPTED}; this Sequential one has no input yet"
        )
    if not isinstance(backbone, keras.Model) or not getattr(backbone, "inputs", None):
        raise SettingError(
            "backbone",
            name,
            f"{_ACCEPTED}; {type(backbone).__name__} has no graph that could be "
            "followed, as of a model that was subclassed",
        )
    if len(backbone.inputs) != 1:
        raise SettingError(
            "backbone", name, f"{_ACCEPTED}; this one has {len(backbone.inputs)} inputs"
        )
    shape = tuple(backbone.inputs[0].shape)
    if len(shape) != 4 or shape[-1] is None:
        raise SettingError("backbone", name, f"{_ACCEPTED}; its input is {shape}")
    for layer in backbone._flatten_layers():
        if getattr(layer, "data_format", None) == "channels_first":
            raise SettingError(
                "backbone",
                name,
                f"{_ACCEPTED}, channels last; its layer {layer.name!r} has channels "
                "first",
            )


def applied(model: keras.Model, images: keras.KerasTensor) -> list[Node]:
    """Calls the very same layers on other images, those of models inside it as well.

    Args:
        model: A functional model of one input.
        images: `[B, H, W, C]`.

    Returns:
        The calls in their order.
    """
    nodes: list[Node] = []

    def call(layer, *args, **kwargs):
        if isinstance(layer, keras.Sequential):
            return functools.reduce(
                lambda x, inner: call(inner, x), layer.layers, args[0]
            )
        if isinstance(layer, keras.Model) and getattr(layer, "inputs", None):
            return _run(layer, args[0] if args else kwargs["inputs"], call)
        made = layer(*args, **kwargs)
        nodes.append(Node(layer, _tensors((args, kwargs)), _tensors(made)))
        return made

    if isinstance(model, keras.Sequential):
        call(model, images)
    else:
        structure = keras.tree.map_structure(lambda _: images, model.input)
        _run(model, structure, call)
    return nodes


def narrow_points(nodes: list[Node]) -> list[Node]:
    """The calls whose output everything after them goes through, in their order."""
    last_use: dict[int, int] = {}
    for i, node in enumerate(nodes):
        last_use |= {id(x): i for x in node.inputs}
    found, reach = [], 0
    for i, node in enumerate(nodes):
        reach = max([reach, *(last_use[id(x)] for x in node.inputs)])
        # What was made before is used by this call at the latest.
        if reach <= i:
            found.append(node)
        reach = max([reach, *(last_use.get(id(x), i) for x in node.outputs)])
    return found


def _run(model, inputs, call):
    return model._run_through_graph(
        inputs, operation_fn=lambda layer: layer, call_fn=call
    )


def _tensors(structure) -> list[keras.KerasTensor]:
    leaves = keras.tree.flatten(structure)
    return [leaf for leaf in leaves if isinstance(leaf, keras.KerasTensor)]
