"""A trunk's stages, its layers of one resolution each, and what of it is frozen."""

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.estimator import AttentionEstimator
from ltpa_tf.layers.heads import HEADS
from ltpa_tf.layers.matching import ChannelMatching
from ltpa_tf.models.backbones.graph import Node, applied
from ltpa_tf.models.geometry import grids

# Which stage a layer is in doesn't depend on the size.
_SOME_SIZE = 512


def stages(model: keras.Model) -> list[list[keras.Layer]]:
    """The layers with weights below attention and head, by resolution.

    Args:
        model: Of `attach`, an `AttentionVGG`, or one made of their layers.

    Returns:
        For each stride of the trunk, from the images on, its layers in their order. A
        layer without positions, such as one of a gate, belongs to the stage it gates.

    Raises:
        SettingError: If the model has neither attention estimators nor a head.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> [stage[0].name for stage in models.stages(model)][:3]
        ['conv1', 'conv8', 'conv11']
    """
    images = keras.Input(model.input_shape[1:], dtype=model.inputs[0].dtype)
    nodes = applied(model, images)
    trunk = _below_attention(nodes)
    size = tuple(n or _SOME_SIZE for n in model.input_shape[1:3])
    strides = {
        name: round(max(grid.stride)) for name, grid in grids(model, size).items()
    }
    found: dict[int, list[keras.Layer]] = {}
    stride = 1
    for node in trunk:
        stride = max(stride, strides.get(node.layer.name, 1))
        stage = found.setdefault(stride, [])
        if getattr(node.layer, "weights", None) and node.layer not in stage:
            stage.append(node.layer)
    return [stage for stage in found.values() if stage]


def freeze(model: keras.Model, count: int | None = None) -> None:
    """Freezes the first stages of a model's trunk, and trains all others.

    Batch norm in a frozen stage is in inference mode, as Keras has it. A compiled model
    must be compiled again.

    Args:
        model: As for `stages`.
        count: How many stages; None: all of them.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> models.freeze(model)
        >>> model.get_layer("conv1").trainable, model.get_layer("level_10").trainable
        (False, True)
    """
    found = stages(model)
    count = len(found) if count is None else count
    for number, stage in enumerate(found):
        for layer in stage:
            layer.trainable = number >= count


def freeze_batch_norm(model: keras.Model) -> None:
    """Puts the trunk's batch norm into inference mode: nothing of it changes any more.

    What backbones were trained with was collected over more images than a new data set
    may have. A compiled model must be compiled again.

    Args:
        model: As for `stages`.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> models.freeze_batch_norm(model)
        >>> model.get_layer("conv1").trainable, model.get_layer("conv1_bn").trainable
        (True, False)
    """
    for stage in stages(model):
        for layer in stage:
            for inner in layer._flatten_layers():
                if isinstance(inner, keras.layers.BatchNormalization):
                    inner.trainable = False


def _below_attention(nodes: list[Node]) -> list[Node]:
    """The calls that make what is attended to, and what it is compared with."""
    attention = [n for n in nodes if isinstance(n.layer, AttentionEstimator)]
    ends = attention or [n for n in nodes if isinstance(n.layer, tuple(HEADS.values()))]
    if not ends:
        raise SettingError(
            "model",
            f"one that ends with layer {nodes[-1].layer.name!r}",
            "a model with attention estimators or a head of ltpa_tf.layers",
        )
    wanted = {id(x) for node in ends for x in node.inputs}
    found = []
    for node in reversed(nodes):
        if any(id(x) in wanted for x in node.outputs):
            wanted.update(id(x) for x in node.inputs)
            if not isinstance(node.layer, ChannelMatching):
                found.append(node)
    return found[::-1]
