"""Other models over the same weights: with the maps, or without dead branches."""

import types
from collections.abc import Callable, Mapping

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.estimator import AttentionEstimator
from ltpa_tf.layers.heads import IndepHead


def attention_model(model: keras.Model) -> keras.Model:
    """The model that returns its attention maps beside the logits.

    Args:
        model: A functional model with any number of `AttentionEstimator` layers.

    Returns:
        A model over the same weights and input, whose output is a dict: `"logits"`
        (or what the model gives, where that is a dict), and for each estimator, by its
        name (`"level_7"`), the attention map, float32 `[B, H, W]` at the level's own
        resolution.

    Raises:
        SettingError: The model is not functional, or an estimator is inside another
            layer, called twice or named `"logits"`.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> outputs = models.attention_model(model)(np.zeros((1, 32, 32, 3)))
        >>> {name: tuple(values.shape) for name, values in outputs.items()}
        {'logits': (1, 10), 'level_10': (1, 16, 16), 'level_13': (1, 8, 8)}
    """
    named = {}

    def call(layer, *args, **kwargs):
        outputs = layer(*args, **kwargs)
        if isinstance(layer, AttentionEstimator):
            if layer.name in {"logits", *named}:
                raise SettingError(
                    "model",
                    f"an estimator {layer.name!r} that can't be told from another",
                    "estimators of different names, not 'logits', each called once",
                )
            named[layer.name] = outputs[2]
        return outputs

    again = reapplied(model, call)
    for layer in model._flatten_layers():
        if isinstance(layer, AttentionEstimator) and layer.name not in named:
            raise SettingError(
                "model",
                f"an estimator {layer.name!r} inside another layer",
                "a model whose own layers the estimators are",
            )
    outputs = again.output
    if not isinstance(outputs, dict):
        outputs = {"logits": outputs}
    return keras.Model(again.input, {**outputs, **named}, name=model.name)


def prune(model: keras.Model) -> keras.Model:
    """The same function without the branches that can't change it.

    Estimators that provably don't need the global feature (`"pc"` and `"local"` with a
    softmax, see `AttentionEstimator`) are called without it; whatever fed only them
    is no part of the new model. Logits and maps agree up to the rounding of the scores;
    scores themselves lack what g adds to all of an image's.

    Args:
        model: A functional model.

    Returns:
        A model over the same weights. Where nothing can be cut, an equivalent one.

    Raises:
        SettingError: The model is not functional.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> models.prune(model).count_params() < model.count_params()
        True
    """

    def call(layer, *args, **kwargs):
        if isinstance(layer, AttentionEstimator) and not layer.needs_global:
            bound = dict(zip(("local", "global_feature", "keys"), args, strict=False))
            return layer(**{**bound, **kwargs, "global_feature": None})
        return layer(*args, **kwargs)

    return reapplied(model, call)


def training_model(
    model: keras.Model, samples: int = 1, *, deep_supervision: bool = False
) -> keras.Model:
    """The model that gives what training needs beside the logits.

    Args:
        model: A functional model, with layers that `chooses`, such as estimators of
            `normalization="sampled"`, or without.
        samples: S, how often they choose for each image. What comes before them is
            computed once.
        deep_supervision: Whether the levels' own predictions are asked for, of a model
            with an `IndepHead`.

    Returns:
        A model over the same weights and input, to be called with `training=True`. Its
        output is a dict: `"logits"`, float32 `[B * S, K]`, the S samples of an image
        one after the other; `"choices"`, a list of what `ltpa_tf.layers.choices` tells
        of; and `"level_logits"`, a list of float32 `[B * S, K]`, one a level. Without
        layers that choose, S is 1 and the choices are none; the levels' logits are none
        unless they are asked for.

    Raises:
        SettingError: The model is not functional, or has no `IndepHead` for deep
            supervision.

    Example:
        >>> settings = {"normalization": "sampled", "positions": 4, "width": 0.125}
        >>> model = models.build("vgg_att2_concat_pc", **settings)
        >>> drawing = models.training_model(model, samples=3)
        >>> outputs = drawing(np.zeros((2, 32, 32, 3)), training=True)
        >>> outputs["logits"].shape, len(outputs["choices"])
        (TensorShape([6, 10]), 2)
    """
    choices, level_logits = [], []

    def call(layer, *args, **kwargs):
        if deep_supervision and isinstance(layer, IndepHead):
            levels = _WithLevels(layer, name=f"{layer.name}_with_levels")
            logits, level_logits[:] = levels(*args, **kwargs)
            return logits
        if not getattr(layer, "chooses", False):
            return layer(*args, **kwargs)
        drawing = _Drawing(layer, samples, name=f"{layer.name}_drawing")
        *outputs, choice = drawing(*args, **kwargs)
        choices.append(choice)
        return tuple(outputs)

    again = reapplied(model, call)
    if deep_supervision and not level_logits:
        raise SettingError("deep_supervision", True, "False without an IndepHead")
    outputs = {"logits": again.output, "choices": choices, "level_logits": level_logits}
    return keras.Model(again.input, outputs, name=model.name)


