"""The model that a config names, with that frozen which stays frozen."""

import functools
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf
from ml_collections import ConfigDict

from ltpa_tf import config as configuration
from ltpa_tf import data, models
from ltpa_tf.errors import SettingError, renamed, settings_of
from ltpa_tf.layers import Whitening
from ltpa_tf.models.precision import dtype_policy
from ltpa_tf.models.settings import SMALLEST_IMAGE

# Pixels of training images that a `Whitening` is adapted to: 1,953 of CIFAR's images.
_WHITENING_PIXELS = 2_000_000
_LARGE = 224  # pixels a side, where that isn't known

# What speaks of a trunk's stages, and its value where it is off.
_OF_STAGES = {
    "train.frozen_epochs": 0,
    "train.freeze_batch_norm": False,
    "optimizer.backbone_lr_multiplier": 1.0,
    "optimizer.stage_lr_multiplier": 1.0,
}

Build = Callable[[ConfigDict, data.Source], keras.Model]


def build_model(config: ConfigDict, source: data.Source) -> keras.Model:
    """The config's model, with the data set's normalization and whitening inside.

    Raises:
        SettingError: If the settings don't fit the images.

    Example:
        >>> from ltpa_tf.configs import quickstart
        >>> source = data.load("digits")
        >>> training.build_model(quickstart.get_config(), source).output_shape
        (None, 10)
    """
    check_images(config, source)
    model = configured_model(
        config,
        image_shape=source.image_shape,
        num_classes=len(source.class_names),
        mean=source.mean,
        std=source.std,
    )
    whiten(model, functools.partial(_sample, source.train))
    return model


def whiten(model: keras.Model, images: Callable[[int], tf.Tensor]) -> None:
    """Adapts a model's whitening, if it has one, to training images.

    `images` gives as many as it is asked for, or all if there are fewer.
    """
    for layer in model.layers:
        if isinstance(layer, Whitening):
            height, width = (side or _LARGE for side in model.input_shape[1:3])
            normalized = keras.Model(model.input, layer.input)
            some = images(max(1, _WHITENING_PIXELS // (height * width)))
            layer.adapt(np.asarray(normalized(some)))


def check_images(config: ConfigDict, source: data.Source) -> None:
    """Refuses images that are too small for the config's model.

    Raises:
        SettingError: Naming the image size.
    """
    height, width, _ = source.image_shape
    least = _least_side(config, source.image_shape)
    if min(height, width) < SMALLEST_IMAGE:
        raise SettingError(
            "data.image_size",
            config.data.image_size,
            f"{SMALLEST_IMAGE} or more: the images have {height}x{width}",
        )
    configuration.check_small_size(config, min(height, width), least)


def configured_model(
    config: ConfigDict,
    *,
    image_shape: Sequence[int | None],
    num_classes: int,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
) -> keras.Model:
    """The model of `config.model`: a row's own, or attention on a backbone.

    Args:
        config: The whole config.
        image_shape: `(height, width, channels)`.
        num_classes: Number of classes.
        mean: Per channel, 0..1; a backbone's pixels are what its family expects.
        std: Per channel, 0..1.

    Raises:
        SettingError: If the settings don't fit the images.
    """
    if config.model.backbone:
        return _attached(config, image_shape, num_classes)
    size = None if None in image_shape[:2] else tuple(image_shape[:2])
    with settings_of("model"):  # a level that has one position
        model = models.of_arguments(
            configuration.model_arguments(config, size),
            image_shape=image_shape,
            num_classes=num_classes,
            mean=mean,
            std=std,
            name=config.model.name,
        )
    if config.model.initial_values == "torch":
        models.draw_as_torch(model)
    return model


def _attached(config, image_shape, num_classes) -> keras.Model:
    try:
        with settings_of("model"):
            backbone = models.named_backbone(
                config.model.backbone, config.model.backbone_weights, image_shape
            )
            _check_pixels(config, backbone)
            return models.attach(
                backbone,
                num_classes,
                image_shape=image_shape,
                dtype=keras.config.dtype_policy(),
                **configuration.backbone_arguments(config),
            )
    except SettingError as error:
        if error.setting != "model.image_shape":
            raise
        raise SettingError("data.image_size", image_shape[:2], error.accepted) from None


def _check_pixels(config: ConfigDict, backbone: keras.Model) -> None:
    """Refuses to guess what pixels a network from a file expects."""
    layers = list(backbone._flatten_layers(include_self=False))
    told = models.preprocessing_of(layers) is not None
    if config.model.preprocessing == "auto" and not told:
        raise SettingError(
            "preprocessing",
            "auto",
            "tf, torch, caffe or none: the layers of "
            f"{config.model.backbone} don't tell what pixels it expects",
        )


def _least_side(config: ConfigDict, image_shape: Sequence[int]) -> int:
    """The fewest pixels a side that the model can do with, as far as it is known."""
    if config.model.backbone:
        return SMALLEST_IMAGE
    arguments = configuration.model_arguments(config, image_shape[:2])
    return models.smallest_side(arguments)


def _sample(split: data.Split, count: int) -> tf.Tensor:
    """Images from all over the split."""
    count = min(len(split), count)
    indices = np.arange(count, dtype=np.int64) * len(split) // count
    return split.images(tf.constant(indices), tf.constant(0, tf.int64))


def saved_model(
    config: ConfigDict, source: data.Source, build: Build = build_model
) -> keras.Model:
    """The model as it is saved, in float32; its weights are to be set."""
    with dtype_policy("float32"):
        return made(build, config, source)


def made(build: Build, config: ConfigDict, source: data.Source) -> keras.Model:
    """What `build` makes, with that frozen which stays frozen to the end.

    Raises:
        SettingError: If it can't be made, for want of memory for instance.
    """
    try:
        model = build(config, source)
    except tf.errors.ResourceExhaustedError:
        raise SettingError(
            "model.width",
            config.model.width,
            "less: the weights of this model don't fit into memory",
        ) from None
    models.check_names(model)
    _check_stages(config, model)
    freeze(config, model)
    return model


def _check_stages(config: ConfigDict, model: keras.Model) -> None:
    """Names the setting that asks for stages of a model that has none."""
    for key, off in _OF_STAGES.items():
        section, name = key.split(".")
        if config[section][name] != off:
            with renamed("model", key):
                models.stages(model)


def freeze(config: ConfigDict, model: keras.Model) -> None:
    """Freezes what stays frozen to the end, see `train.frozen_epochs`.

    Batch norm is in inference mode from the start in a trunk that is frozen at first:
    otherwise statistics would change below weights that don't.
    """
    if config.train.frozen_epochs < 0:
        models.freeze(model)
    elif config.train.frozen_epochs or config.train.freeze_batch_norm:
        models.freeze_batch_norm(model)
