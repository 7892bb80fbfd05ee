"""What pixels a backbone expects: `keras.applications` has four kinds."""

from collections.abc import Sequence

import keras

from ltpa_tf.errors import SettingError
from ltpa_tf.layers.pixels import PixelScaling
from ltpa_tf.words import one_of

# ImageNet's mean and deviation, of 0..1 red, green, blue, and its mean of 0..255 blue,
# green, red (`keras.applications.imagenet_utils`).
_MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CAFFE_MEAN = (103.939, 116.779, 123.68)

_KINDS = {
    "none": ((1.0,) * 3, (0.0,) * 3),
    "tf": ((1 / 127.5,) * 3, (-1.0,) * 3),
    "torch": (
        tuple(1 / (255 * s) for s in STD),
        tuple(-m / s for m, s in zip(_MEAN, STD, strict=True)),
    ),
    "caffe": ((1.0,) * 3, tuple(-m for m in _CAFFE_MEAN)),
}
PREPROCESSING = ("auto", *_KINDS)

# Layers near the input by which a family is known, whatever the model's name and
# wherever its top was cut off. Families that may normalize by themselves come with the
# kind for when they don't.
_FAMILIES: tuple[tuple[set[str], str], ...] = (
    ({"block1_conv1", "block1_conv2", "block1_pool"}, "caffe"),  # VGG
    ({"conv1_pad", "conv1_bn", "conv2_block1_1_conv"}, "caffe"),  # ResNet
    ({"conv1_pad", "conv2_block1_preact_bn"}, "tf"),  # ResNetV2
    ({"block1_conv1_bn", "block2_sepconv1"}, "tf"),  # Xception
    ({"mixed0"}, "tf"),  # InceptionV3
    ({"mixed_5b"}, "tf"),  # InceptionResNetV2
    ({"conv_dw_1", "conv_pw_1"}, "tf"),  # MobileNet
    ({"bn_Conv1", "expanded_conv_project"}, "tf"),  # MobileNetV2
    ({"conv_bn", "expanded_conv_depthwise"}, "tf"),  # MobileNetV3
    ({"stem_conv1", "stem_bn1"}, "tf"),  # NASNet
    ({"stem_conv", "block1a_project_conv"}, "tf"),  # EfficientNetV2
    ({"conv1_conv", "conv2_block1_concat"}, "torch"),  # DenseNet
)
_CONVNEXT = "_stage_0_block_0_depthwise_conv"


def preprocessing_of(layers: Sequence[keras.Layer]) -> str | None:
    """The kind of pixels that a backbone expects.

    Args:
        layers: Its layers, in the order of their calls.

    Returns:
        `"caffe"`, `"tf"` or `"torch"`, as `keras.applications` names them, for its
        families; `"none"`, 0 to 255, for what scales pixels by itself, before its first
        convolution; None where it can't be told.

    Example:
        >>> layers = models.named_backbone("vgg16", "", (32, 32, 3)).layers
        >>> models.preprocessing_of(layers)
        'caffe'
    """
    for layer in layers:
        if isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization):
            return "none"
        if hasattr(layer, "kernel_size"):
            break
    names = {layer.name for layer in layers}
    for known, kind in _FAMILIES:
        if known <= names:
            return kind
    return "torch" if any(name.endswith(_CONVNEXT) for name in names) else None


def pixel_scaling(
    kind: str,
    channels: int,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> PixelScaling:
    """The layer that makes the pixels a backbone expects of 0 to 255.

    Args:
        kind: One of `PREPROCESSING` but `"auto"`.
        channels: That the backbone takes.
        mean: Per channel, of pixel values scaled to 0..1: with `"none"`, pixels become
            `(pixel / 255 - mean) / std`.
        std: Per channel, likewise.

    Raises:
        SettingError: If there is no such kind, or not for so many channels.
    """
    if kind not in _KINDS:
        raise SettingError("preprocessing", kind, one_of(PREPROCESSING))
    if kind == "none":
        scale, offset = (1.0,) * channels, (0.0,) * channels
        if mean is not None:
            scale = tuple(1 / (255 * s) for s in std)
            offset = tuple(-m / s for m, s in zip(mean, std, strict=True))
            if len(scale) == 1:
                scale, offset = channels * scale, channels * offset
    elif channels == 3:
        scale, offset = _KINDS[kind]
    else:
        raise SettingError(
            "preprocessing",
            kind,
            f"none: the backbone takes {channels} channels, not 3",
        )
    return PixelScaling(scale, offset, reverse=kind == "caffe", name="pixels")