class _Drawing(keras.layers.Layer):
    """A layer that chooses, with its choice; in Keras a layer's outputs have a number.

    Its weights stay the layer's own.
    """

    def __init__(self, layer: keras.layers.Layer, samples: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.layer, self.samples = layer, samples

    def call(self, *args, **kwargs):
        return self.layer(*args, **kwargs, samples=self.samples)

    def compute_output_spec(self, *args, **kwargs):
        return self.layer.compute_output_spec(*args, **kwargs, samples=self.samples)


class _WithLevels(keras.layers.Layer):
    """A head with its levels' own predictions; its weights stay the head's."""

    def __init__(self, head: IndepHead, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.head = head

    def call(self, descriptors):
        return self.head.with_levels(descriptors)

    def compute_output_spec(self, descriptors):
        output = self.head.compute_output_spec(descriptors)
        return output, [
            keras.KerasTensor(output.shape, output.dtype) for _ in descriptors
        ]


def of_any_size(model: keras.Model) -> keras.Model:
    """The model for images of any height and width.

    Args:
        model: A functional model with one input, images.

    Returns:
        A model over the same weights, with the same variables in the same order.

    Raises:
        SettingError: The model is not functional.

    Example:
        >>> model = models.build("vgg_gap", width=0.125)
        >>> models.of_any_size(model)(np.zeros((1, 48, 64, 3))).shape
        TensorShape([1, 10])
    """
    images = model.input
    anything = keras.Input((None, None, images.shape[-1]), dtype=images.dtype)
    return reapplied(model, lambda layer, *a, **k: layer(*a, **k), anything)


def estimators(model: keras.Model) -> tuple[AttentionEstimator, ...]:
    """All estimators of a functional model, in the graph's order.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> [layer.name for layer in models.estimators(model)]
        ['level_10', 'level_13']
    """
    return tuple(x for x in model.layers if isinstance(x, AttentionEstimator))


def attention_layers(model: keras.Model) -> Mapping[int, AttentionEstimator]:
    """The estimators of a model that know their level, by level, in ascending order.

    Args:
        model: A functional model: an `AttentionVGG`, or one made of its layers.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> list(models.attention_layers(model))
        [10, 13]
    """
    found = {x.level: x for x in estimators(model) if x.level is not None}
    # No dict: Keras would save the layers once more under this name.
    return types.MappingProxyType(dict(sorted(found.items())))


def levels_of(model: keras.Model) -> tuple[int, ...]:
    """The levels that a model attends to, in ascending order; `()` if to none.

    Example:
        >>> models.levels_of(models.build("vgg_att3_concat_pc", width=0.125))
        (7, 10, 13)
    """
    return tuple(attention_layers(model))


def reapplied(
    model: keras.Model, call: Callable, images: keras.KerasTensor | None = None
) -> keras.Model:
    """The model made anew by other calls of the very same layers.

    Args:
        model: A functional model.
        call: Called as `call(layer, *args, **kwargs)` with symbolic tensors, for each
            layer after all those that it depends on; returns what the layer makes.
        images: The new model's input; None: one like the model's own.

    Raises:
        SettingError: The model is not functional.

    Example:
        >>> model = models.build("vgg_att2_concat_pc", width=0.125)
        >>> called = []
        >>> def call(layer, *args, **kwargs):
        ...     called.append(layer.name)
        ...     return layer(*args, **kwargs)
        >>> again = models.reapplied(model, call)
        >>> called[-1], again.count_params() == model.count_params()
        ('logits', True)
    """
    check_functional(model)
    # Keras clones a compiled model together with its optimizer and slots; this one
    # isn't compiled, and a Sequential model becomes functional on the way.
    bare = keras.Model(model.input, model.output, name=model.name)
    return keras.models.clone_model(
        bare,
        input_tensors=images,
        clone_function=lambda layer: layer,
        call_function=call,
    )


def check_functional(model: keras.Model) -> None:
    """Refuses models of which Keras doesn't know which layers are applied to what.

    Raises:
        SettingError: Naming the model's type.
    """
    if not getattr(model, "inputs", None) or not getattr(model, "outputs", None):
        raise SettingError("model", type(model).__name__, "a functional Keras model")
