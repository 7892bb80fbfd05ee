"""The paper's other trunk: a residual network with attention, and without."""

import functools
import numbers
from collections.abc import Mapping, Sequence

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.fast import FastBatchNormalization
from ltpa_tf.layers.hard import check_positions
from ltpa_tf.layers.preactivation import BATCH_NORM
from ltpa_tf.models.attention import attention_logits
from ltpa_tf.models.configured import Configured
from ltpa_tf.models.inputs import normalized
from ltpa_tf.models.settings import check_normalization, check_shape, check_values
from ltpa_tf.models.trunks import (
    fully_connected,
    msr,
    pooled,
    pooled_globally,
    scaled,
)

STAGES = (64, 128, 256)
# Torch's own, as in the residual networks that the authors built on.
_EPSILON = 1e-5


@keras.saving.register_keras_serializable(package="ltpa_tf")
class AttentionResNet(Configured):
    """A pre-activation residual network with the paper's attention: RN-164 (section 5).

    He et al., "Identity Mappings in Deep Residual Networks", arXiv 1603.05027: one 3x3
    convolution of 16 channels, then three stages of (depth - 2) / 9 bottleneck units,

        x + W_3 relu(bn(W_2 relu(bn(W_1 relu(bn(x))))))

    with W_1 and W_3 1x1, W_2 3x3 of a quarter of the channels, none of them with a
    bias. The levels are stages, and their local features l the sums that leave them,
    before any batch norm. What the paper doesn't say is as in the authors' code
    (`RESNET/models/Resnet-att2`).

    **Global feature.** `"fc"`, theirs: batch norm, ReLU, 2x2 max pool, a 3x3
    convolution of 256 channels with batch norm, ReLU and dropout, 4x4 max pool,
    dropout and a linear layer of 256. `"gap"`: batch norm, ReLU and the mean over
    positions.

    **Controls.** `levels=()` is the same trunk without attention: the head on g. With
    `global_feature="gap", projection="linear"` it is the plain network (1.73 M
    parameters at depth 164 with 100 classes).

    Args:
        image_shape: `(height, width, channels)`. Height and width from 32 up, or None
            for any.
        num_classes: Number of classes, 2 or more.
        depth: Number of convolutions and linear layers, 9 n + 2: 11, 20, ... 164.
        levels: Numbers of the stages that are attended to, 1 to 3, whose features are
            32x32, 16x16 and 8x8 of a 32x32 image; sorted, and duplicates count once.
        compatibility: This and the following as in `AttentionVGG`.
        normalization: Likewise.
        match: Likewise.
        projection: Likewise.
        head: Likewise.
        width: Multiplies every channel count.
        dropout: Rate before the linear layers of g and of projections, theirs 0.5; it
            is 0.8 of this after the convolution of g and 0.6 of it in the head.
        projection_epsilon: Of the batch norms of projections and head, theirs 1e-5.
        global_feature: `"fc"`, `"gap"` or `"max"`, see above.
        logit_scale: Multiplies the logits, see `ConcatHead`.
        positions: How many positions of each level hard attention chooses; None with a
            soft one.
        score_scale: Multiplies the scores, see `AttentionEstimator`.
        descriptor: What a level gives to the head, as in `AttentionVGG`.
        mean: Per channel, of pixel values scaled to 0..1. Together with `std` it makes
            the first layer a normalization; None: the trunk sees 0..255.
        std: Per channel, likewise.
        dtype: Dtype policy of all layers; None: Keras's global one.
        **kwargs: As for every Keras model: `name`, `trainable`.

    Input:
        float32 pixel values 0..255, `[B, H, W, channels]`.

    Output:
        float32 logits `[B, num_classes]` (log-probabilities with `head="indep"`).

    Raises:
        SettingError: A setting is not one of those above.

    Example:
        >>> model = models.AttentionResNet(depth=11, levels=(2, 3), width=0.25)
        >>> list(models.attention_layers(model)), model.output_shape
        ([2, 3], (None, 10))
    """

    def __init__(
        self,
        image_shape: Sequence[int | None] = (32, 32, 3),
        num_classes: int = 10,
        *,
        depth: int = 164,
        levels: Sequence[int] = (2, 3),
        compatibility: str = "pc",
        normalization: str = "softmax",
        match: str = "global_to_local",
        projection: str = "paper",
        head: str = "concat",
        width: float = 1.0,
        dropout: float = 0.5,
        projection_epsilon: float = 1e-3,
        global_feature: str = "fc",
        logit_scale: float = 1.0,
        positions: int | None = None,
        score_scale: float = 1.0,
        descriptor: str = "attended",
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        **kwargs,
    ):
        form = {
            "compatibility": compatibility,
            "normalization": normalization,
            "match": match,
            "projection": projection,
            "head": head,
            "dropout": dropout,
            "projection_epsilon": projection_epsilon,
            "logit_scale": logit_scale,
            "positions": positions,
            "score_scale": score_scale,
            "descriptor": descriptor,
        }
        others = {"width": width, "global_feature": global_feature}
        settings = checked({"depth": depth, "levels": levels, **form, **others})
        _check_data(settings, image_shape, num_classes, mean, std)
        policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())

        # === Functional Model ===
        images = keras.Input(tuple(image_shape), dtype="float32", name="images")
        features = _stages(
            images if mean is None else normalized(images, mean, std),
            units=(depth - 2) // 9,
            width=width,
            dtype=policy,
        )
        last = _normalized_relu(features[-1], "global", _EPSILON, policy)
        if global_feature == "fc":
            g = _global_feature(last, scaled(STAGES[-1], width), dropout, policy)
        else:
            g = pooled_globally(last, global_feature, policy)
        logits = attention_logits(
            {n: features[n - 1] for n in settings["levels"]},
            g,
            num_classes,
            **form,
            batch_norm=True,
            head_dropout=0.6 * dropout,
            dtype=policy,
        )
        super().__init__(inputs=images, outputs=logits, **kwargs)
        self._keep(policy, image_shape, num_classes, settings, mean, std)


