"""A config made into the parts of a training run."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from ml_collections import ConfigDict

from ltpa_tf import data, models
from ltpa_tf.config import model_arguments
from ltpa_tf.data.augmentation import check_crop
from ltpa_tf.errors import SettingError, settings_of
from ltpa_tf.layers import Whitening
from ltpa_tf.models.settings import SMALLEST_IMAGE
from ltpa_tf.training import distribution
from ltpa_tf.training.class_weights import class_weights
from ltpa_tf.training.feed import (
    ResidentFeed,
    StreamFeed,
    check_placement,
    make_feed,
)
from ltpa_tf.training.optimizers import make_optimizer, make_schedule
from ltpa_tf.training.program import Program, select_kernels
from ltpa_tf.training.state import StateVariables
from ltpa_tf.training.step import make_step
from ltpa_tf.training.validation import NormEstimate, Validation

# Pixels of training images that a `Whitening` is adapted to: 1,953 of CIFAR's images.
_WHITENING_PIXELS = 2_000_000

Build = Callable[[ConfigDict, data.Source], keras.Model]


@dataclasses.dataclass
class Parts:
    """What the loop works with."""

    config: ConfigDict
    strategy: tf.distribute.Strategy
    source: data.Source
    steps_per_epoch: int
    model: keras.Model
    schedule: object
    optimizer: keras.optimizers.Optimizer
    state: StateVariables
    feed: StreamFeed | ResidentFeed
    program: Program
    validation: Validation | None
    estimate: NormEstimate | None
    jit: bool


def build_model(config: ConfigDict, source: data.Source) -> keras.Model:
    """The config's model, with the data set's normalization and whitening inside.

    Raises:
        SettingError: If the settings don't fit the images.
    """
    arguments = model_arguments(config, source.image_shape[:2])
    height, width, _ = source.image_shape
    if min(height, width) < SMALLEST_IMAGE:
        raise SettingError(
            "data.image_size",
            config.data.image_size,
            f"{SMALLEST_IMAGE} or more: the images have {height}x{width}",
        )
    check_small_size(config, source, models.smallest_side(arguments))
    with settings_of("model"):  # a level that has one position
        model = models.AttentionVGG(
            image_shape=source.image_shape,
            num_classes=len(source.class_names),
            mean=source.mean,
            std=source.std,
            name=config.model.name,
            **arguments,
        )
    for layer in model.layers:
        if isinstance(layer, Whitening):
            normalized = keras.Model(model.input, layer.input)
            layer.adapt(np.asarray(normalized(_sample(source.train))))
    return model


def _sample(split: data.Split) -> tf.Tensor:
    """Training images from all over the split."""
    height, width, _ = split.shape
    count = min(len(split), max(1, _WHITENING_PIXELS // (height * width)))
    indices = np.arange(count, dtype=np.int64) * len(split) // count
    return split.images(tf.constant(indices), tf.constant(0, tf.int64))


def assemble(
    config: ConfigDict,
    strategy: tf.distribute.Strategy,
    source: data.Source,
    build: Build = build_model,
) -> Parts:
    """Builds everything from a checked config, under the config's dtype policy.

    Args:
        config: The whole config.
        strategy: The strategy.
        source: The data set.
        build: Makes the model; called under the dtype policy it is to have.

    Raises:
        SettingError: If the settings don't fit the data or the devices.
    """
    replicas = strategy.num_replicas_in_sync
    steps_per_epoch = data.steps_per_epoch(source.train, config.train.batch_size)
    check_batch(config, replicas)
    check_crop(config.augment.crop, source.image_shape)
    check_early_stopping(config, source)
    check_placement(config, source, strategy)
    jit = _use_jit(config, replicas)
    model = build(config, source)
    check_small_size(config, source)  # for models that say nothing of their own
    if config.train.sync_batch_norm:
        _synchronize(model)
    select_kernels(model, jit)
    schedule = make_schedule(config, steps_per_epoch)
    optimizer = make_optimizer(config, model, schedule)
    averaged = config.train.ema > 0
    state = StateVariables(
        model,
        optimizer,
        strategy,
        ema=averaged,
        loss_scaling=config.runtime.precision == "mixed_float16",
    )
    feed = make_feed(config, source, strategy)
    sum_inside = jit and distribution.xla_reduces(strategy)
    estimate = NormEstimate(
        strategy,
        model,
        state,
        feed,
        seed=config.seed,
        batch_size=config.train.batch_size,
        steps_per_epoch=steps_per_epoch,
        jit=jit,
    )
    validation = None
    if source.validation is not None:
        validation = Validation(
            strategy,
            model,
            state,
            source.validation,
            config.train.batch_size // replicas,
            jit=jit,
        )
    return Parts(
        config=config,
        strategy=strategy,
        source=source,
        steps_per_epoch=steps_per_epoch,
        model=model,
        schedule=schedule,
        optimizer=optimizer,
        state=state,
        feed=feed,
        program=Program(
            strategy,
            make_step(config, model, optimizer, class_weights(config, source)),
            state,
            feed,
            jit=jit,
            sum_inside=sum_inside,
            # On a CPU, XLA's convolutions in a loop are slow.
            loop_inside=jit
            and (replicas == 1 or sum_inside)
            and isinstance(feed, ResidentFeed)
            and distribution.has_accelerator(),
            small_steps=_small_steps(config, steps_per_epoch),
        ),
        validation=validation,
        estimate=estimate if averaged else None,
        jit=jit,
    )


def check_batch(config: ConfigDict, replicas: int) -> None:
    """Refuses a batch that can't be dealt out evenly.

    Raises:
        SettingError: Naming the batch size.
    """
    unit = replicas * config.train.accumulation_steps
    reason = f"{replicas} replicas"
    if config.train.accumulation_steps > 1:
        reason += f", each {config.train.accumulation_steps} parts"
    mixing = config.augment.cutmix or config.augment.mixup
    if mixing and config.train.accumulation_steps % 2:
        unit *= 2
        reason += ", of pairs that CutMix or MixUp mix"
    if config.train.batch_size % unit:
        raise SettingError(
            "train.batch_size",
            config.train.batch_size,
            f"a multiple of {unit} ({reason})",
        )


def check_small_size(config: ConfigDict, source: data.Source, least: int = 1) -> None:
    """Refuses small images that are none, or have less than `least` pixels a side.

    Raises:
        SettingError: Naming `train.small_size`.
    """
    size, side = config.train.small_size, min(source.image_shape[:2])
    if size and not least <= size < side:
        choice = f"0, or {least} to {side - 1}" if least < side else "0"
        raise SettingError(
            "train.small_size",
            size,
            f"{choice}: the model needs {least} pixels a side, and the images have "
            f"{side}",
        )


def check_early_stopping(config: ConfigDict, source: data.Source) -> None:
    """Refuses to stop by a validation part that isn't there.

    Raises:
        SettingError: Naming `train.early_stopping`.
    """
    if config.train.early_stopping and source.validation is None:
        raise SettingError(
            "train.early_stopping",
            config.train.early_stopping,
            f"0: {source.name} has no validation part to stop by, and "
            f"data.validation_examples is {config.data.validation_examples}",
        )


def _small_steps(config: ConfigDict, steps_per_epoch: int) -> int:
    """How many steps are taken on small images."""
    if not config.train.small_size:
        return 0
    return round(config.train.small_share * config.train.epochs * steps_per_epoch)


def _use_jit(config: ConfigDict, replicas: int) -> bool:
    """Whether XLA compiles the step."""
    synchronized = config.train.sync_batch_norm and replicas > 1
    if config.runtime.jit == "on" and synchronized:
        raise SettingError(
            "runtime.jit",
            "on",
            "auto or off while train.sync_batch_norm is on: XLA can't compile a "
            "replica's step that has communication inside",
        )
    if config.runtime.jit == "auto":
        return distribution.has_accelerator() and not synchronized
    return config.runtime.jit == "on"


def _synchronize(model: keras.Model) -> None:
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
