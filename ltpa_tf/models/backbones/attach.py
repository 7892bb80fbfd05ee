"""Attention on any functional Keras model: `attach`."""

import re
from collections.abc import Sequence

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.models.attention import attention_logits
from ltpa_tf.models.backbones.graph import applied, check_backbone
from ltpa_tf.models.backbones.levels import choose, find_resolutions, named
from ltpa_tf.models.backbones.preprocessing import pixel_scaling, preprocessing_of
from ltpa_tf.models.guarded import Guarded
from ltpa_tf.models.names import check_names
from ltpa_tf.models.precision import with_policy
from ltpa_tf.models.settings import check_normalization, check_values, is_shape


def attach(
    backbone: keras.Model,
    num_classes: int,
    *,
    levels: Sequence[int | str] | int | str | None = None,
    resolutions: int = 3,
    image_shape: Sequence[int | None] | None = None,
    compatibility: str = "pc",
    normalization: str = "softmax",
    match: str = "global_to_local",
    projection: str = "paper",
    head: str = "concat",
    batch_norm: bool = True,
    dropout: float = 0.5,
    projection_epsilon: float = 1e-3,
    logit_scale: float = 1.0,
    positions: int | None = None,
    score_scale: float = 1.0,
    descriptor: str = "attended",
    preprocessing: str = "auto",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    dtype: str | keras.DTypePolicy | None = None,
    name: str | None = None,
) -> keras.Model:
    """A classifier that attends to features of a network you already have.

        backbone = keras.applications.MobileNetV3Small(include_top=False)
        model = ltpa_tf.models.attach(backbone, num_classes=5)

    As in "Learn to Pay Attention" (arXiv 1804.02391), section 3: at each level an
    `AttentionEstimator` compares the local features with the global one, and the head
    classifies from the attended descriptors of all levels. The global feature is the
    mean of the backbone's last features; where its channels aren't a level's, it is
    projected. Whatever the backbone has after its last features, such as a classifier,
    is left out.

    The model is made of the backbone's own layers: they share their weights, and what
    is frozen in the one is frozen in the other. Only under another dtype policy it has
    layers of its own, with the same weights at the start.

    Args:
        backbone: A functional Keras model of one image: of `keras.applications`, of
            KerasHub, your own, one loaded from a file, with other models inside or
            without. With include_top=False it makes no classifier for nothing.
        num_classes: Number of classes, 2 or more.
        levels: What is attended to: names of layers; strides, such as 8, 16, 32, for
            the last tensor of that resolution; one of these alone; or None, the last
            tensors of the last resolutions that have more than one position. `()`: no
            attention, but the head on the global feature, which is the control.
        resolutions: How many of them, where `levels` is None; 1 or more.
        image_shape: `(height, width, channels)`, None for any height or width; None:
            the backbone's own. With 1 channel the images are grey, and the backbone
            gets them in each of its channels.
        compatibility: `"pc"`, `"dp"`, `"local"` or `"additive"`.
        normalization: `"softmax"` (the paper), `"sigmoid"`, `"topk"`, or `"sampled"`,
            whose REINFORCE is in `ltpa_tf.training` and which `fit` refuses.
        match: What is projected where the channels of l and g differ:
            `"global_to_local"` (the paper), `"local_to_global"`, or
            `"projected_local"`, whose projection is attended to as well.
        projection: `"paper"`: batch norm, ReLU, dropout before the linear layers of
            projections and head; `"linear"`: none of them.
        head: `"concat"` or `"indep"`.
        batch_norm: Whether the paper's projection has its batch norm.
        dropout: Rate of the paper's projection.
        projection_epsilon: Of its batch norm; the authors' code has 1e-5.
        logit_scale: Multiplies the logits, see `ConcatHead`.
        positions: How many positions of each level hard attention chooses; None with a
            soft one.
        score_scale: Multiplies the scores, see `AttentionEstimator`.
        descriptor: `"attended"`, or `"attended_and_max"`: each channel's largest beside
            it.
        preprocessing: What pixels the backbone expects: `"auto"`, what its family of
            `keras.applications` does; `"tf"`, -1 to 1; `"torch"`, ImageNet's mean and
            deviation; `"caffe"`, blue first, less ImageNet's mean; `"none"`, 0 to 255.
            A backbone that begins with `Rescaling` or `Normalization` gets 0 to 255,
            and so does one that isn't known, unless `mean` and `std` are given.
        mean: Per channel of the images, scaled to 0..1, for `"none"` and for a backbone
            that isn't known.
        std: Per channel, likewise.
        dtype: Dtype policy of all layers; None: the backbone's.
        name: Of the model; None: `"attention_"` and the backbone's name.

    Returns:
        An ordinary functional model: float32 pixel values 0 to 255, `[B, H, W,
        channels]`, to float32 logits `[B, num_classes]` (log-probabilities with
        `head="indep"`). Its estimators are named by the stride (`level_16`) or by the
        layer (`level_conv4_block6_out`).

    Raises:
        SettingError: The backbone can't be attached to (it is not functional, takes
            several inputs, has channels first, no features with positions, or layers
            named as the new ones, or as no TensorFlow graph can name them), or another
            argument is not one of those above.

    Example:
        >>> backbone = keras.applications.MobileNetV3Small(
        ...     input_shape=(96, 96, 3), include_top=False, weights=None
        ... )
        >>> model = models.attach(backbone, num_classes=5, levels=[8, 16])
        >>> model.output_shape, [layer.name for layer in models.estimators(model)]
        ((None, 5), ['level_8', 'level_16'])
    """
    check_backbone(backbone)
    form = {
        "compatibility": compatibility,
        "normalization": normalization,
        "match": match,
        "projection": projection,
        "head": head,
        "batch_norm": batch_norm,
        "dropout": dropout,
        "projection_epsilon": projection_epsilon,
        "logit_scale": logit_scale,
        "positions": positions,
        "score_scale": score_scale,
        "descriptor": descriptor,
    }
    check_values(form)
    own = tuple(backbone.inputs[0].shape[1:])
    shape = tuple(own if image_shape is None else image_shape)
    if not is_shape(shape, smallest=1) or shape[-1] not in (1, own[-1]):
        raise SettingError(
            "image_shape",
            image_shape,
            f"(height, width, channels), with {own[-1]} channels as the backbone has, "
            "or 1",
        )
    check_normalization(shape[-1], num_classes, mean, std)
    levels = named(levels)
    if not isinstance(resolutions, int) or resolutions < 1:
        raise SettingError(
            "resolutions", resolutions, "1 or more; without attention, levels=()"
        )
    if dtype is not None:
        backbone = with_policy(backbone, _of(dtype).name)

    original = keras.Input(own, dtype=backbone.inputs[0].dtype)
    nodes = applied(backbone, original)
    found = find_resolutions(original, nodes)
    wanted = {found.top, *(x for x in levels or () if x in found.strides)}
    ends = [node.outputs[0] for node in nodes if node.layer.name in wanted]
    trunk = keras.Model(original, ends)
    if preprocessing == "auto":
        told = preprocessing_of([node.layer for node in nodes])
        preprocessing = told or "none"
        mean = None if told else mean

    # === Functional Model ===
    images = keras.Input(shape, dtype="float32", name="images")
    pixels = pixel_scaling(preprocessing, own[-1], mean, std)(images)
    features = _features(trunk, pixels)
    chosen = choose(
        found,
        levels,
        resolutions,
        {name: tuple(x.shape[1:3]) for name, x in features.items()},
    )
    top = features[found.top]
    policy = _policy(trunk)
    g = keras.layers.GlobalAveragePooling2D(
        data_format="channels_last", name="global_feature", dtype=policy
    )(top)
    logits = attention_logits(
        {level: features[layer] for level, layer in chosen.items()},
        g,
        num_classes,
        **form,
        dtype=policy,
    )
    try:
        model = Guarded(images, logits, name=name or f"attention_{backbone.name}")
    except ValueError as error:  # Keras's: names that aren't unique
        raise SettingError(
            "backbone",
            backbone.name,
            f"a model whose layers have other names ({error})",
        ) from None
    check_names(model, "backbone")
    return model


def _features(trunk: keras.Model, pixels: keras.KerasTensor) -> dict:
    """Layer name -> its output, at the size that will be used."""
    try:
        nodes = applied(trunk, pixels)
    except ValueError as error:  # nothing left for a kernel, for instance
        # Keras's first line says where; why is printed in bold.
        bold = re.findall(r"\x1b\[1m(.+?)\x1b", str(error))
        reason = bold[0] if bold else str(error).partition("\n")[0]
        raise SettingError(
            "image_shape",
            tuple(pixels.shape[1:]),
            f"images that the backbone can take ({reason})",
        ) from None
    return {node.layer.name: node.outputs[0] for node in nodes}


def _of(dtype: str | keras.DTypePolicy) -> keras.DTypePolicy:
    try:
        return keras.dtype_policies.get(dtype)
    except ValueError as error:
        raise SettingError("dtype", dtype, f"a dtype policy ({error})") from None


def _policy(trunk: keras.Model) -> keras.DTypePolicy:
    """The dtype policy of the layer that makes the last features."""
    makers = [layer for layer in trunk.layers if layer.weights]
    return (makers or trunk.layers)[-1].dtype_policy