def checked(settings: Mapping) -> dict:
    """A copy of the settings of `AttentionResNet`, in their normal form.

    Raises:
        SettingError: Naming the first one that can't be used.
    """
    settings = dict(settings)
    check_values(settings)
    depth, levels = settings["depth"], settings["levels"]
    if not isinstance(depth, numbers.Integral) or depth < 11 or (depth - 2) % 9:
        raise SettingError("depth", depth, "9 n + 2: 11, 20, 29, ... 164")
    accepted = f"numbers of stages, 1 to {len(STAGES)}"
    if isinstance(levels, str) or not isinstance(levels, Sequence):
        raise SettingError("levels", levels, accepted)
    for level in levels:
        if isinstance(level, bool) or level not in range(1, len(STAGES) + 1):
            raise SettingError("levels", level, accepted)
    settings["levels"] = tuple(sorted({int(level) for level in levels}))
    return settings


def _check_data(settings, image_shape, num_classes, mean, std) -> None:
    check_shape(image_shape)
    for level in settings["levels"]:
        if settings["positions"] is not None:
            grid = (n and -(-n // 2 ** (level - 1)) for n in image_shape[:2])
            check_positions(settings["positions"], *grid)
    check_normalization(image_shape[2], num_classes, mean, std)


def _stages(x, units: int, width: float, dtype) -> list[keras.KerasTensor]:
    """What leaves each stage, `[B, H, W, C]`."""
    x = _convolution(x, scaled(16, width), 3, 1, "conv", dtype)
    features = []
    for stage, channels in enumerate(STAGES, start=1):
        for unit in range(1, units + 1):
            name = f"stage{stage}_unit{unit}"
            stride = 2 if unit == 1 and stage > 1 else 1
            x = _unit(x, scaled(channels, width), stride, unit == 1, name, dtype)
        features.append(x)
    return features


def _unit(x, channels: int, stride: int, widens: bool, name: str, dtype):
    """A bottleneck; one that widens has a convolution in its shortcut, too."""
    inner = max(1, channels // 4)
    convolution = functools.partial(_convolution, dtype=dtype)
    norm = functools.partial(_normalized_relu, epsilon=_EPSILON, dtype=dtype)
    active = norm(x, f"{name}_1")
    if widens:
        x = convolution(active, channels, 1, stride, f"{name}_shortcut")
    y = convolution(active, inner, 1, stride, f"{name}_conv1")
    y = convolution(norm(y, f"{name}_2"), inner, 3, 1, f"{name}_conv2")
    y = convolution(norm(y, f"{name}_3"), channels, 1, 1, f"{name}_conv3")
    return keras.layers.Add(name=name, dtype=dtype)([x, y])


def _global_feature(x, channels: int, dropout: float, dtype):
    x = pooled(x, "global_pool1", dtype)
    x = _convolution(x, channels, 3, 1, "global_conv", dtype, use_bias=True)
    x = _normalized_relu(x, "global_conv", BATCH_NORM["epsilon"], dtype)
    if dropout:
        name = "global_conv_dropout"
        x = keras.layers.Dropout(0.8 * dropout, name=name, dtype=dtype)(x)
    for number in (2, 3):  # two of 2x2 are one of 4x4
        x = pooled(x, f"global_pool{number}", dtype)
    return fully_connected(x, channels, dropout, dtype)


def _convolution(x, channels, size, stride, name, dtype, use_bias=False):
    return keras.layers.Conv2D(
        channels,
        size,
        strides=stride,
        padding="same",
        data_format="channels_last",
        use_bias=use_bias,
        kernel_initializer=msr(),
        name=name,
        dtype=dtype,
    )(x)


def _normalized_relu(x, name: str, epsilon: float, dtype):
    settings = BATCH_NORM | {"epsilon": epsilon}
    x = FastBatchNormalization(**settings, name=f"{name}_bn", dtype=dtype)(x)
    return keras.layers.Activation("relu", name=f"{name}_relu", dtype=dtype)(x)
